/** Flows that happened: found, looked at, made into cases, and run again against any version of a script. */
import { caseOf, type KeptHook, keptHooks } from '../../script/case/from-trace.ts';
import { replay } from '../../script/case/replay.ts';
import type { Trace } from '../../flow/trace.ts';
import type { TraceFilter } from '../../store/store.ts';
import { notFound, refuse } from '../problem.ts';
import { ok, type Result, type Services, type TenantRequest, type TenantRoute } from '../route.ts';
import { instantText, list, object, text } from '../schema.ts';
import { limit } from './audit.ts';
import { activeScript, storedScript } from './scripts.ts';

const traceSummary = object(
  {
    id: text('Its id.'),
    flow: text('Which flow.'),
    outcome: text('How it ended: `success`, or why it did not.'),
    startedAt: instantText('When it began.'),
    clientId: text('Which app asked.'),
    userId: text('For whom.'),
    hooks: list(text('A hook.'), 'The hooks that ran.'),
  },
  ['id', 'flow', 'outcome', 'startedAt', 'hooks'],
);

const hookQuery = text('A hook that ran.', { examples: ['onTokenGenerating'] });
const hashPrefix = { pattern: '^[0-9a-f]{6,64}$' };

const replayView = object({
  items: list(
    object(
      {
        hook: text('The hook.'),
        slot: text('Where its script stands.'),
        ranVersion: text('The version that ran then.'),
        version: text('The version that ran now; absent where the slot has no script by now.'),
        same: { type: 'boolean', description: 'Whether the same came of it.' },
        differences: list(text('A sentence.'), 'What came out otherwise.'),
        logs: list(text('A line.'), 'What the script logged now.'),
        cpuMicroseconds: { type: 'number', description: 'CPU it took now.' },
      },
      ['hook', 'slot', 'same', 'differences', 'logs', 'cpuMicroseconds'],
    ),
    'Each hook of the flow.',
  ),
});

const base = '/tenants/{tenant}/traces/{traceId}';

async function traceOf({ tenant, parameters }: TenantRequest, { store, settle }: Services): Promise<Trace | Result> {
  await settle();
  const id = parameters['traceId'] ?? '';
  if (id.includes('\0')) return refuse(400, 'trace-id', 'That is no id of a trace.');
  const found = await store.traces.find(tenant.id, id);
  return found ? (found.trace as Trace) : notFound('trace', id);
}

function isTrace(value: Trace | Result): value is Trace {
  return 'entries' in value;
}

/** The hooks whose values were kept, of one name where one is wanted. */
function hooksOf(trace: Trace, name: string | undefined): readonly KeptHook[] | Result {
  const ran = trace.entries.flatMap(({ hook }) => (hook ? [hook] : []));
  const kept = keptHooks(trace.entries).filter(({ hook }) => name === undefined || hook.name === name);
  if (kept.length > 0) return kept;
  if (ran.some((hook) => name === undefined || hook.name === name))
    return refuse(409, 'trace-values', 'The values of this flow were not kept.', {
      hint: 'Set traces.values of the tenant to "redacted", for flows from then on.',
    });
  return refuse(404, 'trace-hook', 'No such hook ran in this flow.');
}

