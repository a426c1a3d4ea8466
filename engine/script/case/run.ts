/** Runs a case of a tenant's callback and tells what came out otherwise than it should. */
import { validateEffect } from '../../flow/effect.ts';
import type { OutboundClient } from '../../outbound/client.ts';
import { didYouMean } from '../../tenant/problem.ts';
import { scriptsOf } from '../../tenant/scripts.ts';
import type { Script, ScriptSecret, Tenant } from '../../tenant/tenant.ts';
import { createMask, maskJson } from '../mask.ts';
import type { InvocationResult, Json, ScriptRunner } from '../runner.ts';
import { disagreements, missingParts } from './compare.ts';
import type { CaseDocument, CaseSent } from './document.ts';
import { inputOf } from './input.ts';
import { refusalOf } from './policy.ts';
import type { Recorded } from './record.ts';
import { secretsOf } from './secrets.ts';
import { type CaseWorld, type SentRequest, worldOf } from './world.ts';

export { disagreements };

export interface CaseResult {
  readonly name: string;
  /** Sentences; none when the case holds. No secret of the tenant stands in them. */
  readonly failures: readonly string[];
  readonly result: InvocationResult;
  /** What was found of what a case may expect, by the names of `expect`. Absent where nothing ran. */
  readonly found?: Readonly<Record<string, Json>>;
  /** How many requests nothing in the case answers. */
  readonly unforeseen: number;
  /** What the outside really answered, where it was asked. */
  readonly recorded: Recorded;
}

/** What came of the run, once the flow has looked at it. */
export interface Judged {
  readonly outcome: string;
  /** Why it is no plain success. */
  readonly why?: string;
}

function judge(document: CaseDocument, input: Json, result: InvocationResult, tenant: Tenant): Judged {
  if (!result.ok) return { outcome: result.kind, why: result.message };
  if (!result.defined) return { outcome: 'absent' };
  const problem = validateEffect(document.hook, result.value);
  if (problem !== undefined) return { outcome: 'shape', why: problem };
  const { failure } = (result.value ?? {}) as { readonly failure?: { readonly message?: string } };
  if (failure) return { outcome: 'denied', ...(failure.message === undefined ? {} : { why: failure.message }) };
  const refusal = refusalOf(document.hook, input, result.value, tenant);
  return refusal ? { outcome: refusal.outcome, why: refusal.reason } : { outcome: 'ok' };
}

/** @returns why the tenant cannot have this case. */
function misfit(document: CaseDocument, tenant: Tenant, script: Script | undefined): string | undefined {
  const slots = scriptsOf(tenant).map(({ slot }) => slot);
  if (!script) return `the tenant has no script at ${document.slot}. ${didYouMean(document.slot, slots)}`.trim();
  const known = Object.keys(tenant.secrets);
  const stranger = Object.keys(document.secrets ?? {}).find((name) => !known.includes(name));
  if (stranger === undefined) return undefined;
  return `the tenant has no secret "${stranger}". ${didYouMean(stranger, known)}`.trim();
}

/** The tenant's secrets with what the case says of them. */
function secretsIn(document: CaseDocument, tenant: Tenant): Readonly<Record<string, ScriptSecret>> {
  const all = Object.entries(tenant.secrets);
  return Object.fromEntries(
    all.map(([name, { hooks, value }]) => [name, { hooks, value: document.secrets?.[name] ?? value }]),
  );
}

/** A callback's run in the world of a case, and what the flow makes of it. */
export interface Tried extends Judged {
  readonly input: Json;
  readonly result: InvocationResult;
  readonly world: CaseWorld;
  readonly script: Script;
  /** Takes the secrets of tenant and case out of a text. */
  mask(text: string): string;
}

/**
 * @param outside really makes what the case does not foresee; nothing is made unless given.
 * @returns a sentence where the tenant cannot have this case.
 */
export async function tryCase(
  document: CaseDocument,
  tenant: Tenant,
  runner: ScriptRunner,
  script: Script | undefined = scriptsOf(tenant).find(({ slot }) => slot === document.slot)?.script,
  outside?: OutboundClient,
): Promise<Tried | string> {
  const { hook } = document;
  const message = misfit(document, tenant, script);
  if (!script || message !== undefined) return message ?? '';
  const secrets = secretsIn(document, tenant);
  const furnished = { ...tenant, secrets };
  const input = inputOf(hook, document.slot, document.input);
  const attempt = async () => {
    const world = worldOf(document, furnished, outside);
    const result = await runner.run({
      tenantId: tenant.id,
      script,
      hook,
      input,
      limits: tenant.scriptLimits,
      environment: { ...tenant.environment, ...document.environment },
      outboundHttp: tenant.outboundHttp,
      fhirServers: tenant.fhirServers,
      secrets,
      world,
      onTrial: true,
    });
    return { world, result };
  };
  const first = await attempt();
  // What ended the process may have come from outside; where the script did it, it does so again.
  const again = !first.result.ok && first.result.kind === 'crashed' && first.world.recorded().calls.length === 0;
  const { world, result } = again ? await attempt() : first;
  const mask = createMask([...secretsOf(furnished), ...world.recorded().credentials]);
  return { input, result, world, script, mask, ...judge(document, input, result, tenant) };
}

