/**
 * The tenants of a running server as the page works on them: those that an administrator's token is for, each with the
 * versions of its scripts. All is read and saved by the calls of the admin API, so nobody may here what they may not there.
 */
import type { AdminCalls } from '../../engine/admin/calls.ts';
import { standInFor } from '../../engine/simulator/stand-in.ts';
import { compileScript } from '../../engine/script/compile/compile.ts';
import { makeScript } from '../../engine/script/script.ts';
import type { AdminToken, Store } from '../../engine/store/store.ts';
import { scriptProblem } from '../../engine/tenant/problem.ts';
import { scriptsOf, withScripts } from '../../engine/tenant/scripts.ts';
import type { Script, Tenant, TenantDirectory } from '../../engine/tenant/tenant.ts';
import type { Fault, ShownScript, ShownVersion } from './shown.ts';
import type { Chosen, Place, Texts, Workspace } from './workspace.ts';

export interface RunningParts {
  readonly actor: AdminToken;
  readonly admin: AdminCalls;
  readonly directory: Pick<TenantDirectory, 'all' | 'byId'>;
  readonly store: Pick<Store, 'clients' | 'providers'>;
}

/** What the admin API refused. */
export class Refused extends Error {
  readonly status: number;
  readonly fault: Fault;

  constructor(status: number, fault: Fault) {
    super(fault.message);
    this.status = status;
    this.fault = fault;
  }
}

export interface RunningWorkspace extends Workspace {
  /** A call of the admin API for a tenant. @throws Refused */
  ask<Body>(
    place: Place,
    name: string,
    asked?: {
      readonly parameters?: Readonly<Record<string, string>>;
      readonly query?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    },
  ): Promise<Body>;
  /** The version that is edited, with other texts. */
  filesOf(place: Place, chosen: Chosen, texts: Texts): Promise<VersionFiles & { readonly slot: string }>;
}

interface VersionFiles {
  readonly entry: string;
  readonly files: readonly { readonly name: string; readonly source: string }[];
}

type Slots = ShownScript['slots'];

export function createRunningWorkspace({ actor, admin, directory, store }: RunningParts): RunningWorkspace {
  const mayManage = (id: string) => actor.tenants === undefined || actor.tenants.includes(id);
  const shown = ({ id, name }: Tenant): Place => ({ id, name, folder: '' });
  // Of one request each.
  const slots = new Map<string, Promise<Slots>>();

  const ask: RunningWorkspace['ask'] = async (place, name, { parameters = {}, ...rest } = {}) => {
    const result = await admin.call(name, actor, { ...rest, parameters: { ...parameters, tenant: place.id } });
    if (!('problem' in result)) return result.body as never;
    const { status, detail, hint = '', problems = [] } = result.problem;
    const [first] = problems;
    throw new Refused(status, {
      message: [detail, ...problems.map(({ found }) => found)].join('\n'),
      hint: first?.hint ?? hint,
    });
  };

  function slotsOf(place: Place): Promise<Slots> {
    const known =
      slots.get(place.id) ?? ask<{ readonly items: Slots }>(place, 'listScripts').then(({ items }) => items);
    slots.set(place.id, known);
    return known;
  }

  async function tenantOf(place: Place): Promise<Tenant> {
    const tenant = directory.byId(place.id);
    if (!tenant || !mayManage(place.id)) throw new Refused(404, { message: 'There is no such tenant.', hint: '' });
    const [clients, providers] = await Promise.all([store.clients.list(tenant.id), store.providers.list(tenant.id)]);
    return standInFor(tenant, { clients, providers });
  }

  /** The slot that is meant, and the version of it; the active one unless another is named. */
  async function meant(place: Place, { slot, version }: Chosen): Promise<Required<Pick<Chosen, 'slot'>> & Chosen> {
    const all = await slotsOf(place);
    const entry = all.find((each) => each.slot === slot) ?? all.find(({ active }) => active !== undefined) ?? all[0];
    const hash = (entry?.slot === slot ? version : undefined) ?? entry?.active;
    return { slot: entry?.slot ?? 'callbacks', ...(hash === undefined ? {} : { version: hash }) };
  }

  const versionOf = (place: Place, slot: string, hash: string) =>
    ask<VersionFiles>(place, 'getScriptVersion', { parameters: { slot, hash } });

  async function filesOf(
    place: Place,
    chosen: Chosen,
    texts: Texts,
  ): Promise<VersionFiles & { readonly slot: string }> {
    const { slot, version } = await meant(place, chosen);
    const { entry, files } =
      version === undefined ? await unversioned(place, slot) : await versionOf(place, slot, version);
    return {
      slot,
      entry,
      files: files.map(({ name, source }) => ({
        name,
        source: Object.hasOwn(texts, name) ? (texts[name] ?? '') : source,
      })),
    };
  }

  /** What a provider that was added brings along, or a file to begin with. */
  async function unversioned(place: Place, slot: string): Promise<VersionFiles> {
    const found = scriptsOf(await tenantOf(place)).find((each) => each.slot === slot)?.script;
    if (found) return { entry: found.name, files: [{ name: found.name, source: found.source }, ...found.modules] };
    const entry = `${slot.replaceAll('/', '-')}.js`;
    return { entry, files: [{ name: entry, source: '' }] };
  }

  const scriptOf = ({ entry, files }: VersionFiles): Script =>
    makeScript(
      entry,
      files.find(({ name }) => name === entry)?.source ?? '',
      files.filter(({ name }) => name !== entry),
    );

  return {
    ask,
    filesOf,
    async find() {
      return {
        places: directory
          .all()
          .filter(({ id }) => mayManage(id))
          .map(shown),
        faults: [],
      };
    },
    placeOf(id) {
      const tenant = mayManage(id) ? directory.byId(id) : undefined;
      return tenant && shown(tenant);
    },
    async load(place, texts, chosen) {
      const tenant = await tenantOf(place);
      const base = new Map(scriptsOf(tenant).map(({ slot, script }) => [String(slot), script.hash]));
      const scripts = new Map<string, Script>();
      for (const { slot, active } of await slotsOf(place))
        if (active !== undefined && base.get(slot) !== active)
          scripts.set(slot, scriptOf(await versionOf(place, slot, active)));
      const edited = await filesOf(place, chosen, texts);
      const script = scriptOf(edited);
      if (edited.files.some(({ source }) => source.trim() !== '')) scripts.set(edited.slot, script);
      const complete = withScripts(tenant, scripts);
      const compiled = compileScript(script);
      if (compiled.ok) return { ok: true, tenant: complete, warnings: [] };
      return {
        ok: false,
        problems: compiled.problems.map((found) => scriptProblem(found.location.file, found)),
        scripts: scriptsOf(complete),
      };
    },
    async files(place, chosen) {
      const { slot, entry, files } = await filesOf(place, chosen, {});
      return files
        .toSorted((left, right) => Number(right.name === entry) - Number(left.name === entry))
        .map(({ name, source }) => ({ name, text: source, slots: name === entry ? [slot] : [] }));
    },
    cases: async () => [],
    async script(place, chosen) {
      const { slot, version } = await meant(place, chosen);
      const { items } = await ask<{ readonly items: readonly ShownVersion[] }>(place, 'listScriptVersions', {
        parameters: { slot },
      });
      return {
        slots: await slotsOf(place),
        slot,
        ...(version === undefined ? {} : { version }),
        versions: items,
      };
    },
  };
}
