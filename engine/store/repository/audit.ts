/** Audit events: only ever added, until they are older than the server keeps them (`sweep.ts`). */
import { createBatch } from '../batch.ts';
import { type Database, encodeJson, instant, preparedRows, rows, storableText } from '../database.ts';
import type { AuditEvent, AuditRepository } from '../store.ts';

interface AuditRow {
  readonly tenant_id: string;
  readonly at: string | number;
  readonly type: string;
  readonly outcome: 'success' | 'failure';
  readonly flow_id: string | null;
  readonly client_id: string | null;
  readonly user_id: string | null;
  readonly reason: string | null;
  readonly details: Readonly<Record<string, unknown>> | null;
}

function toEvent(row: AuditRow): AuditEvent {
  return {
    tenantId: row.tenant_id,
    at: instant(row.at),
    type: row.type,
    outcome: row.outcome,
    ...(row.flow_id === null ? {} : { flowId: row.flow_id }),
    ...(row.client_id === null ? {} : { clientId: row.client_id }),
    ...(row.user_id === null ? {} : { userId: row.user_id }),
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.details === null ? {} : { details: row.details }),
  };
}

// One parameter, so that the statement reads the same for any number of rows. Its encoding replaces what PostgreSQL cannot
// store: what a request says of itself may hold anything, and an audit event must never fail for it.
const INSERT = `insert into audit_event (tenant_id, at, type, outcome, flow_id, client_id, user_id, reason, details)
  select "tenantId", at, type, outcome, "flowId", "clientId", "userId", reason, details
  from jsonb_to_recordset(?::jsonb) as item ("tenantId" text, at bigint, type text, outcome text, "flowId" text,
    "clientId" text, "userId" text, reason text, details jsonb)`;

const filterColumns = [
  ['type', 'type'],
  ['clientId', 'client_id'],
  ['userId', 'user_id'],
  ['flowId', 'flow_id'],
  ['outcome', 'outcome'],
] as const;

export function auditRepository(database: Database): AuditRepository {
  const batch = createBatch<AuditEvent>(
    async (events) => void (await preparedRows(database, 'insert-audit-event', INSERT, [encodeJson(events)])),
  );

  return {
    record: (event) => batch.add([event]),
    async list(tenantId, limit, filter = {}) {
      const conditions = ['tenant_id = ?'];
      const values: (string | number)[] = [tenantId];
      for (const [member, column] of filterColumns) {
        const wanted = filter[member];
        if (wanted === undefined) continue;
        conditions.push(`${column} = ?`);
        values.push(storableText(wanted));
      }
      if (filter.before !== undefined) {
        conditions.push('at < ?');
        values.push(filter.before);
      }
      const found = await rows<AuditRow>(
        database,
        `select * from audit_event where ${conditions.join(' and ')} order by at desc, id desc limit ?`,
        [...values, limit],
      );
      return found.map(toEvent);
    },
  };
}
