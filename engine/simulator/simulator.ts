/**
 * Runs a whole flow of a tenant without server, browser or app: by production's own flows and sandbox, over a store in
 * memory, with the clock, the outside and the person's decisions given by a plan. See DESIGN section 13.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { interactive } from '../flow/interactive.ts';
import { type FlowResult, resumeFlow, startFlow } from '../flow/machine.ts';

import { federationRedirectUri } from '../flow/step/provider-answer.ts';
import type { Ports } from '../flow/ports.ts';
import type { Flow } from '../flow/table.ts';
import { createKeyring } from '../key/open.ts';
import { authorizationAnswer } from '../oauth/authorization-answer.ts';
import { grantFlows, grantTokens, type TokenGrant } from '../oauth/token-grant.ts';
import { sanitizeDescription } from '../oauth/oauth-error.ts';
import type { OutboundClient } from '../outbound/client.ts';
import { interactionPage } from '../page/interaction.ts';
import { createPageRenderer } from '../page/render.ts';
import type { PageName, PageRenderer, PageViews } from '../page/view.ts';
import { secretsOf } from '../script/case/secrets.ts';
import { type CaseWorld, worldOf } from '../script/case/world.ts';
import { codeFrame } from '../script/compile/frame.ts';
import { createMask, maskJson } from '../script/mask.ts';
import { createScriptRunner } from '../script/pool.ts';
import type { Invocation, LogLine, ScriptRunner } from '../script/runner.ts';
import type { Tenant } from '../tenant/tenant.ts';
import { createCredentials } from './credentials.ts';
import { decide, type Fields } from './decisions.ts';
import { changesBetween } from './diff.ts';
import { type CompletePlan, hasPerson } from './plan.ts';
import { createLane, type Lane, type Recorded } from './ports.ts';
import { authorizationParameters, codeRequest, machineRequest, remoteAddress } from './request.ts';
import type { DecodedToken, SimulatedHook, SimulatedPage, SimulatedRun, SimulatedState } from './run.ts';
import { keysInMemory, storeInMemory } from './store.ts';
import { createWatch, type Seen, type Watch } from './watch-flow.ts';

export interface Simulator {
  /**
   * @param plan complete for this tenant, by `readPlan` or `completePlan`. Never rejects on account of plan or script.
   * @param outside really makes what the plan does not foresee; nothing is made unless given.
   * @param follow is told at the beginning how to ask where the run stands.
   */
  run(tenant: Tenant, plan: CompletePlan, outside?: OutboundClient, follow?: Follow): Promise<SimulatedRun>;
  /** Ends the sandbox processes. */
  close(): Promise<void>;
}

/** @param soFar the states gone through until now, the one that is under way last. */
export type Follow = (soFar: () => readonly SimulatedState[]) => void;

/** Nothing of a simulation goes out but through its plan, or where it is to be recorded. */
const nowhere: OutboundClient = {
  request: async () => ({ ok: false, code: 'unreachable', message: 'a simulation reaches nothing outside' }),
  close: async () => undefined,
};
const skinsFolder = join(import.meta.dirname, '../../skins');
/** More waits than any flow has: what goes round in circles ends here. */
const mostWaits = 50;

