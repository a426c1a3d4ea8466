/** Versions of scripts, their rollouts, and what trials of them showed. */
import { type Database, encodeJson, firstRow, instant, rows } from '../database.ts';
import type { ScriptComparison, ScriptFiles, ScriptRepository, ScriptRollout, ScriptVersion } from '../store.ts';

interface VersionRow {
  readonly hash: string;
  readonly files?: ScriptFiles;
  readonly origin: 'file' | 'upload';
  readonly author: string;
  readonly note: string | null;
  readonly created_at: string | number;
  readonly activated_at: string | number | null;
}

interface ComparisonRow {
  readonly active_hash: string;
  readonly shadow_hash: string;
  readonly hook: string;
  readonly counts: ScriptComparison['counts'];
  readonly samples: ScriptComparison['samples'];
  readonly last_at: string | number;
}

/** Differences kept for each pair of versions and hook, the youngest. */
const mostSamples = 20;

function versionOf(row: VersionRow): ScriptVersion {
  return {
    hash: row.hash,
    origin: row.origin,
    author: row.author,
    ...(row.note === null ? {} : { note: row.note }),
    createdAt: instant(row.created_at),
    ...(row.activated_at === null ? {} : { activatedAt: instant(row.activated_at) }),
  };
}

export function scriptRepository(database: Database): ScriptRepository {
  return {
    async add(tenantId, slot, { hash, origin, author, note, createdAt }, files) {
      const added = await rows(
        database,
        `insert into script_version (tenant_id, slot, hash, files, origin, author, note, created_at)
         values (?, ?, ?, ?::jsonb, ?, ?, ?, ?) on conflict (tenant_id, slot, hash) do nothing returning hash`,
        [tenantId, slot, hash, encodeJson(files), origin, author, note ?? null, createdAt],
      );
      return added.length === 1;
    },
    async find(tenantId, slot, hash) {
      const row = await firstRow<VersionRow & { readonly files: ScriptFiles }>(
        database,
        `select hash, files, origin, author, note, created_at, activated_at from script_version
         where tenant_id = ? and slot = ? and hash = ?`,
        [tenantId, slot, hash],
      );
      return row && { ...versionOf(row), files: row.files };
    },
    async list(tenantId, slot) {
      const found = await rows<VersionRow>(
        database,
        `select hash, origin, author, note, created_at, activated_at from script_version
         where tenant_id = ? and slot = ? order by created_at desc, hash limit 200`,
        [tenantId, slot],
      );
      return found.map(versionOf);
    },
    async markActivated(tenantId, slot, hash, now) {
      await rows(database, 'update script_version set activated_at = ? where tenant_id = ? and slot = ? and hash = ?', [
        now,
        tenantId,
        slot,
        hash,
      ]);
    },
    async rollouts(tenantId) {
      const found = await rows<{ readonly slot: string; readonly rollout: ScriptRollout }>(
        database,
        'select slot, rollout from script_rollout where tenant_id = ?',
        [tenantId],
      );
      return new Map(found.map(({ slot, rollout }) => [slot, rollout]));
    },
    async setRollout(tenantId, slot, rollout, now, by) {
      await rows(
        database,
        `insert into script_rollout (tenant_id, slot, rollout, changed_at, changed_by) values (?, ?, ?::jsonb, ?, ?)
         on conflict (tenant_id, slot) do update set rollout = excluded.rollout, changed_at = excluded.changed_at,
           changed_by = excluded.changed_by`,
        [tenantId, slot, encodeJson(rollout), now, by],
      );
    },
    async compare(tenantId, slot, { activeHash, shadowHash, hook, counts, samples, lastAt }) {
      // Added up where it stands: several nodes tell of the same pair.
      await rows(
        database,
        `insert into script_comparison (tenant_id, slot, active_hash, shadow_hash, hook, counts, samples, last_at)
         values (?, ?, ?, ?, ?, ?::jsonb, ?::jsonb, ?)
         on conflict (tenant_id, slot, shadow_hash, active_hash, hook) do update set
           counts = (select jsonb_object_agg(coalesce(old.key, new.key),
               coalesce(old.value::text::numeric, 0) + coalesce(new.value::text::numeric, 0))
             from jsonb_each(script_comparison.counts) as old
             full join jsonb_each(excluded.counts) as new on old.key = new.key),
           samples = (select coalesce(jsonb_agg(value order by place), '[]'::jsonb)
             from (select value, place from jsonb_array_elements(excluded.samples || script_comparison.samples)
               with ordinality as all_samples (value, place) order by place limit ${mostSamples}) as youngest),
           last_at = greatest(script_comparison.last_at, excluded.last_at)`,
        [tenantId, slot, activeHash, shadowHash, hook, encodeJson(counts), encodeJson(samples), lastAt],
      );
    },
    async comparisons(tenantId, slot) {
      const found = await rows<ComparisonRow>(
        database,
        `select active_hash, shadow_hash, hook, counts, samples, last_at from script_comparison
         where tenant_id = ? and slot = ? order by last_at desc limit 100`,
        [tenantId, slot],
      );
      return found.map((row) => ({
        activeHash: row.active_hash,
        shadowHash: row.shadow_hash,
        hook: row.hook,
        counts: row.counts,
        samples: row.samples,
        lastAt: instant(row.last_at),
      }));
    },
  };
}
