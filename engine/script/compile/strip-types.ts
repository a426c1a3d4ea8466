/** TypeScript to JavaScript by blanking its types out, so that every line and column stays where it was. */
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { ScriptProblem } from './program.ts';
import type { Answer } from './strip-types-thread.ts';

/** Milliseconds for one file. */
const longest = 5_000;

interface Stripper {
  strip(source: string): Answer | undefined;
  end(): void;
}

let stripper: Stripper | undefined;

/** Syntax that would have to be turned into code (`enum`, `namespace`, parameter properties) is refused, as Node does. */
export function stripTypes(
  file: string,
  source: string,
): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: ScriptProblem } {
  const current = (stripper ??= startStripper());
  const answer = current.strip(source);
  if (answer && 'text' in answer) return { ok: true, text: answer.text };
  if (!answer?.code?.endsWith('_TYPESCRIPT_SYNTAX')) {
    // It reads nothing any more, or will not do so soon.
    stripper = undefined;
    current.end();
    return {
      ok: false,
      problem: {
        code: 'typescript',
        message: 'This cannot be read as TypeScript',
        hint: 'it is nested too deeply, or takes too long to read',
        location: { file, line: 1, column: 1 },
      },
    };
  }
  const { message, code, stack } = answer;
  // Node puts the place before the message: `:2`, the line itself, and carets below the offence.
  const [place = '', , carets = ''] = stack.split('\n');
  const line = Number(/:(\d+)$/.exec(place)?.[1] ?? 1);
  const erasable = code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX';
  return {
    ok: false,
    problem: {
      code: 'typescript',
      message: message.replace(' in strip-only mode', ''),
      hint: erasable
        ? 'use TypeScript that vanishes when its types are taken out: no enum, namespace or parameter properties'
        : '',
      location: { file, line, column: Math.max(1, carets.search(/\^/) + 1) },
    },
  };
}

/** Starts the thread, which is waited for while it works: compiling a script is one step for who asks for it. */
function startStripper(): Stripper {
  const { port1: own, port2: port } = new MessageChannel();
  const answered = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(new URL('strip-types-thread.ts', import.meta.url), {
    workerData: { port, answered },
    transferList: [port],
    env: {},
    execArgv: [],
  });
  // An end that nobody asked for shows itself as an answer that does not come.
  thread.on('error', () => undefined);
  // Nothing is held up by a thread that waits.
  thread.unref();
  own.unref();
  return {
    strip(source) {
      Atomics.store(answered, 0, 0);
      own.postMessage(source);
      Atomics.wait(answered, 0, 0, longest);
      return (receiveMessageOnPort(own) as { readonly message: Answer } | undefined)?.message;
    },
    end() {
      own.close();
      void thread.terminate();
    },
  };
}