/** Starts a sandbox process, which lasts until `close`. @param runner another one's, which `close` leaves alone. */
export function createSimulator(shared?: ScriptRunner): Simulator {
  const runner = shared ?? createScriptRunner({ outbound: nowhere, trialsOnly: true });
  const credentials = createCredentials();
  const keys = keysInMemory();
  const keyring = createKeyring({ store: storeInMemory(keys), masterKey: randomBytes(32) });
  const pages = createPageRenderer({ skinsFolder });
  const prepared = new WeakMap<Tenant, Promise<void>>();
  const lanes = new Set<Lane>();
  const free: Lane[] = [];

  async function ready(tenant: Tenant): Promise<Tenant> {
    const preparing = prepared.get(tenant) ?? keyring.prepare(tenant);
    prepared.set(tenant, preparing);
    await preparing;
    return credentials.tenantWith(tenant);
  }

  async function run(
    original: Tenant,
    plan: CompletePlan,
    outside?: OutboundClient,
    follow?: Follow,
  ): Promise<SimulatedRun> {
    const base = await ready(original);
    const lane = free.pop() ?? createLane({ store: storeInMemory(keys), keyring, skinsFolder });
    lanes.add(lane);
    const began = performance.now();
    const tenant = furnish(base, plan);
    const world = worldOf(plan, tenant, outside);
    const now = Date.parse(plan.now);
    const watch = createWatch();
    const scripts = inWorld(runner, world, watch);
    try {
      const ports = await lane.begin({ tenant, plan, scripts, world, now });
      const stage: Stage = { tenant, plan, world, watch, pages, now, ports, shown: new Map(), flows: watched(watch) };
      follow?.(() => [...pathOf(stage, lane.recorded(), createMask(secretsOf(tenant)))]);
      const client = tenant.clients.find(({ clientId }) => clientId === plan.client);
      const asked = { plan, tenant, client, credentials, now };
      const end = hasPerson(plan.flow)
        ? await authorize(stage, asked)
        : endOf(await grantTokens(await machineRequest(asked), ports, stage.flows));
      return report(stage, end, lane.recorded(), performance.now() - began);
    } finally {
      free.push(lane);
    }
  }

  return {
    run,
    async close() {
      if (!shared) await runner.close();
      for (const lane of lanes) await lane.close();
    },
  };
}

type Asked = Parameters<typeof machineRequest>[0];
type Flows = Readonly<Record<keyof typeof grantFlows, Flow>>;

interface Stage {
  readonly tenant: Tenant;
  readonly plan: CompletePlan;
  readonly world: CaseWorld;
  readonly watch: Watch;
  readonly pages: PageRenderer;
  readonly now: number;
  readonly ports: Ports;
  readonly flows: Flows;
  /** The page of each wait, by its place on the path. */
  readonly shown: Map<number, SimulatedPage>;
}

/** How a run ended, before it is told. */
interface End {
  readonly result?: FlowResult;
  /** A refusal by the token endpoint itself, before any flow knew of it. */
  readonly refused?: Extract<TokenGrant, { kind: 'error' }>['error'];
  readonly redirect?: string;
  /** Why the person did not get any further. */
  readonly why?: string;
}

function watched(watch: Watch): Flows {
  const entries = Object.entries(grantFlows).map(([name, flow]) => [name, watch.flow(flow)]);
  return Object.fromEntries(entries) as Flows;
}

function endOf(granted: TokenGrant): End {
  return granted.kind === 'result' ? { result: granted.result } : { refused: granted.error };
}

/** The tenant with what the plan says of its environment and secrets. */
function furnish(tenant: Tenant, { environment, secrets = {} }: CompletePlan): Tenant {
  const furnished = Object.entries(tenant.secrets).map(([name, secret]) => [
    name,
    { ...secret, value: secrets[name] ?? secret.value },
  ]);
  return {
    ...tenant,
    environment: { ...tenant.environment, ...environment },
    secrets: Object.fromEntries(furnished) as Tenant['secrets'],
  };
}

/** The sandbox of production; what its scripts meet is the plan's. */
function inWorld(runner: ScriptRunner, world: CaseWorld, watch: Watch): ScriptRunner {
  return {
    ...runner,
    async run(invocation) {
      const placed: Invocation = { ...invocation, world, onTrial: true };
      const first = await runner.run(placed);
      // What ended the process may have come from outside; where the script did it, it does so again.
      const again = !first.ok && first.kind === 'crashed' && first.calls.length === 0;
      const result = again ? await runner.run(placed) : first;
      const { script, hook, input } = invocation;
      watch.invoked({ script, hook, input, result });
      return result;
    },
  };
}

