/** The lines of JSON that engine and sandbox process exchange. The engine trusts none of what it receives. */
import type { Program } from './compile/program.ts';
import type { SourceLocation } from './runner.ts';

export type ToSandbox =
  | { readonly type: 'load'; readonly key: string; readonly program: Program }
  | {
      readonly type: 'run';
      readonly id: number;
      readonly key: string;
      readonly hook: string;
      readonly input: string;
      /** JSON: the environment, the secrets this hook may read, and the names of those it may not. */
      readonly given: string;
      readonly memoryMebibytes: number;
      readonly cpuMilliseconds: number;
      readonly wallMilliseconds: number;
      readonly outputBytes: number;
      readonly logLines: number;
      /** Calls to the engine; what goes beyond is refused where it is made. */
      readonly hostCalls: number;
    }
  /** The program is needed no longer. */
  | { readonly type: 'unload'; readonly key: string }
  | { readonly type: 'inspect'; readonly id: number; readonly key: string }
  | { readonly type: 'answer'; readonly call: number; readonly body: string }
  /** Of the inspector protocol, for a process that was started to be inspected; others pass over it. */
  | { readonly type: 'inspector'; readonly message: string }
  /** Asks whether the process's own thread still turns. */
  | { readonly type: 'ping' };

export type FromSandbox =
  | { readonly type: 'ready' }
  /** Answers a ping. */
  | { readonly type: 'alive' }
  | {
      readonly type: 'done';
      readonly id: number;
      readonly body: string;
      readonly cpu: number;
      readonly wall: number;
      /** Bytes the isolate's heap holds afterwards. */
      readonly heap?: number;
    }
  | {
      readonly type: 'failed';
      readonly id: number;
      readonly kind: string;
      readonly message: string;
      readonly location?: SourceLocation;
      readonly cpu: number;
      readonly wall: number;
      /** The invocation holds a thread or memory that only the end of the process takes from it. */
      readonly fatal?: boolean;
    }
  | { readonly type: 'log'; readonly id: number; readonly level: string; readonly message: string }
  | { readonly type: 'call'; readonly id: number; readonly call: number; readonly request: string }
  /** Of the inspector protocol. */
  | { readonly type: 'inspector'; readonly message: string };

/** No line from a sandbox process may be longer, characters. */
export const longestLine = 4 * 1024 * 1024;

/** Splits a stream into lines; answers false when one grows too long. */
export function createLineReader(onLine: (line: string) => void): (chunk: string) => boolean {
  // Parts of a line that has not ended: put together once, whatever its length.
  let parts: string[] = [];
  let length = 0;
  return (chunk) => {
    let start = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
      const rest = chunk.slice(start, end);
      start = end + 1;
      if (parts.length === 0) onLine(rest);
      else {
        parts.push(rest);
        const line = parts.join('');
        parts = [];
        length = 0;
        onLine(line);
      }
    }
    if (start < chunk.length) {
      parts.push(chunk.slice(start));
      length += chunk.length - start;
    }
    return length <= longestLine;
  };
}
