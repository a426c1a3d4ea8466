/**
 * What runs in place of a sandbox that a script has taken over: for each invocation it tells the lie that the client's id
 * names, and the truth for every other.
 */
interface Run {
  readonly type: string;
  readonly id: number;
  readonly input: string;
}

type Say = (...messages: readonly unknown[]) => void;

const raw = (text: string | Buffer) => process.stdout.write(text);
const say: Say = (...messages) => raw(messages.map((message) => `${JSON.stringify(message)}\n`).join(''));
const effect = (answer: string) => ({
  session: null,
  accessTokenClaims: { answer },
  idTokenClaims: {},
  launchParameters: {},
  approvedScopes: [],
});
const bodyOf = (value: unknown) => JSON.stringify({ ok: true, defined: true, value });
const done = (id: number, body: unknown = bodyOf(effect('truth'))) => ({ type: 'done', id, body, cpu: 1, wall: 1 });
const failed = (id: number, more: object) => ({
  type: 'failed',
  id,
  kind: 'runtime',
  message: 'it failed',
  cpu: 1,
  wall: 1,
  ...more,
});
const call = (id: number, number: unknown, request: unknown) => ({ type: 'call', id, call: number, request });
const httpCall = (url: string) => JSON.stringify({ service: 'http', method: 'GET', url, headers: {} });
/** Neither `String()` nor `Number()` can read it. */
const unreadable = { toString: 1, valueOf: 2, message: { toJSON: 3 } };
const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

