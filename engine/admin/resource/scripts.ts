/** The versions of a tenant's scripts: bring one in, try it, make it the active one, go back. */
import { compileScript } from '../../script/compile/compile.ts';
import { readCase } from '../../script/case/document.ts';
import { runCase } from '../../script/case/run.ts';
import { codeFrame } from '../../script/compile/frame.ts';
import { makeScript } from '../../script/script.ts';
import type { ScriptRollout, ScriptVersion } from '../../store/store.ts';
import { adviseOn } from '../../tenant/script-advice.ts';
import { type ScriptSlot, scriptsOf } from '../../tenant/scripts.ts';
import { problem, type Problem } from '../../tenant/problem.ts';
import type { Script, Tenant } from '../../tenant/tenant.ts';
import { invalid, notFound, refuse } from '../problem.ts';
import { ok, type Result, type Services, type TenantRequest, type TenantRoute } from '../route.ts';
import { instantText, list, object, text } from '../schema.ts';

const hash = text('SHA-256 of its files, hex.', { examples: ['3f5a…'] });
/** A person may write the beginning of a hash, as long as it names one version only. */
const hashPrefix = text('A version: its hash, or the beginning of it.', { pattern: '^[0-9a-f]{6,64}$' });
const share = { type: 'number', exclusiveMinimum: 0, maximum: 1, description: 'Part of people and apps, up to 1.' };

const versionView = object(
  {
    hash,
    origin: { enum: ['file', 'upload'], description: "Whether it came from the tenant's folder or through this API." },
    author: text('Who brought it in.'),
    note: text('What it is for.'),
    createdAt: instantText('When it came in.'),
    activatedAt: instantText('When it was made the active one last.'),
  },
  ['hash', 'origin', 'author', 'createdAt'],
);
const rolloutView = object(
  {
    slot: text('Where the script stands.', { examples: ['callbacks', 'inbound/local'] }),
    active: text('The version everybody gets.'),
    followsFiles: { type: 'boolean', description: 'Whether that is whatever the files hold.' },
    canary: object({ hash, share }, undefined, { description: 'A version that a share of people and apps get.' }),
    shadow: object({ hash }, undefined, { description: 'A version on trial beside the active one.' }),
  },
  ['slot', 'followsFiles'],
);
const rolloutBody = object(
  {
    active: { anyOf: [hashPrefix, { type: 'null' }], description: 'Null follows the files again.' },
    canary: { anyOf: [object({ hash: hashPrefix, share }), { type: 'null' }], description: 'Null ends it.' },
    shadow: { anyOf: [object({ hash: hashPrefix }), { type: 'null' }], description: 'Null ends it.' },
  },
  [],
);
const uploadBody = object(
  {
    entry: text('The file that holds the hooks.', { minLength: 1, maxLength: 200, examples: ['callbacks.ts'] }),
    files: {
      ...list(
        object({
          name: text('Its path.', { pattern: '^[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$' }),
          source: text('Its text.', { maxLength: 1_048_576 }),
        }),
        'The entry and what it imports.',
      ),
      minItems: 1,
      maxItems: 200,
    },
    note: text('What it is for.', { maxLength: 500 }),
    cases: {
      ...list({ type: 'object' }, 'Cases (schemas/case.schema.json) that must hold, or nothing is kept.'),
      maxItems: 500,
    },
    activate: { type: 'boolean', default: false, description: 'Make it the active one at once.' },
  },
  ['entry', 'files'],
);

interface UploadBody {
  readonly entry: string;
  readonly files: readonly { readonly name: string; readonly source: string }[];
  readonly note?: string;
  readonly cases?: readonly object[];
  readonly activate: boolean;
}

interface RolloutBody {
  readonly active?: string | null;
  readonly canary?: { readonly hash: string; readonly share: number } | null;
  readonly shadow?: { readonly hash: string } | null;
}

const base = '/tenants/{tenant}/scripts';

