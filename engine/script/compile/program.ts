/** What a script becomes before it reaches a sandbox: the texts of its functions, linked, in the order they are evaluated. */
import type { SourceLocation } from '../runner.ts';

/** A function of the entry that a hook may be found by. */
export interface DeclaredFunction {
  readonly name: string;
  /** Parameters up to a default or a rest; undefined where only running the script would tell. */
  readonly parameters: number | undefined;
  readonly location: SourceLocation;
}

export interface ProgramPart {
  /** The name in stack traces: the author's file, or a library module such as `sallyport/http`. */
  readonly file: string;
  /** What a debugger knows the file by; `file` where absent. */
  readonly url?: string;
  /** The column of the first character of `code`, as a debugger counts; 0 where absent. */
  readonly column?: number;
  /** Evaluates to a function; what it takes is up to `style`. */
  readonly code: string;
  /** Characters before the author's first character, all on the first line. */
  readonly shift: number;
  /** The parts it imports, by file, in the order of their numbers. */
  readonly imports: readonly string[];
}

export interface Program {
  /**
   * `classic`: sloppy, hooks are found by name, names assigned without declaration live as long as the invocation.
   * `module`: strict, hooks are exported.
   */
  readonly style: 'classic' | 'module';
  /** Every part after those it imports; the entry is the last. */
  readonly parts: readonly ProgramPart[];
  readonly functions: readonly DeclaredFunction[];
  /** Names a classic script assigns anywhere; those it does not declare become the invocation's own. */
  readonly assignedNames: readonly string[];
  /** It changes what all scripts share, such as `Array.prototype`, so each invocation gets a context of its own. */
  readonly ownContext: boolean;
}

/** What is wrong with a script, told so that its author can mend it. */
export interface ScriptProblem {
  readonly code:
    | 'syntax'
    | 'typescript'
    | 'import-unknown'
    | 'import-missing'
    | 'import-cycle'
    | 'import-classic'
    | 'export-unknown'
    | 'dynamic-import'
    | 'import-meta'
    | 'top-level-await'
    | 'too-large';
  readonly message: string;
  readonly hint: string;
  readonly location: SourceLocation;
}

export type CompileResult =
  | { readonly ok: true; readonly program: Program }
  | { readonly ok: false; readonly problems: readonly ScriptProblem[] };
