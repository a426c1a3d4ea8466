/**
 * The thread that takes types out. What reads TypeScript is a WebAssembly module of Node's, one for each thread, and a
 * source that is nested too deeply breaks it for good: here it breaks for nobody else.
 */
import { stripTypeScriptTypes } from 'node:module';
import { type MessagePort, workerData } from 'node:worker_threads';

export interface Thread {
  readonly port: MessagePort;
  /** 0 while an answer is awaited, 1 when it is there. */
  readonly answered: Int32Array;
}

export type Answer =
  { readonly text: string } | { readonly message: string; readonly code?: string | undefined; readonly stack: string };

// Node calls the function experimental and says so on the console; the runtime is pinned, so it cannot change unseen.
process.emitWarning = () => undefined;
const { port, answered } = workerData as Thread;

function answer(source: string): Answer {
  try {
    return { text: stripTypeScriptTypes(source) };
  } catch (error) {
    const { message, code, stack = '' } = error as Error & { readonly code?: string };
    return { message, code, stack };
  }
}

port.on('message', (source: string) => {
  port.postMessage(answer(source));
  Atomics.store(answered, 0, 1);
  Atomics.notify(answered, 0);
});