/**
 * @param script the version to run; the one of the tenant's files unless given.
 * @param outside really makes what the case does not foresee; nothing is made unless given.
 * @returns what failed. A case of a slot without script fails by saying so.
 */
export async function runCase(
  document: CaseDocument,
  tenant: Tenant,
  runner: ScriptRunner,
  script?: Script,
  outside?: OutboundClient,
): Promise<CaseResult> {
  const { name } = document;
  const tried = await tryCase(document, tenant, runner, script, outside);
  if (typeof tried === 'string') {
    const nothing = { logs: [], calls: [], cpuMicroseconds: 0, wallMicroseconds: 0 };
    const result = { ok: false, kind: 'syntax', message: tried, ...nothing } as const;
    return { name, failures: [tried], result, unforeseen: 0, recorded: { calls: [], unanswered: [], credentials: [] } };
  }
  const { result, world, mask } = tried;
  const failures = differences(document, tried, result, world, mask);
  const found = {
    outcome: tried.outcome,
    effect: result.ok ? result.value : null,
    message: tried.why ?? '',
    logs: result.logs.map((line) => line.message),
    calls: result.calls.map(({ target }) => target),
    values: world.values(),
  };
  return {
    name,
    failures: failures.map(mask),
    result,
    found: maskJson(found, mask),
    unforeseen: world.unforeseen().length,
    recorded: world.recorded(),
  };
}

function differences(
  { expect }: CaseDocument,
  { outcome, why = '' }: Judged,
  result: InvocationResult,
  world: CaseWorld,
  mask: (text: string) => string,
): readonly string[] {
  const failures: string[] = [];
  if (outcome !== expect.outcome) {
    const { location } = result as { location?: { file: string; line: number; column: number } };
    const place = location ? ` at ${location.file}:${location.line}:${location.column}` : '';
    failures.push(`expected the outcome ${expect.outcome}, found ${outcome}${why ? ` (${why}${place})` : ''}`);
  }
  if (expect.message !== undefined && !why.includes(expect.message))
    failures.push(`expected a message with ${JSON.stringify(expect.message)}, found ${JSON.stringify(why)}`);
  if (expect.effect !== undefined && result.ok)
    failures.push(...disagreements(expect.effect, result.value).map((each) => `effect ${each}`));
  const lines = result.logs.map((line) => line.message);
  failures.push(
    ...missingParts(expect.logs ?? [], lines).map(
      (part) => `no line is logged with ${JSON.stringify(part)}, but ${JSON.stringify(lines)}`,
    ),
  );
  if (expect.calls !== undefined) {
    const targets = result.calls.map(({ target }) => target);
    failures.push(...disagreements([...expect.calls], targets).map((each) => `calls ${each}`));
  }
  if (expect.sent !== undefined) failures.push(...unsent(expect.sent, maskJson(world.sent(), mask), world.stands));
  if (expect.values !== undefined)
    failures.push(...disagreements(expect.values, world.values()).map((each) => `values ${each}`));
  return failures;
}

/** What was not sent as it should have been, in this order. */
export function unsent(
  expected: readonly CaseSent[],
  sent: readonly SentRequest[],
  stands: CaseWorld['stands'],
): readonly string[] {
  let from = 0;
  return expected.flatMap((wanted) => {
    const differing: (readonly string[])[] = [];
    for (let index = from; index < sent.length; index += 1) {
      const request = sent[index];
      if (!request || !stands(wanted, request)) continue;
      const found = disagreementsOf(wanted, request);
      if (found.length === 0) {
        from = index + 1;
        return [];
      }
      differing.push(found);
    }
    return (differing[0] ?? [': nothing is sent there']).map((each) => `sent ${wanted.method} ${wanted.url}${each}`);
  });
}

function disagreementsOf({ headers, body }: CaseSent, request: SentRequest): readonly string[] {
  const named = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return [
    ...disagreements(named, request.headers, '/headers'),
    ...(body === undefined ? [] : disagreements(body, request.body, '/body')),
  ].map((each) => ` ${each}`);
}