function viewVersion({ createdAt, activatedAt, ...version }: ScriptVersion) {
  return {
    ...version,
    createdAt: new Date(createdAt).toISOString(),
    ...(activatedAt === undefined ? {} : { activatedAt: new Date(activatedAt).toISOString() }),
  };
}

/** The slots a tenant has, with or without a script in them. */
async function slotsOf(tenant: Tenant, { store }: Services): Promise<readonly ScriptSlot[]> {
  const stored = await store.providers.list(tenant.id);
  const providers = new Set([...tenant.providers, ...stored].map(({ id }) => id));
  return [
    'callbacks',
    ...tenant.scripts.bound.map(({ id }) => `bound/${id}` as const),
    'codapAuthorization',
    ...tenant.inbound.map(({ id }) => `inbound/${id}` as const),
    ...[...providers].map((id) => `federationAuth/${id}` as const),
  ];
}

async function slotOf({ tenant, parameters }: TenantRequest, services: Services): Promise<ScriptSlot | undefined> {
  return (await slotsOf(tenant, services)).find((slot) => slot === parameters['slot']);
}

/** The one version whose hash begins so. */
async function versionOf(tenant: Tenant, slot: string, prefix: string, { store }: Services) {
  const found = (await store.scripts.list(tenant.id, slot)).filter((version) => version.hash.startsWith(prefix));
  return found.length === 1 ? found[0] : undefined;
}

/** A version that is kept, by its hash or the beginning of it. */
export async function storedScript(
  tenant: Tenant,
  slot: string,
  prefix: string,
  services: Services,
): Promise<Script | undefined> {
  const version = await versionOf(tenant, slot, prefix, services);
  const found = version && (await services.store.scripts.find(tenant.id, slot, version.hash));
  if (!found) return undefined;
  const { entry, files } = found.files;
  const main = files.find(({ name }) => name === entry);
  return (
    main &&
    makeScript(
      entry,
      main.source,
      files.filter((file) => file !== main),
    )
  );
}

/** What everybody gets at a slot, canaries aside. */
export async function activeScript(tenant: Tenant, slot: string, services: Services): Promise<Script | undefined> {
  const { active } = await rolloutOf(tenant, slot, services);
  if (active !== undefined) return storedScript(tenant, slot, active, services);
  const [kind, id = ''] = slot.split('/', 2);
  return (
    scriptsOf(tenant).find((bound) => bound.slot === slot)?.script ??
    (kind === 'federationAuth' ? (await services.store.providers.find(tenant.id, id))?.federationAuth : undefined)
  );
}

function viewRollout(tenant: Tenant, slot: ScriptSlot, rollout: ScriptRollout = {}) {
  const file = scriptsOf(tenant).find((bound) => bound.slot === slot)?.script.hash;
  const active = rollout.active ?? file;
  return {
    slot,
    ...(active === undefined ? {} : { active }),
    followsFiles: rollout.active === undefined,
    ...canaryOf(rollout),
  };
}

function canaryOf({ canary, shadow }: ScriptRollout) {
  return { ...(canary ? { canary } : {}), ...(shadow ? { shadow } : {}) };
}

/** Everything that keeps a script from running, and what is probably not meant in it. */
async function examine(
  script: Script,
  slot: ScriptSlot,
  { scripts }: Services,
): Promise<{ readonly problems: readonly Problem[]; readonly warnings: readonly string[] }> {
  const at = ({ file, line, column }: { readonly file: string; readonly line: number; readonly column: number }) =>
    `${file}:${line}:${column}`;
  const compiled = compileScript(script);
  if (!compiled.ok)
    return {
      problems: compiled.problems.map(({ code, message, hint, location }) =>
        problem(
          code,
          location.file,
          '/files',
          `${at(location)} ${message}`,
          'a script that loads',
          [hint, codeFrame(script, location)].filter(Boolean).join('\n'),
        ),
      ),
      warnings: [],
    };
  const loaded = await scripts.inspect(script);
  if (!loaded.ok) {
    const where = loaded.location ?? { file: script.name, line: 1, column: 1 };
    return {
      problems: [
        problem(
          'load',
          where.file,
          '/files',
          `${at(where)} ${loaded.message}`,
          'a script that loads',
          codeFrame(script, where) ?? '',
        ),
      ],
      warnings: [],
    };
  }
  const warnings = adviseOn(script, [slot]).map(
    ({ message, hint, location }) => `${at(location)} ${message}${hint ? `; ${hint}` : ''}`,
  );
  return { problems: [], warnings };
}