const lies: Readonly<Record<string, (id: number) => void>> = {
  // No message at all.
  'no JSON': () => raw('nonsense\n'),
  'an empty line': () => raw('\n'),
  'bytes that are no text': () => raw(Buffer.from([0xff, 0xfe, 0, 0x0a])),
  null: () => say(null),
  'a number': () => say(5),
  'a list': (id) => say([done(id)]),
  'deeply nested JSON': () => raw(`${deep(1_000_000)}\n`),
  'a line without end': () => {
    const pour = () => raw('x'.repeat(65_536));
    setInterval(pour, 0);
  },
  'a line of five megabytes': (id) => say(done(id, 'x'.repeat(5_000_000))),
  'an unknown type': (id) => say({ ...done(id), type: 'finished' }),
  'no type': (id) => say({ id }),
  'a type that is no text': (id) => say({ ...done(id), type: unreadable }),
  'no id': () => say({ ...done(0), id: undefined }),
  'an id that is text': (id) => say({ ...done(id), id: String(id) }),
  'an id that is a list': (id) => say({ ...done(id), id: [id] }),
  'an id below zero': (id) => say({ ...done(id), id: -id }),
  'an id that is no whole number': (id) => say({ ...done(id), id: id + 0.5 }),
  'an id beyond all numbers': (id) => raw(`${JSON.stringify(done(id)).replace(`"id":${id}`, '"id":1e999')}\n`),
  // Results.
  'a body that is no text': (id) => say(done(id, { ok: true, defined: true, value: effect('lie') })),
  'a body that cannot be read': (id) => say(done(id, unreadable)),
  'a body that is no JSON': (id) => say(done(id, '{')),
  'a body of null': (id) => say(done(id, 'null')),
  'a body that is a list': (id) => say(done(id, '[]')),
  'a body that is a number': (id) => say(done(id, '5')),
  'a body that says nothing': (id) => say(done(id, '{}')),
  'a body without a value': (id) => say(done(id, '{"ok":true,"defined":true}')),
  'a body that is not ok': (id) => say(done(id, '{"ok":false,"kind":"denied"}')),
  'a body that hides a callback': (id) => say(done(id, '{"ok":true,"defined":"no","value":null}')),
  'a body nested too deeply': (id) => say(done(id, `{"ok":true,"defined":true,"value":${deep(20_000)}}`)),
  'a body above the limit': (id) => say(done(id, bodyOf(effect('x'.repeat(100_000))))),
  'a prototype': (id) =>
    say(done(id, '{"ok":true,"defined":true,"value":{"accessTokenClaims":{"__proto__":{"admin":true}}}}')),
  'a prototype in disguise': (id) =>
    say(done(id, '{"ok":true,"defined":true,"value":{"accessTokenClaims":[{"\\u005f_proto__":{"admin":true}}]}}')),
  'a prototype of the message': (id) =>
    raw(`${JSON.stringify(done(id)).replace('{', '{"__proto__":{"type":"ready","polluted":true},')}\n`),
  'CPU beyond all numbers': (id) => raw(`${JSON.stringify(done(id)).replace('"cpu":1', '"cpu":1e999')}\n`),
  'CPU that is text': (id) => say({ ...done(id), cpu: 'much' }),
  'CPU below zero': (id) => say({ ...done(id), cpu: -5 }),
  'CPU of a century': (id) => say({ ...done(id), cpu: Number.MAX_SAFE_INTEGER, heap: -1 }),
  'done twice': (id) => say(done(id), done(id, bodyOf(effect('lie'))), failed(id, {})),
  'failed, then done': (id) => say(failed(id, { kind: 'denied' }), done(id)),
  'done, then all else': (id) =>
    say(
      done(id),
      { type: 'log', id, level: 'info', message: 'late' },
      call(id, 1, httpCall('http://localhost/late')),
      done(id),
    ),
  // Failures.
  'an unknown kind': (id) => say(failed(id, { kind: 'victory' })),
  'a kind that is a member of objects': (id) => say(failed(id, { kind: '__proto__' })),
  'a kind that cannot be read': (id) => say(failed(id, { kind: unreadable })),
  'a message that cannot be read': (id) => say(failed(id, { message: unreadable })),
  'a message of a megabyte': (id) => say(failed(id, { message: 'x'.repeat(1_000_000) })),
  'a place below the first line': (id) => say(failed(id, { location: { file: 'callbacks.js', line: 0, column: 0 } })),
  'a place beyond the last line': (id) =>
    say(failed(id, { location: { file: 'callbacks.js', line: 1e15, column: 1e15 } })),
  'a place beyond all numbers': (id) =>
    raw(
      `${JSON.stringify(failed(id, { location: { file: 'callbacks.js', line: 7, column: 1 } })).replace('"line":7', '"line":1e999')}\n`,
    ),
  'a place far to the right': (id) => say(failed(id, { location: { file: 'callbacks.js', line: 1, column: 1e15 } })),
  'a place in another file': (id) => say(failed(id, { location: { file: '/etc/passwd', line: 1, column: 1 } })),
  'a place that cannot be read': (id) =>
    say(failed(id, { location: { file: unreadable, line: unreadable, column: unreadable } })),
  'a place that is text': (id) => say(failed(id, { location: 'callbacks.js:1:1' })),
  // There is no debugger.
  'a word for a debugger': (id) => say({ type: 'inspector', message: '{"method":"Debugger.paused"}' }, done(id)),
  'a word for a debugger that is no text': (id) => say({ type: 'inspector', message: 7 }, done(id)),
  // Logs.
  'a log that cannot be read': (id) => say({ type: 'log', id, level: 'info', message: unreadable }, done(id)),
  'a level that cannot be read': (id) => say({ type: 'log', id, level: unreadable, message: 'x' }, done(id)),
  'an unknown level': (id) => say({ type: 'log', id, level: 'fatal', message: 'x' }, done(id)),
  'a long log': (id) => say({ type: 'log', id, level: 'info', message: 'x'.repeat(1_000_000) }, done(id)),
  'more logs than are allowed': (id) =>
    say(...Array.from({ length: 500 }, () => ({ type: 'log', id, level: 'info', message: 'x' })), done(id)),
  'a flood of logs': (id) => flood(() => ({ type: 'log', id, level: 'info', message: 'x' })),
  // Calls.
  'a call that is no text': (id) => say(call(id, 1, { service: 'http' }), done(id)),
  'a call that cannot be read': (id) => say(call(id, 1, unreadable), done(id)),
  'a call without a number': (id) => say(call(id, unreadable, '{}'), done(id)),
  'a call for an unknown service': (id) => say(call(id, 1, '{"service":"__proto__"}'), done(id)),
  'a call for a service of objects': (id) => say(call(id, 1, '{"service":"constructor"}'), done(id)),
  'a call to a host that is not listed': (id) => say(call(id, 1, httpCall('http://127.0.0.1:1/secret')), done(id)),
  'a call of deeply nested JSON': (id) => say(call(id, 1, deep(100_000)), done(id)),
  'one call twice': (id) =>
    say(call(id, 1, httpCall('http://localhost/a')), call(id, 1, httpCall('http://localhost/b')), done(id)),
  'more calls than are allowed': (id) =>
    say(...Array.from({ length: 200 }, (_, n) => call(id, n, httpCall('http://localhost/a'))), done(id)),
  'a flood of calls': (id) => flood((n) => call(id, n, httpCall('http://localhost/a'))),
  'a flood of malformed calls': (id) => flood((n) => call(id, n, '{}')),
  // About others.
  'about everybody in the process and beyond': (id) =>
    say(
      ...Array.from({ length: 900 }, (_, n) => done(Math.max(0, id - 450) + n, bodyOf(effect('forged')))).filter(
        (message) => message.id !== id,
      ),
      done(id),
    ),
  'about those to come': (id) => {
    say(...Array.from({ length: 1500 }, (_, n) => done(id + 1 + n, bodyOf(effect('forged')))));
    raw('nonsense\n');
    say(...Array.from({ length: 1500 }, (_, n) => done(id + 1 + n, bodyOf(effect('forged')))));
  },
  'about nobody': () => flood((n) => done(1_000_000 + n)),
  'ready without end': () => flood(() => ({ type: 'ready' })),
  'that it is fatal': (id) => say(failed(id, { kind: 'memory', fatal: true })),
  'that it is fatal, in other words': (id) => say(failed(id, { fatal: 'true' })),
  // Ends.
  'nothing, for ever': () => undefined,
  'nothing, with its mouth shut': () => process.stdout.end(),
  'nothing, with its ears shut': () => void process.stdin.pause(),
  'the end: exit 0': () => process.exit(0),
  'the end: exit 1': () => process.exit(1),
  'the end: abort': () => process.abort(),
  'the end: a wrong address': () => process.kill(process.pid, 'SIGSEGV'),
  'the end: killed': () => process.kill(process.pid, 'SIGKILL'),
  'the end: an error': () => {
    throw new Error('end');
  },
  'the end after the truth': (id) => {
    say(done(id));
    process.exit(0);
  },
  'the truth in pieces': (id) => {
    const line = `${JSON.stringify(done(id, bodyOf(effect('trüth'))))}\n`;
    const bytes = Buffer.from(line);
    let at = 0;
    const piece = () => {
      raw(bytes.subarray(at, at + 7));
      at += 7;
      if (at < bytes.length) setImmediate(piece);
    };
    piece();
  },
};

function flood(message: (n: number) => unknown): void {
  let n = 0;
  const pour = () => {
    say(...Array.from({ length: 200 }, () => message((n += 1))));
    setImmediate(pour);
  };
  pour();
}

/** Is said in the place of a lie that is not known, so that no test passes by a misspelt name. */
const unknownLie = 'there is no such lie';

let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    const message = JSON.parse(line) as Run;
    if (message.type !== 'run') continue;
    const { request } = JSON.parse(message.input) as { request: { clientId: string } };
    if (request.clientId === 'truth') say(done(message.id));
    else if (request.clientId === 'truth, later') setTimeout(() => say(done(message.id)), 300);
    else (lies[request.clientId] ?? ((id) => say(failed(id, { message: unknownLie }))))(message.id);
  }
});
process.stdin.on('end', () => process.exit(0));
say({ type: 'ready' });
