/** The three ways out of an isolate, each counted and bounded on this side, where no script reaches. */
import ivm from 'isolated-vm';
import { longestLine } from '../protocol.ts';
import { answerLocally } from './local.ts';

export interface CellHost {
  log(level: string, message: string): void;
  call(request: string): Promise<string>;
}

export interface Doors {
  /** For the realm: asks the engine, logs, asks this process. */
  readonly references: readonly ivm.Reference[];
  /** Calls whose answers have not come yet. */
  readonly waiting: number;
  /** Whether anything was asked since they were opened. */
  readonly used: boolean;
  open(host: CellHost, hostCalls: number): void;
  /** @returns how many calls are still unanswered. */
  close(): number;
}

/** What one invocation may ask of this process, whose thread serves all tenants: calls, and characters in all. */
const mostLocalCalls = 2000;
const mostLocalText = 16 * 1024 * 1024;
const longestLocalText = 2 * 1024 * 1024;
const longestMessage = 2000;

const refusal = (code: string, message: string) => JSON.stringify({ ok: false, code, message });
const localRefusal = (error: string) => JSON.stringify({ error });

export function createDoors(): Doors {
  let current: { readonly host: CellHost; readonly hostCalls: number } | undefined;
  let waiting = 0;
  let calls = 0;
  let localCalls = 0;
  let localText = 0;

  async function awaited(answer: Promise<string>): Promise<string> {
    waiting += 1;
    try {
      return await answer;
    } finally {
      waiting -= 1;
    }
  }

  function ask(request: unknown): Promise<string> | string {
    if (!current || typeof request !== 'string') return refusal('late', 'the invocation is over');
    calls += 1;
    // The first beyond the limit goes through, so that the engine's record shows it.
    if (calls > current.hostCalls + 1) return refusal('blocked', `more than ${current.hostCalls} calls to the engine`);
    // The engine takes a longer line for a sign that this process is compromised.
    if (request.length > longestLine || JSON.stringify(request).length > longestLine - 1024)
      return refusal('malformed', 'the request is too large');
    return awaited(current.host.call(request));
  }

  function tell(level: unknown, message: unknown): void {
    current?.host.log(String(level), String(message).slice(0, longestMessage));
  }

  function local(name: unknown, request: unknown): Promise<string> | string {
    if (!current || typeof request !== 'string') return localRefusal('the invocation is over');
    localCalls += 1;
    localText += request.length;
    if (localCalls > mostLocalCalls || localText > mostLocalText)
      return localRefusal('the callback asks too often for addresses, digests and keys');
    if (request.length > longestLocalText) return localRefusal('this is too large');
    return awaited(answerLocally(String(name), request));
  }

  return {
    references: [new ivm.Reference(ask), new ivm.Reference(tell), new ivm.Reference(local)],
    get waiting() {
      return waiting;
    },
    get used() {
      return calls + localCalls > 0;
    },
    open(host, hostCalls) {
      current = { host, hostCalls };
      calls = 0;
      localCalls = 0;
      localText = 0;
    },
    close() {
      current = undefined;
      return waiting;
    },
  };
}