/** Each case that does not hold, or is not one. They run apart from everything real. */
async function failingCases(
  cases: readonly object[],
  slot: ScriptSlot,
  tenant: Tenant,
  script: Script,
  { scripts }: Services,
): Promise<readonly Problem[]> {
  const broken: Problem[] = [];
  for (const [index, each] of cases.entries()) {
    const at = `/cases/${index}`;
    const read = readCase({ slot, ...each }, `case ${index + 1}`);
    if (!read.ok) {
      broken.push(...read.problems.map((found) => ({ ...found, pointer: at + found.pointer })));
      continue;
    }
    const { name, failures } = await runCase({ ...read.document, slot }, tenant, scripts, script);
    broken.push(...failures.map((failure) => problem('case', name, at, `${name}: ${failure}`, 'a case that holds')));
  }
  return broken;
}

async function changeRollout(
  { tenant, actor }: TenantRequest,
  slot: ScriptSlot,
  next: ScriptRollout,
  services: Services,
  type: string,
): Promise<Result> {
  const now = services.now();
  await services.store.scripts.setRollout(tenant.id, slot, next, now, actor.name);
  if (next.active !== undefined) await services.store.scripts.markActivated(tenant.id, slot, next.active, now);
  services.forgetScripts(tenant.id);
  return { ...ok(viewRollout(tenant, slot, next)), change: { type, details: { slot, ...next } } };
}

async function rolloutOf(tenant: Tenant, slot: string, { store }: Services): Promise<ScriptRollout> {
  return (await store.scripts.rollouts(tenant.id)).get(slot) ?? {};
}

const unknownVersion = (parameters: Readonly<Record<string, string>>) => notFound('version', parameters['hash'] ?? '');
const unknownSlot = (parameters: Readonly<Record<string, string>>) => notFound('script slot', parameters['slot'] ?? '');

