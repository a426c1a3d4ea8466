/** Runs a case of a tenant's callback and tells what came out otherwise than it should. */
import { validateEffect } from '../../flow/effect.ts';
import { scriptsOf } from '../../tenant/scripts.ts';
import type { Script, Tenant } from '../../tenant/tenant.ts';
import type { InvocationResult, Json, ScriptRunner } from '../runner.ts';
import type { CaseDocument } from './document.ts';
import { inputOf } from './input.ts';
import { worldOf } from './world.ts';

export interface CaseResult {
  readonly name: string;
  /** Sentences; none when the case holds. */
  readonly failures: readonly string[];
  readonly result: InvocationResult;
}

/** Where a value does not agree with what is expected of it; only what is expected is looked at. */
export function disagreements(expected: Json, found: Json | undefined, at = ''): readonly string[] {
  const show = (value: Json | undefined) => (value === undefined ? 'nothing' : JSON.stringify(value));
  if (Array.isArray(expected) && Array.isArray(found)) {
    if (expected.length !== found.length)
      return [`${at || '/'}: expected ${expected.length} items, found ${found.length}: ${show(found)}`];
    return expected.flatMap((each: Json, index) =>
      disagreements(each, (found as readonly Json[])[index], `${at}/${index}`),
    );
  }
  const isTree = (value: Json | undefined): value is { readonly [name: string]: Json } =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isTree(expected) && isTree(found))
    return Object.entries(expected).flatMap(([name, each]) => disagreements(each, found[name], `${at}/${name}`));
  return JSON.stringify(expected) === JSON.stringify(found)
    ? []
    : [`${at || '/'}: expected ${show(expected)}, found ${show(found)}`];
}

/** The parts that do not occur in the lines in this order. */
function missingParts(parts: readonly string[], lines: readonly string[]): readonly string[] {
  let from = 0;
  return parts.filter((part) => {
    const place = lines.findIndex((line, index) => index >= from && line.includes(part));
    if (place < 0) return true;
    from = place + 1;
    return false;
  });
}

function outcomeOf(result: InvocationResult, problem: string | undefined): string {
  if (!result.ok) return result.kind;
  if (!result.defined) return 'absent';
  if (problem !== undefined) return 'shape';
  const { failure } = (result.value ?? {}) as { readonly failure?: Json };
  return failure === undefined ? 'ok' : 'denied';
}

/**
 * @param script the version to run; the one of the tenant's files unless given.
 * @returns what failed. A case of a slot without script fails by saying so.
 */
export async function runCase(
  document: CaseDocument,
  tenant: Tenant,
  runner: ScriptRunner,
  script: Script | undefined = scriptsOf(tenant).find(({ slot }) => slot === document.slot)?.script,
): Promise<CaseResult> {
  const { name, hook, expect } = document;
  if (!script) {
    const nothing = { logs: [], calls: [], cpuMicroseconds: 0, wallMicroseconds: 0 };
    const message = `the tenant has no script at ${document.slot}`;
    return { name, failures: [message], result: { ok: false, kind: 'syntax', message, ...nothing } };
  }
  const world = worldOf(document, tenant.fhirServers[0]?.url ?? 'https://fhir.invalid');
  const secrets = Object.entries(tenant.secrets).map(([secret, { hooks, value }]) => [
    secret,
    { hooks, value: document.secrets?.[secret] ?? value },
  ]);
  const result = await runner.run({
    tenantId: tenant.id,
    script,
    hook,
    input: inputOf(hook, document.input),
    limits: tenant.scriptLimits,
    environment: { ...tenant.environment, ...document.environment },
    outboundHttp: tenant.outboundHttp,
    fhirServers: tenant.fhirServers,
    secrets: Object.fromEntries(secrets) as Tenant['secrets'],
    world,
    onTrial: true,
  });
  const problem = result.ok && result.defined ? validateEffect(hook, result.value) : undefined;
  const failures: string[] = [];
  const outcome = outcomeOf(result, problem);
  const failure = result.ok
    ? ((result.value ?? {}) as { failure?: { message?: string } }).failure?.message
    : result.message;
  if (outcome !== expect.outcome) {
    const place =
      !result.ok && result.location
        ? ` at ${result.location.file}:${result.location.line}:${result.location.column}`
        : '';
    const why = problem ?? failure;
    failures.push(`expected the outcome ${expect.outcome}, found ${outcome}${why ? ` (${why}${place})` : ''}`);
  }
  if (expect.message !== undefined && !(failure ?? '').includes(expect.message))
    failures.push(`expected a message with ${JSON.stringify(expect.message)}, found ${JSON.stringify(failure ?? '')}`);
  if (expect.effect !== undefined && result.ok)
    failures.push(...disagreements(expect.effect, result.value).map((each) => `effect ${each}`));
  const lines = result.logs.map(({ message }) => message);
  failures.push(
    ...missingParts(expect.logs ?? [], lines).map(
      (part) => `no line is logged with ${JSON.stringify(part)}, but ${JSON.stringify(lines)}`,
    ),
  );
  if (expect.calls !== undefined)
    failures.push(
      ...disagreements(
        [...expect.calls],
        result.calls.map(({ target }) => target),
      ).map((each) => `calls ${each}`),
    );
  if (expect.values !== undefined)
    failures.push(...disagreements(expect.values, world.values()).map((each) => `values ${each}`));
  return { name, failures, result };
}