/** The interactive flow: the request, the pages, the provider, and the app that redeems its code. */
async function authorize(stage: Stage, asked: Asked): Promise<End> {
  const { plan, tenant, ports } = stage;
  const flow = stage.flows.interactive;
  const launch = await launchOf(stage);
  const parameters = authorizationParameters(plan, tenant, asked.client, launch);
  const { id_token_hint: _token, ...kept } = parameters;
  let result = await startFlow(
    flow,
    { request: { parameters: kept, remoteAddress, browserHash: ports.hash('the browser of the simulator') } },
    ports,
  );
  const visits = new Map<string, number>();
  let again: Again | undefined;
  for (let waits = 0; waits < mostWaits; waits += 1) {
    const { redirect } = redirectOf(stage, result);
    if (result.kind !== 'waiting') return { result, ...(redirect === undefined ? {} : { redirect }) };
    const { state } = result;
    const shown = await show(stage, result, again);
    const visit = visits.get(state) ?? 0;
    visits.set(state, visit + 1);
    const decided = decide({ state, visit, again: again !== undefined }, plan, result.facts, shown);
    if (decided.kind === 'leave') {
      const why = decided.why ?? again?.error;
      return { result, ...(why === undefined ? {} : { why }), ...(redirect === undefined ? {} : { redirect }) };
    }
    if (result.waitsFor === 'app') {
      const { redirectUri } = result.facts['replyTo'] as { readonly redirectUri: string };
      const request = await codeRequest(asked, String(result.reveal['code']), redirectUri);
      const end = endOf(await grantTokens(request, ports, stage.flows));
      return { ...(redirect === undefined ? {} : { redirect }), ...end };
    }
    const next = await answer(stage, result, decided.fields);
    again = next.kind === 'again' ? next : undefined;
    if (next.kind === 'expired' || next.kind === 'stale') return { result, why: `the flow is ${next.kind}` };
    if (next.kind !== 'again') result = next;
  }
  return { result, why: 'the flow goes round in circles' };
}

type Again = Extract<Awaited<ReturnType<typeof resumeFlow>>, { kind: 'again' }>;
type Waiting = Extract<FlowResult, { kind: 'waiting' }>;

/** The person's form, or the provider that sends them back. */
async function answer(
  { ports, flows, tenant }: Stage,
  { flowId, state, waitsFor, facts }: Waiting,
  fields: Fields,
): ReturnType<typeof resumeFlow> {
  const stored = await ports.store.flows.find(tenant.id, flowId);
  if (!stored) return { kind: 'expired' };
  if (waitsFor === 'person') return resumeFlow(flows.interactive, stored, state, fields, ports);
  const { providerId, pending } = facts as {
    readonly providerId: string;
    readonly pending: { readonly state: string };
  };
  const query = new URLSearchParams({ code: 'a-code', state: pending.state });
  const currentUrl = `${federationRedirectUri(tenant.issuer, providerId)}?${query}`;
  return resumeFlow(flows.interactive, stored, state, { currentUrl, ...fields }, ports);
}

/** The handle of an EHR launch: made as the EHR's request would make it, or the EHR's own. */
async function launchOf({ plan, tenant, now, ports }: Stage): Promise<string | undefined> {
  const { launch } = plan;
  if (launch === undefined || typeof launch === 'string') return launch;
  const handle = ports.newHandle();
  await ports.store.launches.save({
    hash: ports.hash(handle),
    tenantId: tenant.id,
    clientId: plan.client,
    username: plan.user ?? '',
    context: launch,
    expiresAt: now + tenant.lifetimes.launchSeconds * 1000,
  });
  return handle;
}

function redirectOf({ tenant }: Stage, result: FlowResult): { readonly redirect?: string } {
  if (result.kind === 'done' || (result.kind === 'waiting' && result.waitsFor !== 'app')) return {};
  const next = authorizationAnswer(tenant, result);
  return next.kind === 'redirect' ? { redirect: next.to } : {};
}

/** Keeps the page that the person sees now for the state that is about to be answered, and answers its choices. */
async function show(
  stage: Stage,
  { flowId, state, waitsFor }: Waiting,
  again: Again | undefined,
): Promise<PageViews['context']['choices']> {
  const { tenant, watch, ports } = stage;
  if (waitsFor !== 'person') return [];
  const flow = await ports.store.flows.find(tenant.id, flowId);
  if (!flow) return [];
  const action = `${tenant.issuer}/login/${flowId}?at=${encodeURIComponent(state)}`;
  const page = await interactionPage(flow, { csrf: 'a-csrf-token', action }, again ?? {}, ports);
  if (page) stage.shown.set(watch.seen.length, pageOf(stage, page.name, page.view));
  return page?.name === 'context' ? page.view.choices : [];
}

