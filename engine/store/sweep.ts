/** Deletes what has expired, in small steps that keep locks short. */
import { type Database, encodeJson, rows } from './database.ts';
import type { TracesKept } from './store.ts';

const STEP = 2_000;
/** Of tenants that say nothing of it: those of the schema. */
const TRACES_KEPT = 500;
const TRACE_DAYS = 30;
const DAY = 24 * 60 * 60 * 1000;
/** Failed log-ins of a name nobody has tried for a week are forgotten, or guessing would fill the table. */
const FAILURES_KEPT = 7 * DAY;

/** Table and condition, whose one parameter is the instant given beside it. */
function expired(now: number): readonly (readonly [string, string, number])[] {
  return [
    ['token', 'expires_at <= ?', now],
    ['flow', 'expires_at <= ?', now],
    ['session', 'expires_at <= ?', now],
    ['provider_session', 'expires_at <= ?', now],
    ['session_app', 'expires_at <= ?', now],
    ['replay', 'expires_at <= ?', now],
    ['launch', 'expires_at <= ?', now],
    ['mailed_link', 'expires_at <= ?', now],
    ['registration', 'expires_at <= ?', now],
    ['remembered_device', 'expires_at <= ?', now],
    ['consent', 'expires_at <= ?', now],
    ['remembered_context', 'expires_at <= ?', now],
    ['admin_token', 'expires_at <= ?', now],
    ['script_value', 'expires_at <= ?', now],
    ['login_failure', 'last_at <= ?', now - FAILURES_KEPT],
    // Given up long before; what is left is of a tenant that is gone.
    ['logout_notice', 'created_at <= ?', now - DAY],
    [
      'grant_use',
      `used_at <= ? and not exists (select 1 from token where token.tenant_id = grant_use.tenant_id
         and token.grant_id = grant_use.grant_id)`,
      now - DAY,
    ],
    // A revocation is needed as long as a token may refer to it, or may be about to be saved.
    [
      'revocation',
      `revoked_at <= ? and not exists (select 1 from token where token.tenant_id = revocation.tenant_id
         and revocation.kind = 'grant' and token.grant_id = revocation.id)
       and not exists (select 1 from token where token.tenant_id = revocation.tenant_id
         and revocation.kind = 'session' and token.session_id = revocation.id)`,
      now - DAY,
    ],
  ];
}

/** Of each tenant by itself, as the index is: reading all of a trail that only grows would take ever longer. */
const OLD_AUDIT_EVENTS = `with recursive tenants as (
    (select tenant_id from audit_event order by tenant_id limit 1)
    union all
    select (select tenant_id from audit_event where tenant_id > tenants.tenant_id order by tenant_id limit 1)
    from tenants where tenants.tenant_id is not null)
  delete from audit_event where ctid = any (array(
    select old.place from tenants, lateral (
      select ctid as place from audit_event where audit_event.tenant_id = tenants.tenant_id and at < ?
      limit ${STEP} for update skip locked) as old
    limit ${STEP})) returning 1 as gone`;

/**
 * @param now epoch milliseconds: rows that expire then or earlier go.
 * @param keep.traces how long tenants keep traces; 500 for 30 days where one is not named.
 * @param keep.auditBefore audit events from before this instant go; none where absent.
 */
export async function sweep(
  database: Database,
  now: number,
  { auditBefore, traces = [] }: { readonly auditBefore?: number; readonly traces?: readonly TracesKept[] } = {},
): Promise<void> {
  for (const [table, condition, instant] of expired(now)) {
    for (;;) {
      // Rows that another node's sweep is deleting are skipped.
      const deleted = await rows(
        database,
        `delete from ${table} where ctid = any (array(
           select ctid from ${table} where ${condition} limit ${STEP} for update skip locked)) returning 1 as gone`,
        [instant],
      );
      if (deleted.length < STEP) break;
    }
  }
  for (let gone = STEP; auditBefore !== undefined && gone >= STEP;)
    gone = (await rows(database, OLD_AUDIT_EVENTS, [auditBefore])).length;
  await rows(
    database,
    `delete from trace where ctid = any (array(
       select trace.ctid from trace join (
         select tenant_id, id, row_number() over (partition by tenant_id order by started_at desc, id) as place
         from trace) as ranked on ranked.tenant_id = trace.tenant_id and ranked.id = trace.id
       left join jsonb_to_recordset(?::jsonb) as kept ("tenantId" text, days bigint, most bigint)
         on kept."tenantId" = trace.tenant_id
       where ranked.place > coalesce(kept.most, ${TRACES_KEPT})
         or trace.started_at <= ?::bigint - coalesce(kept.days, ${TRACE_DAYS}) * ${DAY}
       for update of trace skip locked))`,
    [encodeJson(traces), now],
  );
  // What is kept of the two sides of a trial is a part of a trace.
  await rows(
    database,
    `update script_comparison set samples = (
       select coalesce(jsonb_agg(case when (value ->> 'at')::numeric <= old.bound then value - 'sides' else value end
         order by place), '[]'::jsonb)
       from jsonb_array_elements(samples) with ordinality as each_sample (value, place))
     from (select comparison.ctid as row_place, ?::bigint - coalesce(kept.days, ${TRACE_DAYS}) * ${DAY} as bound
       from script_comparison as comparison
       left join jsonb_to_recordset(?::jsonb) as kept ("tenantId" text, days bigint, most bigint)
         on kept."tenantId" = comparison.tenant_id) as old
     where script_comparison.ctid = old.row_place and exists (
       select 1 from jsonb_array_elements(samples) as sample
       where sample -> 'sides' is not null and (sample ->> 'at')::numeric <= old.bound)`,
    [now, encodeJson(traces)],
  );
}
