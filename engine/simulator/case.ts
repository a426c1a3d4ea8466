/** A case of a whole flow: its reading, its run, what came out otherwise than it should, and the case that a run makes. */
import { disagreements, missingParts } from '../script/case/compare.ts';
import type { CaseSent } from '../script/case/document.ts';
import { unsent } from '../script/case/run.ts';
import { worldOf } from '../script/case/world.ts';
import type { OutboundClient } from '../outbound/client.ts';
import type { Json } from '../script/runner.ts';
import type { Problem } from '../tenant/problem.ts';
import type { Tenant } from '../tenant/tenant.ts';
import { validateDocument } from '../tenant/validate.ts';
import { completePlan, type Plan } from './plan.ts';
import type { SimulatedRun } from './run.ts';
import type { Simulator } from './simulator.ts';

type Tree = Readonly<Record<string, Json>>;

export interface FlowExpectation {
  readonly outcome?: string;
  readonly at?: string;
  readonly error?: Tree;
  readonly response?: Tree;
  readonly claims?: Tree;
  readonly idToken?: Tree | null;
  readonly scopes?: readonly string[];
  readonly context?: Tree;
  readonly states?: readonly string[];
  readonly pages?: readonly string[];
  readonly message?: string;
  readonly logs?: readonly string[];
  readonly calls?: readonly string[];
  readonly sent?: readonly CaseSent[];
  readonly values?: Tree;
}

export interface FlowCase {
  readonly name: string;
  readonly given: Plan;
  readonly expect: FlowExpectation;
}

export interface FlowCaseResult {
  readonly name: string;
  /** Sentences; none when the case holds. No secret of the tenant stands in them. */
  readonly failures: readonly string[];
  /** Absent where the tenant cannot have this case. */
  readonly run?: SimulatedRun;
  /** What was found of what a case may expect. */
  readonly found?: FlowExpectation;
}

/** A document with `given` is a case of a flow; one with `hook` is a case of that. */
export function isFlowCase(document: unknown): boolean {
  return typeof document === 'object' && document !== null && 'given' in document;
}

/** Validates in place: defaults are filled in. */
export function readFlowCase(
  document: unknown,
  file: string,
): { readonly ok: true; readonly document: FlowCase } | { readonly ok: false; readonly problems: readonly Problem[] } {
  const problems = validateDocument('flow-case', document, file);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, document: document as FlowCase };
}

/** @param outside really makes what the case does not foresee; nothing is made unless given. */
export async function runFlowCase(
  { name, given, expect }: FlowCase,
  tenant: Tenant,
  simulator: Simulator,
  file = name,
  outside?: OutboundClient,
): Promise<FlowCaseResult> {
  const read = completePlan(tenant, given, file);
  if (!read.ok) return { name, failures: read.problems.map(({ message, hint }) => `${message} ${hint}`.trim()) };
  const run = await simulator.run(tenant, read.plan, outside);
  return { name, failures: differences(expect, run, tenant), run, found: foundIn(run) };
}

/** Lines, calls and pages of a run in their order. */
export function linesOf({ path }: SimulatedRun): readonly string[] {
  return path.flatMap(({ hook }) => hook?.logs.map(({ message }) => message) ?? []);
}

export function callsOf({ path }: SimulatedRun): readonly string[] {
  return path.flatMap(({ hook }) => hook?.calls.map(({ target }) => target) ?? []);
}

function pagesOf({ path, errorPage }: SimulatedRun): readonly string[] {
  return [...path.flatMap(({ page }) => (page ? [page.name] : [])), ...(errorPage ? [errorPage.name] : [])];
}

export function contextOf({ response = {} }: SimulatedRun): Tree {
  return Object.fromEntries(Object.entries(response).filter(([name]) => !ofEveryResponse.has(name)));
}

const ofEveryResponse = new Set(['access_token', 'token_type', 'expires_in', 'scope', 'id_token', 'refresh_token']);

export function scopesOf({ response }: SimulatedRun): readonly string[] {
  const scope = response?.['scope'];
  return typeof scope === 'string' && scope !== '' ? scope.split(' ').sort() : [];
}

