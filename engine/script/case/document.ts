/** A case as its file says it, and its reading. */
import type { Problem } from '../../tenant/problem.ts';
import type { ScriptSlot } from '../../tenant/scripts.ts';
import { validateDocument } from '../../tenant/validate.ts';
import type { HookName, Json, ScriptFailureKind } from '../runner.ts';

export interface CaseCall {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Json;
  readonly unreachable: boolean;
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
    readonly outcome: 'ok' | 'absent' | ScriptFailureKind;
    readonly effect?: Json;
    readonly message?: string;
    readonly logs?: readonly string[];
    readonly calls?: readonly string[];
    readonly values?: Readonly<Record<string, Json>>;
  };
}

/** Validates in place: defaults are filled in. */
export function readCase(
  document: unknown,
  file: string,
):
  | { readonly ok: true; readonly document: CaseDocument }
  | { readonly ok: false; readonly problems: readonly Problem[] } {
  const problems = validateDocument('case', document, file);
  return problems.length === 0 ? { ok: true, document: document as CaseDocument } : { ok: false, problems };
}
