/** `sallyport simulate --hook`: one callback with an input. */
import { readFile } from 'node:fs/promises';
import { codeFrame } from '../../../engine/script/compile/frame.ts';
import { declarationOf } from '../../../engine/flow/trace.ts';
import { readCase } from '../../../engine/script/case/document.ts';
import { tryCase } from '../../../engine/script/case/run.ts';
import type { OutboundClient } from '../../../engine/outbound/client.ts';
import { maskJson } from '../../../engine/script/mask.ts';
import type { ScriptRunner } from '../../../engine/script/runner.ts';
import { changesBetween } from '../../../engine/simulator/diff.ts';
import type { SimulatedHook } from '../../../engine/simulator/run.ts';
import { hooksOf, scriptsOf } from '../../../engine/tenant/scripts.ts';
import type { Tenant } from '../../../engine/tenant/tenant.ts';
import type { Paint } from './paint.ts';
import { hookLines } from './print.ts';

export interface HookOptions {
  readonly hook: string;
  readonly slot?: string;
  /** A file with the input, or with a case of a hook. */
  readonly input?: string;
}

export interface HookRun {
  readonly outcome: string;
  readonly hook: SimulatedHook;
}

/**
 * @param outside really makes what nothing answers; nothing is made unless given.
 * @returns sentences where it cannot be run.
 */
export async function runHook(
  tenant: Tenant,
  { hook, slot, input }: HookOptions,
  runner: ScriptRunner,
  outside?: OutboundClient,
): Promise<HookRun | readonly string[]> {
  const slots = scriptsOf(tenant).filter((each) => (hooksOf(each.slot) as readonly string[]).includes(hook));
  const given = input === undefined ? {} : await readInput(input);
  if (typeof given === 'string') return [given];
  const chosen = slot ?? slots[0]?.slot;
  const document = { slot: chosen, ...given, name: `${hook} by hand`, hook, expect: {} };
  const read = readCase(document, input ?? 'input');
  if (!read.ok) return read.problems.map(({ message, hint }) => `${message} ${hint}`.trim());
  const tried = await tryCase(read.document, tenant, runner, undefined, outside);
  if (typeof tried === 'string') return [tried];
  const { result, script, mask, outcome, why } = tried;
  const location = (result.ok ? undefined : result.location) ?? declarationOf(script, read.document.hook);
  const frame = location && codeFrame(script, location);
  const failed = outcome !== 'ok' && outcome !== 'absent';
  return {
    outcome,
    hook: {
      name: read.document.hook,
      slot: read.document.slot,
      script: script.name,
      version: script.hash,
      ran: outcome !== 'absent',
      input: maskJson(tried.input, mask),
      ...(result.ok && result.defined ? { effect: maskJson(result.value, mask) } : {}),
      ...(failed
        ? {
            failure: {
              kind: outcome as NonNullable<SimulatedHook['failure']>['kind'],
              message: mask(why ?? ''),
              ...(location ? { location } : {}),
              ...(frame === undefined ? {} : { frame }),
            },
          }
        : {}),
      logs: maskJson(result.logs, mask),
      calls: result.calls,
      cpuMicroseconds: result.cpuMicroseconds,
      wallMicroseconds: result.wallMicroseconds,
      ...(result.heapBytes === undefined ? {} : { heapBytes: result.heapBytes }),
    },
  };
}

/** The members of a case that an input file gives: all of them where it is a case, else the input alone. */
async function readInput(file: string): Promise<object | string> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return `The file ${file} cannot be read.`;
  }
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    return 'expect' in value ? value : { input: value };
  } catch {
    return `The file ${file} is no JSON.`;
  }
}

export function* hookRunLines({ outcome, hook }: HookRun, paint: Paint): Generator<string> {
  yield* hookLines(hook, changesOf(hook), paint);
  yield outcome === 'ok' || outcome === 'absent'
    ? paint('green', `Outcome: ${outcome}`)
    : paint('red', `Outcome: ${outcome}`);
}

/** Of an effect, what differs from the input; members that the input lacks are new. */
function changesOf({ input, effect }: SimulatedHook) {
  if (typeof effect !== 'object' || effect === null) return [];
  const { request = {}, ...rest } = (input ?? {}) as Record<string, unknown>;
  const before = { ...(request as object), ...rest } as Record<string, unknown>;
  return Object.entries(effect).flatMap(([name, value]) => changesBetween(before[name], value, `/${name}`));
}