function differences(expect: FlowExpectation, run: SimulatedRun, tenant: Tenant): readonly string[] {
  const failures: string[] = [];
  const compare = (what: string, expected: Json | undefined, found: Json | undefined) => {
    if (expected !== undefined) failures.push(...disagreements(expected, found).map((each) => `${what} ${each}`));
  };
  const { outcome = 'success' } = expect;
  if (run.outcome !== outcome) {
    const location = run.path.findLast(({ hook }) => hook?.failure)?.hook?.failure?.location;
    const place = location ? ` at ${location.file}:${location.line}:${location.column}` : '';
    const why = run.why === undefined ? '' : ` (${run.why}${place})`;
    failures.push(`expected the outcome ${outcome}, found ${run.outcome}${why}`);
  }
  const last = run.path.at(-1)?.state;
  if (expect.at !== undefined && expect.at !== last) failures.push(`expected to end at ${expect.at}, found ${last}`);
  compare('error', expect.error, run.error as Tree | undefined);
  compare('response', expect.response, run.response);
  compare('claims', expect.claims, run.claims);
  compare('idToken', expect.idToken, run.tokens.id?.claims as Tree | undefined);
  compare('scopes', expect.scopes && [...expect.scopes].sort(), scopesOf(run));
  compare('context', expect.context, contextOf(run));
  compare('pages', expect.pages, pagesOf(run));
  compare('calls', expect.calls, callsOf(run));
  compare('values', expect.values, run.values);
  failures.push(
    ...missingStates(expect.states ?? [], run).map((state) => `the state ${state} is not passed in this order`),
  );
  if (expect.message !== undefined && !run.why?.includes(expect.message))
    failures.push(`expected a message with ${JSON.stringify(expect.message)}, found ${JSON.stringify(run.why ?? '')}`);
  const lines = linesOf(run);
  failures.push(
    ...missingParts(expect.logs ?? [], lines).map(
      (part) => `no line is logged with ${JSON.stringify(part)}, but ${JSON.stringify(lines)}`,
    ),
  );
  const { stands } = worldOf(run.plan, tenant);
  failures.push(...unsent(expect.sent ?? [], run.sent, stands));
  // A callback may pass over what it cannot reach; the case must not.
  failures.push(...run.unanswered);
  failures.push(...run.unforeseen.map((request) => `nothing in the case answers ${request}`));
  return failures;
}

function missingStates(expected: readonly string[], { path }: SimulatedRun): readonly string[] {
  let from = 0;
  return expected.filter((state) => {
    const place = path.findIndex((each, index) => index >= from && each.state === state);
    from = place < 0 ? from : place + 1;
    return place < 0;
  });
}

/** Everything that a case may expect, as this run has it. */
function foundIn(run: SimulatedRun): FlowExpectation {
  return {
    outcome: run.outcome,
    at: run.path.at(-1)?.state ?? '',
    error: (run.error ?? {}) as Tree,
    response: run.response ?? {},
    claims: run.claims ?? {},
    idToken: (run.tokens.id?.claims ?? null) as Tree | null,
    scopes: scopesOf(run),
    context: contextOf(run),
    pages: pagesOf(run),
    message: run.why ?? '',
    logs: linesOf(run),
    calls: callsOf(run),
    values: run.values,
  };
}

/** Members that differ from run to run, whatever is given. */
const varying = new Set(['jti', 'sid', 'at_hash', 'access_token', 'id_token', 'refresh_token']);

function settled(tree: Tree): Tree {
  return Object.fromEntries(
    Object.entries(tree).map(([name, value]) => [name, varying.has(name) ? { $type: typeof value } : value]),
  );
}

/** What a run shows, as a case expects it. */
export function expectationOf(run: SimulatedRun): FlowExpectation {
  const lines = linesOf(run);
  const calls = callsOf(run);
  const { why, error } = run;
  return {
    outcome: run.outcome,
    ...(run.ended === 'waiting' ? { at: run.path.at(-1)?.state ?? '' } : {}),
    ...(why === undefined ? {} : { message: why }),
    ...(error ? { error: { error: error.error } } : {}),
    ...(run.response ? { scopes: scopesOf(run), context: contextOf(run) } : {}),
    ...(run.claims ? { claims: settled(run.claims) } : {}),
    ...(run.tokens.id ? { idToken: settled(run.tokens.id.claims as Tree) } : {}),
    pages: pagesOf(run),
    ...(lines.length > 0 ? { logs: lines } : {}),
    ...(calls.length > 0 ? { calls } : {}),
  };
}

/** A case that this run fulfils, with everything said that the plan left open. */
export function caseOf(
  name: string,
  run: SimulatedRun,
): { readonly name: string; readonly given: Partial<Plan>; readonly expect: FlowExpectation } {
  const { calls: foreseen, decisions, credentials, ...rest } = run.plan;
  const calls = [...foreseen, ...run.recorded];
  return {
    name,
    given: {
      ...rest,
      ...(credentials === 'right' ? {} : { credentials }),
      ...(Object.keys(decisions).length === 0 ? {} : { decisions }),
      ...(calls.length === 0 ? {} : { calls }),
    },
    expect: expectationOf(run),
  };
}