export const traceRoutes: readonly TenantRoute[] = [
  {
    name: 'listTraces',
    method: 'GET',
    path: '/tenants/{tenant}/traces',
    summary: 'The last flows, newest first.',
    permission: 'read',
    query: {
      limit,
      flow: text('Only of this flow.', { examples: ['interactive'] }),
      outcome: text('Only with this outcome; `failure` is every one but `success`.'),
      clientId: text('Only of this app.'),
      userId: text('Only of this person.'),
      hook: hookQuery,
      version: text('Only where this version of a script ran: its hash, or the beginning of it.', hashPrefix),
      since: instantText('Only those that began from then on.'),
      before: instantText('Only those that began earlier.'),
    },
    answer: { status: 200, schema: object({ items: list(traceSummary, 'The flows.') }) },
    commands: [{ name: 'trace list' }],
    columns: ['id', 'flow', 'outcome', 'clientId', 'startedAt'],
    async run({ tenant, query }, { store, settle }) {
      await settle();
      const { limit: count, since, before, ...filter } = query;
      const traces = await store.traces.list(tenant.id, Number(count), {
        ...(filter as TraceFilter),
        ...(since === undefined ? {} : { since: Date.parse(since) }),
        ...(before === undefined ? {} : { before: Date.parse(before) }),
      });
      return ok({
        items: traces.map(({ id, flow, outcome, startedAt, trace }) => {
          const { clientId, userId, entries } = trace as Trace;
          return {
            id,
            flow,
            outcome,
            startedAt: new Date(startedAt).toISOString(),
            ...(clientId === undefined ? {} : { clientId }),
            ...(userId === undefined ? {} : { userId }),
            hooks: entries.flatMap(({ hook }) => (hook ? [hook.name] : [])),
          };
        }),
      });
    },
  },
  {
    name: 'getTrace',
    method: 'GET',
    path: base,
    summary: 'One flow: each state, each hook with what it changed, logged and called.',
    permission: 'read',
    answer: { status: 200, schema: { type: 'object', description: 'The trace.' } },
    commands: [{ name: 'trace show' }],
    async run(request, services) {
      const trace = await traceOf(request, services);
      return isTrace(trace) ? ok(trace) : trace;
    },
  },
  {
    name: 'getTraceCase',
    method: 'GET',
    path: `${base}/case`,
    summary:
      'A hook of a flow as a case for `npx sallyport test`: the one that failed, or else the last, unless one is named.',
    permission: 'read',
    query: { hook: hookQuery },
    answer: { status: 200, schema: { type: 'object', description: 'A case (schemas/case.schema.json).' } },
    commands: [{ name: 'trace case' }],
    async run(request, services) {
      const trace = await traceOf(request, services);
      if (!isTrace(trace)) return trace;
      const hooks = hooksOf(trace, request.query['hook']);
      if (!Array.isArray(hooks)) return hooks as Result;
      const kept = hooks as readonly KeptHook[];
      const chosen = kept.find(({ hook }) => !hook.ok) ?? kept.at(-1);
      return ok(caseOf(trace.flow, chosen as KeptHook));
    },
  },
  {
    name: 'replayTrace',
    method: 'POST',
    path: `${base}/replay`,
    summary: 'Runs the hooks of a flow again, apart from everything real, and tells what comes out otherwise.',
    permission: 'manage',
    body: object(
      {
        hook: hookQuery,
        version: text(
          'The version of the script to run: its hash, or the beginning of it. Else the active one.',
          hashPrefix,
        ),
      },
      [],
    ),
    answer: { status: 200, schema: replayView },
    commands: [{ name: 'trace replay' }],
    async run(request, services) {
      const { tenant } = request;
      const trace = await traceOf(request, services);
      if (!isTrace(trace)) return trace;
      const { hook: wanted, version } = request.body as { readonly hook?: string; readonly version?: string };
      const hooks = hooksOf(trace, wanted);
      if (!Array.isArray(hooks)) return hooks as Result;
      const items: object[] = [];
      for (const kept of hooks as readonly KeptHook[]) {
        const { slot } = kept.hook;
        const script =
          version === undefined
            ? await activeScript(tenant, slot, services)
            : await storedScript(tenant, slot, version, services);
        // A version belongs to one slot; the hooks of others have nothing to be run with.
        if (!script && version !== undefined) continue;
        const { logs, hook, same, differences, cpuMicroseconds, ...found } = await replay(
          trace.flow,
          kept,
          tenant,
          services.scripts,
          script,
        );
        items.push({
          hook,
          slot,
          ...(found.ranVersion === undefined ? {} : { ranVersion: found.ranVersion }),
          ...(found.version === undefined ? {} : { version: found.version }),
          same,
          differences,
          logs: tenant.demo ? logs.map(({ message }) => message) : [],
          cpuMicroseconds,
        });
      }
      return items.length > 0 ? ok({ items }) : notFound('version', version ?? '');
    },
  },
];
