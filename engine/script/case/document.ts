/** A case as its file says it, and its reading. */
import { malformedJson, problem, type Problem } from '../../tenant/problem.ts';
import { hooksOf, placeOf, type ScriptSlot } from '../../tenant/scripts.ts';
import { validateDocument } from '../../tenant/validate.ts';
import type { HookName, Json, ScriptFailureKind } from '../runner.ts';
import { unknownMembers } from './input.ts';

export interface CaseCall {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Json;
  readonly unreachable: boolean;
}

export interface CaseSent {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Json;
}

export interface CaseDocument {
  readonly name: string;
  readonly slot: ScriptSlot;
  readonly hook: HookName;
  readonly input?: Readonly<Record<string, Json>>;
  readonly now?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly values?: Readonly<Record<string, Json>>;
  readonly calls: readonly CaseCall[];
  readonly expect: {
    readonly outcome: 'ok' | 'absent' | 'policy' | ScriptFailureKind;
    readonly effect?: Json;
    readonly message?: string;
    readonly logs?: readonly string[];
    readonly calls?: readonly string[];
    readonly sent?: readonly CaseSent[];
    readonly values?: Readonly<Record<string, Json>>;
  };
}

type CaseReading =
  | { readonly ok: true; readonly document: CaseDocument }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Validates in place: defaults are filled in. */
export function readCase(document: unknown, file: string): CaseReading {
  const malformed = validateDocument('case', document, file);
  if (malformed.length > 0) return { ok: false, problems: malformed };
  const read = document as CaseDocument;
  const problems = [...misplaced(read, file), ...unknownMembers(read, read.input ?? {}, file)];
  return problems.length > 0 ? { ok: false, problems } : { ok: true, document: read };
}

/** The same of a text, which may be no JSON at all. */
export function parseCase(text: string, file: string): CaseReading {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { ok: false, problems: [malformedJson(file, text)] };
  }
  return readCase(document, file);
}

/** A hook that the slot's script is never asked for. */
function misplaced({ slot, hook }: CaseDocument, file: string): readonly Problem[] {
  if (hooksOf(slot).includes(hook)) return [];
  const expected = `one of ${hooksOf(slot).join(', ')}, which ${slot} has`;
  return [problem('hook', file, '/hook', `"${hook}"`, expected, `${hook} stands in ${placeOf(hook)}: name its "slot"`)];
}