function pageOf<P extends PageName>({ pages, tenant, plan }: Stage, name: P, view: PageViews[P]): SimulatedPage {
  const languages = (plan.request?.['ui_locales'] ?? 'en').split(' ');
  return { name, view, render: () => pages.render(tenant, name, view, languages) };
}

/** Puts together what was seen. */
function report(stage: Stage, end: End, recorded: Recorded, milliseconds: number): SimulatedRun {
  const { tenant, plan, world } = stage;
  const mask = createMask([...secretsOf(tenant), ...world.recorded().credentials]);
  const { result, refused, redirect, why } = end;
  const path = [...pathOf(stage, recorded, mask)];
  const rejection = result?.kind === 'rejected' ? result.rejection : undefined;
  if (result?.kind === 'waiting' && refused === undefined) path.push(leftAt(stage, result));
  const told = refused ?? rejection;
  const response = result?.kind === 'done' ? (result.reveal['response'] as SimulatedRun['response']) : undefined;
  const contents = result?.facts['tokenContents'] as { readonly claims: SimulatedRun['claims'] } | undefined;
  const outcome =
    result?.kind === 'done'
      ? 'success'
      : (rejection?.reason ?? (refused ? (recorded.audit.at(-1)?.reason ?? refused.error) : 'waiting'));
  const failed = path.findLast(({ hook }) => hook?.failure)?.hook?.failure;
  const page = rejection && redirect === undefined ? errorPageOf(stage, result as FlowResult) : undefined;
  const sentence = why ?? failed?.message ?? told?.description;
  return {
    tenant: tenant.id,
    plan,
    ended: result?.kind === 'done' ? 'success' : told ? 'refused' : 'waiting',
    outcome,
    ...(sentence === undefined || result?.kind === 'done' ? {} : { why: mask(sentence) }),
    path,
    ...(redirect === undefined ? {} : { redirect }),
    ...(page ? { errorPage: page } : {}),
    ...(told && !page
      ? {
          error: {
            error: told.error,
            error_description: sanitizeDescription(told.description),
            ...(told.status === undefined ? {} : { status: told.status }),
          },
        }
      : {}),
    ...(response ? { response } : {}),
    ...(response && contents?.claims ? { claims: contents.claims } : {}),
    tokens: {
      ...(response ? decoded('access', response['access_token']) : {}),
      ...(response ? decoded('id', response['id_token']) : {}),
    },
    recorded: world.recorded().calls,
    unanswered: world.recorded().unanswered,
    unforeseen: world.unforeseen().map(({ method, url }) => mask(`${method} ${url}`)),
    sent: maskJson(world.sent(), mask),
    values: world.values(),
    audit: recorded.audit,
    log: maskJson(recorded.log, mask),
    milliseconds,
  };
}

/** An error that only the person is told of has a page; one before any redirect URI was known, and none other. */
function errorPageOf(stage: Stage, result: FlowResult): SimulatedPage | undefined {
  if (!hasPerson(stage.plan.flow)) return undefined;
  const next = authorizationAnswer(stage.tenant, result);
  if (next.kind === 'redirect' || result.facts['grantId'] !== undefined) return undefined;
  const { code, detail } = next;
  return pageOf(stage, 'error', { code, reference: 'a-reference', ...(detail === undefined ? {} : { detail }) });
}

function decoded(name: 'access' | 'id', token: unknown): { readonly [Name in typeof name]?: DecodedToken } {
  const [head = '', body = '', signature] = typeof token === 'string' ? token.split('.') : [];
  if (signature === undefined) return {};
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as DecodedToken['claims'];
  return { [name]: { header: read(head), claims: read(body) } };
}

function* pathOf(stage: Stage, recorded: Recorded, mask: (text: string) => string): Generator<SimulatedState> {
  const traced = recorded.traces.length > 0 ? hookEntries(recorded) : undefined;
  for (const [index, seen] of stage.watch.seen.entries()) {
    const { state, does, kind, milliseconds, before, gives, input } = seen;
    const entry = kind === 'hook' ? traced?.shift() : undefined;
    const page = stage.shown.get(index);
    const sent = page && input && withoutPasswords(input, passwordFields);
    yield {
      state,
      does,
      kind,
      // A hook's outcome is its trace's, which is written at the end: until then the flow went on.
      outcome: seen.outcome ?? entry?.outcome ?? (traced === undefined ? 'continue' : 'step-failed'),
      milliseconds,
      changes: maskJson(changesBetween(before, { ...before, ...gives }), mask),
      ...(kind === 'hook' || seen.invocation ? { hook: hookOf(seen, entry, mask) } : {}),
      ...(page ? { page } : {}),
      ...(sent ? { sent } : {}),
    };
  }
}

