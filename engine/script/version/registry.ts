/**
 * Every version of every tenant's scripts: those of the files as they are loaded, those uploaded, and which of them run.
 * A flow takes a snapshot of the rollouts when it begins and keeps to it, on whatever node it goes on.
 */
import { LRUCache } from 'lru-cache';
import type { ScriptRepository, ScriptRollout } from '../../store/store.ts';
import { type ScriptSlot, scriptsOf } from '../../tenant/scripts.ts';
import type { Script, Tenant } from '../../tenant/tenant.ts';
import { makeScript } from '../script.ts';
import { chooseVersion, type PinnedRollout } from './choose.ts';

/** Slot to rollout; kept in a flow's record. */
export type ScriptSnapshot = Readonly<Record<string, PinnedRollout>>;

export interface ChosenScript {
  readonly slot: ScriptSlot;
  readonly script: Script;
  /** To be run beside it without effect. */
  readonly shadow?: Script;
}

export interface ScriptRegistry {
  /** Makes versions of what the tenant's files hold now. */
  record(tenant: Tenant): Promise<void>;
  /** The rollouts as they stand. */
  snapshot(tenant: Tenant): Promise<ScriptSnapshot>;
  /** @param base the slot's script by the tenant's document or a stored provider. */
  choose(
    tenant: Tenant,
    slot: ScriptSlot,
    base: Script | undefined,
    snapshot: ScriptSnapshot,
    key: string,
  ): Promise<ChosenScript | undefined>;
  /** A version by its hash, wherever it is kept. */
  find(tenantId: string, slot: string, hash: string): Promise<Script | undefined>;
  /** Makes this node read the rollouts anew. */
  forget(tenantId: string): void;
}

/** How long a rollout read from the store may be used; a change through another node is seen after this, milliseconds. */
const rolloutLifetime = 2_000;

export function createScriptRegistry(parts: {
  readonly repository: ScriptRepository;
  readonly now?: () => number;
}): ScriptRegistry {
  const { repository, now = Date.now } = parts;
  const rollouts = new LRUCache<string, Promise<ReadonlyMap<string, ScriptRollout>>>({
    max: 10_000,
    ttl: rolloutLifetime,
  });
  const versions = new LRUCache<string, Script>({ max: 2_000 });
  const keyOf = (tenantId: string, slot: string, hash: string) => `${tenantId} ${slot} ${hash}`;

  async function add(tenantId: string, slot: string, script: Script): Promise<void> {
    const key = keyOf(tenantId, slot, script.hash);
    if (versions.has(key)) return;
    const { name, source, modules, hash } = script;
    await repository.add(
      tenantId,
      slot,
      { hash, origin: 'file', author: 'files', createdAt: now() },
      { entry: name, files: [{ name, source }, ...modules] },
    );
    versions.set(key, script);
  }

  async function find(tenantId: string, slot: string, hash: string): Promise<Script | undefined> {
    const key = keyOf(tenantId, slot, hash);
    const known = versions.get(key);
    if (known) return known;
    const stored = await repository.find(tenantId, slot, hash);
    if (!stored) return undefined;
    const { entry, files } = stored.files;
    const source = files.find(({ name }) => name === entry)?.source;
    if (source === undefined) return undefined;
    const script = makeScript(
      entry,
      source,
      files.filter(({ name }) => name !== entry),
    );
    versions.set(key, script);
    return script;
  }

  function rolloutsOf(tenantId: string): Promise<ReadonlyMap<string, ScriptRollout>> {
    const known = rollouts.get(tenantId);
    if (known) return known;
    const read = repository.rollouts(tenantId);
    rollouts.set(tenantId, read);
    read.catch(() => rollouts.delete(tenantId));
    return read;
  }

  return {
    async record(tenant) {
      for (const { slot, script } of scriptsOf(tenant)) await add(tenant.id, slot, script);
    },
    async snapshot(tenant) {
      const stored = await rolloutsOf(tenant.id);
      const files = scriptsOf(tenant);
      if (stored.size === 0)
        return Object.fromEntries(files.map(({ slot, script }) => [slot, { active: script.hash }]));
      const slots = new Set([...stored.keys(), ...files.map(({ slot }) => slot)]);
      return Object.fromEntries(
        [...slots].map((slot) => {
          const file = files.find((each) => each.slot === slot)?.script.hash;
          return [slot, { ...(file === undefined ? {} : { active: file }), ...stored.get(slot) }];
        }),
      );
    },
    async choose(tenant, slot, base, snapshot, key) {
      // A provider that was added while the flow ran is not in its snapshot.
      const rollout = snapshot[slot] ?? {};
      const hash = chooseVersion(slot, rollout, key) ?? base?.hash;
      if (hash === undefined) return undefined;
      if (base && base.hash === hash) void versions.set(keyOf(tenant.id, slot, hash), base);
      const script = base?.hash === hash ? base : await find(tenant.id, slot, hash);
      // What cannot be found must not be replaced by something nobody chose for this flow.
      if (!script) throw new Error(`the version ${hash.slice(0, 12)} of ${slot} is gone`);
      // Who got the canary is told apart from what everybody else would have got; a trial is compared with the active one.
      const isCanary = rollout.canary?.hash === hash && rollout.active !== hash;
      const besides = isCanary ? rollout.active : rollout.shadow?.hash;
      const shadow = besides !== undefined && besides !== hash ? await find(tenant.id, slot, besides) : undefined;
      return { slot, script, ...(shadow ? { shadow } : {}) };
    },
    find,
    forget: (tenantId) => void rollouts.delete(tenantId),
  };
}
