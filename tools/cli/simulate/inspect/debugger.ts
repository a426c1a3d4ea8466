/**
 * Between a debugger and the sandbox, in the inspector protocol: shows the author's files in place of what the sandbox
 * makes of them, hides the sandbox's own code, and holds the first callback until somebody is there.
 */
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { InspectorPort } from '../../../../engine/script/inspector.ts';
import { scriptsOf } from '../../../../engine/tenant/scripts.ts';
import type { Tenant } from '../../../../engine/tenant/tenant.ts';

/** A program that debugs, as far as it is connected. */
export interface DebuggerClient {
  send(message: string): void;
  close(): void;
}

export interface Debugger {
  /** For the runner of the scripts. */
  readonly port: InspectorPort;
  /** Shows this tenant's files from now on. */
  show(tenant: Tenant): void;
  /** @returns false where another client is there already: there is one at a time. */
  attach(client: DebuggerClient): boolean;
  /** A message from a client. */
  receive(client: DebuggerClient, message: string): void;
  /** A client is gone: its breakpoints go with it, and what it held up goes on. */
  detach(client: DebuggerClient): void;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: unknown;
}

/** What a request of the client's becomes when it is answered. */
interface Asked {
  readonly id: number;
  readonly change?: (message: Message) => Message;
}

interface Place {
  readonly columnNumber?: number;
}

/** The realm and the library: nothing in them is the author's to step through. */
const hidden = '^sallyport:';
const domains = ['Debugger', 'Runtime', 'Profiler', 'HeapProfiler'];

export function createDebugger(): Debugger {
  let say: (message: string) => void = () => undefined;
  let client: DebuggerClient | undefined;
  let lastId = 0;
  /** Requests under way. Those of clients that are gone are not in it, so nobody gets their answers. */
  const asked = new Map<number, Asked | ((message: Message) => void)>();
  let folder = '';
  let sources: ReadonlyMap<string, string> = new Map();
  /** The author's text of each script that was parsed. */
  const parsed = new Map<string, string>();
  let letBegin: () => void = () => undefined;
  const mayBegin = new Promise<void>((done) => (letBegin = done));
  let begun = false;
  let breakOnStart: string | undefined;

  const urlOf = (file: string) => pathToFileURL(join(resolve(folder), file)).href;

  function send(message: Message): void {
    client?.send(JSON.stringify(message));
  }

  /** Asks the isolate on our own behalf. */
  function ask(method: string, params: object = {}): Promise<Message> {
    lastId += 1;
    say(JSON.stringify({ id: lastId, method, params }));
    return new Promise((done) => asked.set(lastId, done));
  }

  function pass(message: Message & { readonly id: number }, change?: Asked['change']): void {
    lastId += 1;
    asked.set(lastId, { id: message.id, ...(change ? { change } : {}) });
    say(JSON.stringify({ ...message, id: lastId }));
  }

  function receive(from: DebuggerClient, text: string): void {
    // What a client says that was sent away may still arrive.
    if (from !== client) return;
    const message = read(text);
    const { id, method, params = {} } = message ?? {};
    if (!message || !Number.isSafeInteger(id) || typeof method !== 'string') return from.close();
    const request = { ...message, id: id as number };
    switch (method) {
      case 'Debugger.enable':
        pass(request);
        void ask('Debugger.setBlackboxPatterns', { patterns: [hidden] });
        break;
      case 'Debugger.setBlackboxPatterns':
        pass({ ...request, params: { ...params, patterns: [hidden, ...listOf(params['patterns'])] } });
        break;
      case 'Debugger.getScriptSource':
        pass(request, (answer) => {
          const source = parsed.get(String(params['scriptId']));
          return source === undefined ? answer : { ...answer, result: { ...answer.result, scriptSource: source } };
        });
        break;
      case 'Debugger.setScriptSource':
        // What runs is not the text of the file, so that this text cannot take its place.
        send({ id: request.id, error: { code: -32000, message: 'change the file itself, and run with --watch' } });
        break;
      case 'Runtime.runIfWaitingForDebugger':
        pass(request, (answer) => {
          letBegin();
          return answer;
        });
        break;
      default:
        pass(request);
    }
  }

  function heard(text: string): void {
    const message = read(text);
    if (!message) return;
    const { id, method, params = {} } = message;
    if (id !== undefined) {
      const waiting = asked.get(id);
      asked.delete(id);
      if (typeof waiting === 'function') waiting(message);
      else if (waiting) send({ ...(waiting.change?.(message) ?? message), id: waiting.id });
      return;
    }
    if (method === 'Debugger.scriptParsed') {
      const source = sources.get(String(params['url']));
      if (source !== undefined) parsed.set(String(params['scriptId']), source);
      // What the sandbox puts before the author's first character has columns below zero.
      send({ ...message, params: { ...params, startColumn: 0 } });
    } else send(method === 'Debugger.paused' ? started(message) : message);
  }

  /** Tells the break that was made for the first statement as Node tells it; it is made once. */
  function started(message: Message): Message {
    const callFrames = listOf(message.params?.['callFrames']).map(withinFile);
    const params = { ...message.params, callFrames };
    const hit = listOf(message.params?.['hitBreakpoints']);
    if (breakOnStart === undefined || !hit.includes(breakOnStart)) return { ...message, params };
    void ask('Debugger.removeBreakpoint', { breakpointId: breakOnStart });
    const hitBreakpoints = hit.filter((each) => each !== breakOnStart);
    breakOnStart = undefined;
    return { ...message, params: { ...params, reason: 'Break on start', hitBreakpoints } };
  }

  function forget(): void {
    for (const [id, waiting] of asked) if (typeof waiting === 'object') asked.delete(id);
    client = undefined;
    breakOnStart = undefined;
  }

  return {
    port: {
      started(next) {
        say = next;
        parsed.clear();
        for (const waiting of asked.values()) if (typeof waiting === 'function') waiting({});
        asked.clear();
        client?.close();
        forget();
      },
      heard,
      async before(script) {
        await mayBegin;
        if (begun) return;
        begun = true;
        const place = { url: urlOf(script.name), lineNumber: 0, columnNumber: 0 };
        const { result } = await ask('Debugger.setBreakpointByUrl', place);
        // Without a debugger that listens there is none, and nothing stops.
        if (client && typeof result?.['breakpointId'] === 'string') breakOnStart = result['breakpointId'];
      },
      urlOf,
    },
    show(tenant) {
      folder = tenant.folder;
      const files = scriptsOf(tenant).flatMap(({ script }) => [script, ...script.modules]);
      sources = new Map(files.map(({ name, source }) => [urlOf(name), source]));
    },
    attach(next) {
      if (client) return false;
      client = next;
      return true;
    },
    receive,
    detach(gone) {
      if (gone !== client) return;
      forget();
      for (const domain of domains) void ask(`${domain}.disable`);
    },
  };
}

function read(text: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Message) : undefined;
  } catch {
    return undefined;
  }
}

/** A frame of a stack that lies before the author's first character is told at that. */
function withinFile(frame: unknown): unknown {
  const { location, functionLocation, ...rest } = frame as Readonly<Record<string, Place | undefined>>;
  return { ...rest, ...placed('location', location), ...placed('functionLocation', functionLocation) };
}

function placed(name: string, place: Place | undefined): object {
  return place ? { [name]: { ...place, columnNumber: Math.max(0, place.columnNumber ?? 0) } } : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
