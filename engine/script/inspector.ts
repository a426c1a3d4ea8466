/**
 * What a debugger needs of the sandbox: a way for its messages, files it can find again, and no limits while somebody
 * thinks. Only a runner that runs trials takes one, so a server has nothing to attach to.
 */
import type { Script } from '../tenant/tenant.ts';
import type { Program } from './compile/program.ts';
import type { Invocation } from './runner.ts';

export interface InspectorPort {
  /**
   * A process of the sandbox started; one before it, if any, is gone.
   * @param say hands a message of the inspector protocol to it.
   */
  started(say: (message: string) => void): void;
  /** What the process says in the inspector protocol. Nothing of it may be believed. */
  heard(message: string): void;
  /** Waits until the debugger lets a callback of this script begin. */
  before(script: Script): Promise<void>;
  /** The address a debugger knows a file of the tenant's by. */
  urlOf(file: string): string;
}

/** While a person looks at a variable, clocks go on. */
const longest = 24 * 60 * 60 * 1000;

/** Neither CPU nor wall clock ends it within a day. */
export function withoutLimits(invocation: Invocation): Invocation {
  return {
    ...invocation,
    limits: { ...invocation.limits, cpuMilliseconds: longest, wallMilliseconds: longest },
  };
}

/** The program with an address for each of the tenant's own files, and places that are the author's on each first line, too. */
export function inspectedProgram(program: Program, { urlOf }: Pick<InspectorPort, 'urlOf'>): Program {
  const parts = program.parts.map((part) =>
    part.file.startsWith('sallyport:') ? part : { ...part, url: urlOf(part.file), column: -part.shift, shift: 0 },
  );
  return { ...program, parts };
}