type HookEntry = Recorded['traces'][number]['entries'][number];

/** Hooks leave one entry each in the trace, in the order in which they ran. */
function hookEntries({ traces }: Recorded): HookEntry[] {
  return traces.flatMap(({ entries }) => entries.filter(({ kind }) => kind === 'hook'));
}

function hookOf(seen: Seen, entry: HookEntry | undefined, mask: (text: string) => string): SimulatedHook {
  const { call, invocation, state } = seen;
  const result = invocation?.result;
  const logs: readonly LogLine[] = result?.logs ?? [];
  const failure = failureOf(seen, entry, mask);
  const input = call?.input ?? invocation?.input;
  return {
    name: entry?.hook?.name ?? invocation?.hook ?? hookNameOf(state),
    ...(call ? { slot: call.slot } : {}),
    ...(input === undefined ? {} : { input: maskJson(withoutPasswords(input, ['password']), mask) }),
    ...(invocation ? { script: invocation.script.name, version: invocation.script.hash } : {}),
    ran: result !== undefined && (!result.ok || result.defined),
    ...(result?.ok && result.defined ? { effect: maskJson(result.value, mask) } : {}),
    ...(failure ? { failure } : {}),
    logs: maskJson(logs, mask),
    calls: result?.calls ?? [],
    cpuMicroseconds: result?.cpuMicroseconds ?? 0,
    wallMicroseconds: result?.wallMicroseconds ?? 0,
    ...(result?.heapBytes === undefined ? {} : { heapBytes: result.heapBytes }),
  };
}

/** As the trace tells it; a script that checks passwords leaves nothing there. */
function failureOf(
  { invocation }: Seen,
  entry: HookEntry | undefined,
  mask: (text: string) => string,
): SimulatedHook['failure'] {
  if (!invocation) return undefined;
  const { result, script } = invocation;
  // A denial has a sentence of the script's own.
  const denial = ((result.ok ? result.value : undefined) ?? {}) as { readonly failure?: { readonly message?: string } };
  const traced = entry?.hook;
  const kind = traced ? traced.kind : result.ok ? denial.failure && 'denied' : result.kind;
  // A script without the function is no failure.
  if (kind === undefined || kind === 'absent') return undefined;
  const message = denial.failure?.message ?? traced?.message ?? (result.ok ? '' : result.message);
  const location = traced?.location ?? (result.ok ? undefined : result.location);
  const frame = traced?.frame ?? (location && codeFrame(script, location));
  return {
    kind: kind as NonNullable<SimulatedHook['failure']>['kind'],
    message: mask(message),
    ...(location ? { location } : {}),
    ...(frame === undefined ? {} : { frame }),
  };
}

function hookNameOf(name: string): SimulatedHook['name'] {
  for (const flow of Object.values(grantFlows)) {
    const state = flow.states[name];
    if (state?.kind === 'hook') return state.binding.hook;
  }
  return 'onTokenGenerating';
}

/** The page that nobody answered. */
function leftAt({ shown, watch }: Stage, { state }: Waiting): SimulatedState {
  const page = shown.get(watch.seen.length);
  const does = interactive.states[state]?.does ?? '';
  return { state, does, kind: 'wait', outcome: 'left', milliseconds: 0, changes: [], ...(page ? { page } : {}) };
}

/** The fields in which forms take passwords. */
const passwordFields = ['password', 'again', 'current'];

/** What people type as a password is shown nowhere, at any depth. */
function withoutPasswords<Value>(value: Value, names: readonly string[]): Value {
  if (Array.isArray(value)) return value.map((each: unknown) => withoutPasswords(each, names)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      names.includes(name) && typeof each === 'string' ? '***' : withoutPasswords(each as unknown, names),
    ]),
  ) as Value;
}
