/** Opens a context in an isolate: the realm and the tenant's program in it, ready to be invoked. */
import type ivm from 'isolated-vm';
import type { Program } from '../compile/program.ts';

type Function = ivm.Reference<(...given: unknown[]) => unknown>;

export interface OpenRealm {
  /** `(hook, input, given, logLines)`: JSON of what the hook's function did. */
  readonly invoke: Function;
  readonly functions: Function;
  /** As `invoke`, on the process's own thread, where `finish` then answers. */
  readonly begin: Function;
  readonly finish: Function;
  /**
   * Whether the isolate must not serve again: a call is still unanswered, so that code may go on in the next invocation
   * (nothing else would wake it), or it holds memory that is not counted.
   * @param idle Whether the isolate is known to run nothing; else it is asked once it does not.
   */
  spent(idle: boolean): boolean | Promise<boolean>;
  release(): void;
}

/** A program that is compiled once for all contexts of its isolate. */
export interface CompiledProgram {
  readonly scripts: readonly ivm.Script[];
  /** JSON for `install`. */
  readonly text: string;
}

/** @throws when a part does not compile. */
export async function compileProgram(isolate: ivm.Isolate, program: Program): Promise<CompiledProgram> {
  const scripts: ivm.Script[] = [];
  for (const { file, url = file, column = 0, code } of program.parts)
    scripts.push(await isolate.compileScript(code, { filename: url, columnOffset: column }));
  const numbers = new Map(program.parts.map(({ file }, index) => [file, index]));
  const imports = program.parts.map(({ imports: names }) => names.map((name) => numbers.get(name) ?? -1));
  return { scripts, text: JSON.stringify({ style: program.style, assignedNames: program.assignedNames, imports }) };
}

/**
 * Nothing here runs on the process's own thread, where it would hold up the scripts of other tenants.
 * @param doors References to what the realm may ask: the engine, the log, the process itself.
 * @param inspector whether the isolate's debugger sees the context.
 */
export async function openRealm(
  isolate: ivm.Isolate,
  realm: string,
  doors: readonly unknown[],
  program: CompiledProgram,
  inspector: boolean,
): Promise<OpenRealm> {
  const context = await isolate.createContext({ inspector });
  const made = (await context.evalClosure(realm, [...doors], {
    result: { reference: true },
    filename: 'sallyport:realm',
  })) as ivm.Reference<Record<string, unknown>>;
  const part = async (name: string) => (await made.get(name, { reference: true })) as Function;
  const install = await part('install');
  const factories: ivm.Reference[] = [];
  for (const script of program.scripts)
    factories.push((await script.run(context, { reference: true })) as ivm.Reference);
  await install.apply(undefined, [program.text, ...factories.map((factory) => factory.derefInto())]);
  for (const reference of [install, ...factories]) reference.release();
  const invoke = await part('invoke');
  const functions = await part('functions');
  const begin = await part('begin');
  const finish = await part('finish');
  const spent = await part('spent');
  return {
    invoke,
    functions,
    begin,
    finish,
    spent: (idle) => (idle ? spent.applySync() : spent.apply()) as boolean | Promise<boolean>,
    release() {
      for (const reference of [invoke, functions, begin, finish, spent, made]) reference.release();
      context.release();
    },
  };
}
