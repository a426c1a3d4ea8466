/** Flows and the handles that lead to them. */
import type { Knex } from 'knex';
import { type Database, encodeJson, firstRow, instant, rows } from '../database.ts';
import { isUniqueViolation, StoreError } from '../error.ts';
import type { FlowRepository, StoredFlow } from '../store.ts';

type Handles = readonly { readonly kind: string; readonly hash: string }[];

interface FlowRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly flow: string;
  readonly state: string;
  readonly revision: number;
  readonly facts: unknown;
  readonly trace: unknown;
  readonly expires_at: string | number;
}

function toFlow(row: FlowRow): StoredFlow {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    flow: row.flow,
    state: row.state,
    revision: row.revision,
    facts: row.facts,
    trace: row.trace,
    expiresAt: instant(row.expires_at),
  };
}

async function addHandles(transaction: Knex.Transaction, flow: StoredFlow, handles: Handles): Promise<void> {
  if (handles.length === 0) return;
  await rows(
    transaction,
    `insert into flow_handle (tenant_id, kind, hash, flow_id)
     select ?, kind, hash, ? from jsonb_to_recordset(?::jsonb) as handle (kind text, hash text)`,
    [flow.tenantId, flow.id, encodeJson(handles)],
  );
}

async function insert(transaction: Knex.Transaction, flow: StoredFlow, handles: Handles): Promise<void> {
  await rows(
    transaction,
    `insert into flow (tenant_id, id, flow, state, revision, facts, trace, expires_at)
     values (?, ?, ?, ?, ?, ?::jsonb, ?::jsonb, ?)`,
    [
      flow.tenantId,
      flow.id,
      flow.flow,
      flow.state,
      flow.revision,
      encodeJson(flow.facts),
      encodeJson(flow.trace),
      flow.expiresAt,
    ],
  );
  await addHandles(transaction, flow, handles);
}

async function update(
  database: Database | Knex.Transaction,
  flow: StoredFlow,
  expectedRevision: number,
): Promise<boolean> {
  const changed = await rows(
    database,
    `update flow set flow = ?, state = ?, revision = ?, facts = ?::jsonb, trace = ?::jsonb, expires_at = ?
     where tenant_id = ? and id = ? and revision = ? returning id`,
    [
      flow.flow,
      flow.state,
      flow.revision,
      encodeJson(flow.facts),
      encodeJson(flow.trace),
      flow.expiresAt,
      flow.tenantId,
      flow.id,
      expectedRevision,
    ],
  );
  return changed.length === 1;
}

function handleConflict(error: unknown): never {
  if (isUniqueViolation(error)) {
    throw new StoreError('conflict', 'A flow with this id or handle exists already.', undefined, error);
  }
  throw error;
}

export function flowRepository(database: Database): FlowRepository {
  return {
    async create(flow, handles = []) {
      await database.transaction((transaction) => insert(transaction, flow, handles)).catch(handleConflict);
    },
    async find(tenantId, id) {
      const row = await firstRow<FlowRow>(database, 'select * from flow where tenant_id = ? and id = ?', [tenantId, id]);
      return row && toFlow(row);
    },
    async findByHandle(tenantId, kind, hash) {
      const row = await firstRow<FlowRow>(
        database,
        `select flow.* from flow_handle join flow on flow.tenant_id = flow_handle.tenant_id and flow.id = flow_id
         where flow_handle.tenant_id = ? and kind = ? and hash = ?`,
        [tenantId, kind, hash],
      );
      return row && toFlow(row);
    },
    async advance(flow, expectedRevision, handles = []) {
      if (handles.length === 0) return update(database, flow, expectedRevision);
      return database
        .transaction(async (transaction) => {
          if (!(await update(transaction, flow, expectedRevision))) return false;
          await addHandles(transaction, flow, handles);
          return true;
        })
        .catch(handleConflict);
    },
  };
}
