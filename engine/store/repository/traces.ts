/** Traces of flows; the sweep keeps the newest ones of each tenant. */
import { createBatch } from '../batch.ts';
import { type Database, encodeJson, firstRow, instant, rows } from '../database.ts';
import type { StoredTrace, TraceFilter, TraceRepository } from '../store.ts';

interface TraceRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly flow: string;
  readonly outcome: string;
  readonly started_at: string | number;
  readonly trace: unknown;
}

function toTrace(row: TraceRow): StoredTrace {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    flow: row.flow,
    outcome: row.outcome,
    startedAt: instant(row.started_at),
    trace: row.trace,
  };
}

const SAVE = `insert into trace (tenant_id, id, flow, outcome, started_at, trace)
  select "tenantId", id, flow, outcome, "startedAt", trace
  from jsonb_to_recordset(?::jsonb) as item ("tenantId" text, id text, flow text, outcome text, "startedAt" bigint,
    trace jsonb)
  on conflict (tenant_id, id) do update set flow = excluded.flow, outcome = excluded.outcome,
    started_at = excluded.started_at, trace = excluded.trace`;

/** SQL with the values of its gaps, for each part of the filter. */
function conditionsOf(filter: TraceFilter): readonly (readonly [string, ...(string | number)[]])[] {
  const { flow, outcome, clientId, userId, hook, version, since, before } = filter;
  return [
    ...(flow === undefined ? [] : [['flow = ?', flow] as const]),
    ...(outcome === undefined
      ? []
      : [outcome === 'failure' ? (['outcome <> ?', 'success'] as const) : (['outcome = ?', outcome] as const)]),
    ...(clientId === undefined ? [] : [["trace ->> 'clientId' = ?", clientId] as const]),
    ...(userId === undefined ? [] : [["trace ->> 'userId' = ?", userId] as const]),
    ...(hook === undefined
      ? []
      : [["trace -> 'entries' @> ?::jsonb", encodeJson([{ hook: { name: hook } }])] as const]),
    ...(version === undefined
      ? []
      : [
          [
            `exists (select 1 from jsonb_array_elements(trace -> 'entries') as entry
               where starts_with(entry -> 'hook' ->> 'version', ?)
                 and (?::text = '' or entry -> 'hook' ->> 'name' = ?))`,
            version,
            hook ?? '',
            hook ?? '',
          ] as const,
        ]),
    ...(since === undefined ? [] : [['started_at >= ?', since] as const]),
    ...(before === undefined ? [] : [['started_at < ?', before] as const]),
  ];
}

export function traceRepository(database: Database): TraceRepository {
  const batch = createBatch<StoredTrace>(async (traces) => void (await rows(database, SAVE, [encodeJson(traces)])), 50);

  return {
    save: (trace) => batch.add([trace]),
    async find(tenantId, id) {
      if (id.includes('\0')) return undefined;
      const row = await firstRow<TraceRow>(database, 'select * from trace where tenant_id = ? and id = ?', [
        tenantId,
        id,
      ]);
      return row && toTrace(row);
    },
    async list(tenantId, limit, filter = {}) {
      const conditions = conditionsOf(filter);
      const found = await rows<TraceRow>(
        database,
        `select * from trace where tenant_id = ?${conditions.map(([text]) => ` and ${text}`).join('')}
         order by started_at desc, id limit ?`,
        [tenantId, ...conditions.flatMap(([, ...values]) => values), limit],
      );
      return found.map(toTrace);
    },
  };
}
