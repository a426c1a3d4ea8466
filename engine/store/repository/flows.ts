/** Flows and the handles that lead to them. */
import { type Database, encodeJson, firstRow, instant, rows } from '../database.ts';
import { isUniqueViolation, StoreError } from '../error.ts';
import type { FlowRepository, StoredFlow } from '../store.ts';

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

// A flow and its handles are written in one statement: atomic, and one journey to the database.
const CREATE = `with created as (
    insert into flow (tenant_id, id, flow, state, revision, facts, trace, expires_at)
    values (?, ?, ?, ?, ?, ?::jsonb, ?::jsonb, ?) returning tenant_id, id)
  insert into flow_handle (tenant_id, kind, hash, flow_id)
  select created.tenant_id, handle.kind, handle.hash, created.id
  from created, jsonb_to_recordset(?::jsonb) as handle (kind text, hash text)`;

const ADVANCE = `with changed as (
    update flow set flow = ?, state = ?, revision = ?, facts = ?::jsonb, trace = ?::jsonb, expires_at = ?
    where tenant_id = ? and id = ? and revision = ? returning tenant_id, id),
  added as (
    insert into flow_handle (tenant_id, kind, hash, flow_id)
    select changed.tenant_id, handle.kind, handle.hash, changed.id
    from changed, jsonb_to_recordset(?::jsonb) as handle (kind text, hash text))
  select id from changed`;

function handleConflict(error: unknown): never {
  if (isUniqueViolation(error)) {
    throw new StoreError('conflict', 'A flow with this id or handle exists already.', undefined, error);
  }
  throw error;
}

export function flowRepository(database: Database): FlowRepository {
  return {
    async create(flow, handles = []) {
      await rows(database, CREATE, [
        flow.tenantId,
        flow.id,
        flow.flow,
        flow.state,
        flow.revision,
        encodeJson(flow.facts),
        encodeJson(flow.trace),
        flow.expiresAt,
        encodeJson(handles),
      ]).catch(handleConflict);
    },
    async find(tenantId, id) {
      const row = await firstRow<FlowRow>(database, 'select * from flow where tenant_id = ? and id = ?', [
        tenantId,
        id,
      ]);
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
      const changed = await rows(database, ADVANCE, [
        flow.flow,
        flow.state,
        flow.revision,
        encodeJson(flow.facts),
        encodeJson(flow.trace),
        flow.expiresAt,
        flow.tenantId,
        flow.id,
        expectedRevision,
        encodeJson(handles),
      ]).catch(handleConflict);
      return changed.length === 1;
    },
  };
}