export const scriptRoutes: readonly TenantRoute[] = [
  {
    name: 'listScripts',
    method: 'GET',
    path: base,
    summary: 'Where the tenant may have scripts, and which versions run there.',
    permission: 'read',
    answer: { status: 200, schema: object({ items: list(rolloutView, 'The slots.') }) },
    commands: [{ name: 'script list' }],
    columns: ['slot', 'active', 'followsFiles', 'canary', 'shadow'],
    async run({ tenant }, services) {
      const stored = await services.store.scripts.rollouts(tenant.id);
      const slots = await slotsOf(tenant, services);
      return ok({ items: slots.map((slot) => viewRollout(tenant, slot, stored.get(slot))) });
    },
  },
  {
    name: 'listScriptVersions',
    method: 'GET',
    path: `${base}/{slot}/versions`,
    summary: 'The versions of a script, newest first.',
    permission: 'read',
    answer: { status: 200, schema: object({ items: list(versionView, 'The versions.') }) },
    commands: [{ name: 'script versions' }],
    columns: ['hash', 'origin', 'author', 'createdAt', 'activatedAt', 'note'],
    async run(request, services) {
      const slot = await slotOf(request, services);
      if (!slot) return unknownSlot(request.parameters);
      return ok({ items: (await services.store.scripts.list(request.tenant.id, slot)).map(viewVersion) });
    },
  },
  {
    name: 'uploadScript',
    method: 'POST',
    path: `${base}/{slot}/versions`,
    summary: 'Makes a version. It is checked before it is kept, and runs once it is activated.',
    permission: 'manage',
    body: uploadBody,
    answer: {
      status: 201,
      schema: object({
        hash,
        new: { type: 'boolean', description: 'False where these files were a version already.' },
        cases: { type: 'integer', description: 'How many cases held.' },
        warnings: list(text('A place and a sentence.'), 'What is probably not meant.'),
      }),
    },
    commands: [{ name: 'script upload', script: true }],
    async run(request, services) {
      const { tenant, actor, parameters } = request;
      const slot = await slotOf(request, services);
      if (!slot) return unknownSlot(parameters);
      const { entry, files, note, cases = [], activate } = request.body as UploadBody;
      const main = files.find(({ name }) => name === entry);
      if (!main || new Set(files.map(({ name }) => name)).size < files.length)
        return refuse(400, 'script-files', 'The entry must be among the files, and no file may be there twice.');
      const others = files.filter((file) => file !== main);
      const script = makeScript(entry, main.source, others);
      const { problems, warnings } = await examine(script, slot, services);
      if (problems.length > 0) return invalid(problems);
      const broken = await failingCases(cases, slot, tenant, script, services);
      if (broken.length > 0) return invalid(broken);
      const added = await services.store.scripts.add(
        tenant.id,
        slot,
        {
          hash: script.hash,
          origin: 'upload',
          author: actor.name,
          ...(note ? { note } : {}),
          createdAt: services.now(),
        },
        { entry, files: [main, ...others] },
      );
      if (activate) {
        const rollout = await rolloutOf(tenant, slot, services);
        await changeRollout(request, slot, { ...rollout, active: script.hash }, services, 'script.activated');
      }
      return {
        status: 201,
        body: { hash: script.hash, new: added, cases: cases.length, warnings },
        change: { type: 'script.uploaded', details: { slot, hash: script.hash, activate } },
      };
    },
  },
  {
    name: 'getScriptVersion',
    method: 'GET',
    path: `${base}/{slot}/versions/{hash}`,
    summary: 'A version with its files.',
    permission: 'read',
    answer: { status: 200, schema: { ...versionView, additionalProperties: true } },
    commands: [{ name: 'script show' }],
    async run(request, services) {
      const { tenant, parameters } = request;
      const slot = await slotOf(request, services);
      if (!slot) return unknownSlot(parameters);
      const version = await versionOf(tenant, slot, parameters['hash'] ?? '', services);
      const found = version && (await services.store.scripts.find(tenant.id, slot, version.hash));
      if (!found) return unknownVersion(parameters);
      const { files, ...rest } = found;
      return ok({ ...viewVersion(rest), ...files });
    },
  },
  {
    name: 'activateScriptVersion',
    method: 'POST',
    path: `${base}/{slot}/versions/{hash}/activate`,
    summary: 'Makes a version the active one. Flows in progress end on the one they began with.',
    permission: 'manage',
    answer: { status: 200, schema: rolloutView },
    commands: [{ name: 'script activate' }],
    async run(request, services) {
      const { tenant, parameters } = request;
      const slot = await slotOf(request, services);
      if (!slot) return unknownSlot(parameters);
      const version = await versionOf(tenant, slot, parameters['hash'] ?? '', services);
      if (!version) return unknownVersion(parameters);
      const { canary, shadow } = await rolloutOf(tenant, slot, services);
      // What became the active version is neither a canary nor on trial any more.
      const next: ScriptRollout = {
        active: version.hash,
        ...(canary && canary.hash !== version.hash ? { canary } : {}),
        ...(shadow && shadow.hash !== version.hash ? { shadow } : {}),
      };
      return changeRollout(request, slot, next, services, 'script.activated');
    },
  },
  {
    name: 'rollBackScript',
    method: 'POST',
    path: `${base}/{slot}/rollback`,
    summary: 'Goes back to the version that was active before, and ends canary and trial.',
    permission: 'manage',
    answer: { status: 200, schema: rolloutView },
    commands: [{ name: 'script rollback' }],
    async run(request, services) {
      const { tenant, parameters } = request;
      const slot = await slotOf(request, services);
      if (!slot) return unknownSlot(parameters);
      const { active } = await rolloutOf(tenant, slot, services);
      const current = viewRollout(tenant, slot, active === undefined ? {} : { active }).active;
      const before = (await services.store.scripts.list(tenant.id, slot))
        .filter(({ hash: each, activatedAt }) => each !== current && activatedAt !== undefined)
        .toSorted((a, b) => (b.activatedAt ?? 0) - (a.activatedAt ?? 0))[0];
      if (before) return changeRollout(request, slot, { active: before.hash }, services, 'script.rolled-back');
      if (active === undefined)
        return refuse(409, 'rollback-none', 'No other version was active here.', { hint: 'Activate one by its hash.' });
      return changeRollout(request, slot, {}, services, 'script.rolled-back');
    },
  },
  {
    name: 'changeScriptRollout',
    method: 'PATCH',
    path: `${base}/{slot}/rollout`,
    summary: 'Starts or ends a canary or a trial, or lets the active version follow the files again.',
    permission: 'manage',
    body: rolloutBody,
    answer: { status: 200, schema: rolloutView },
    commands: [
      { name: 'script rollout' },
      {
        name: 'script follow-files',
        summary: 'Lets the active version be what the files hold.',
        body: { active: null },
      },
      { name: 'script end-trials', summary: 'Ends canary and trial.', body: { canary: null, shadow: null } },
    ],
    async run(request, services) {
      const { tenant, parameters } = request;
      const slot = await slotOf(request, services);
      if (!slot) return unknownSlot(parameters);
      const { active, canary, shadow } = request.body as RolloutBody;
      const before = await rolloutOf(tenant, slot, services);
      const named = [active, canary?.hash, shadow?.hash].filter((each) => typeof each === 'string');
      const found = new Map<string, string>();
      for (const prefix of named) {
        const version = await versionOf(tenant, slot, prefix, services);
        if (!version) return notFound('version', prefix);
        found.set(prefix, version.hash);
      }
      const full = (prefix: string) => found.get(prefix) as string;
      const next: { active?: string; canary?: ScriptRollout['canary']; shadow?: ScriptRollout['shadow'] } = {
        ...before,
      };
      if (active === null) delete next.active;
      else if (active !== undefined) next.active = full(active);
      if (canary === null) delete next.canary;
      else if (canary) next.canary = { hash: full(canary.hash), share: canary.share };
      if (shadow === null) delete next.shadow;
      else if (shadow) next.shadow = { hash: full(shadow.hash) };
      return changeRollout(request, slot, next as ScriptRollout, services, 'script.rollout-changed');
    },
  },
  {
    name: 'listScriptComparisons',
    method: 'GET',
    path: `${base}/{slot}/comparisons`,
    summary:
      'How versions did beside each other, on trial or as canary: how often they decided otherwise, and in what.',
    permission: 'read',
    query: {
      sides: {
        type: 'boolean',
        default: false,
        description: 'Whether both sides of each difference come along, as the traces of the tenant keep values.',
      },
    },
    answer: {
      status: 200,
      schema: object({ items: list({ type: 'object' }, 'One for each pair of versions and hook.') }),
    },
    commands: [{ name: 'script compare' }],
    async run(request, services) {
      const { tenant, parameters } = request;
      const slot = await slotOf(request, services);
      if (!slot) return unknownSlot(parameters);
      await services.settle();
      const found = await services.store.scripts.comparisons(tenant.id, slot);
      const { sides = false } = request.query as { readonly sides?: unknown };
      // They are parts of traces, and kept no longer.
      const since = services.now() - tenant.traces.days * 86_400_000;
      const shown = (sample: Readonly<Record<string, unknown>>) => {
        const { sides: both, ...rest } = sample;
        return sides === true && both !== undefined && Number(sample['at']) >= since ? { ...rest, sides: both } : rest;
      };
      return ok({
        items: found.map(({ lastAt, samples, ...rest }) => ({
          ...rest,
          samples: samples.map(shown),
          lastAt: new Date(lastAt).toISOString(),
        })),
      });
    },
  },
];
