/** Audit events: only ever added. */
import { type Database, encodeJson, instant, rows, storableText } from '../database.ts';
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

/** What a request says of itself may hold anything; an audit event must never fail for it. */
function text(value: string | undefined): string | null {
  return value === undefined ? null : storableText(value);
}

const filterColumns = [
  ['type', 'type'],
  ['clientId', 'client_id'],
  ['userId', 'user_id'],
  ['flowId', 'flow_id'],
  ['outcome', 'outcome'],
] as const;

export function auditRepository(database: Database): AuditRepository {
  return {
    async record(event) {
      await rows(
        database,
        `insert into audit_event (tenant_id, at, type, outcome, flow_id, client_id, user_id, reason, details)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?::jsonb)`,
        [
          event.tenantId,
          event.at,
          event.type,
          event.outcome,
          text(event.flowId),
          text(event.clientId),
          text(event.userId),
          text(event.reason),
          event.details === undefined ? null : encodeJson(event.details),
        ],
      );
    },
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
