// --- errors, flattened whatever a script throws ---------------------------------------------------------------------
function flatten(error) {
  const text = (read) => {
    try {
      const value = read();
      return typeof value === 'string' ? value : '';
    } catch {
      return '';
    }
  };
  const isObject = typeof error === 'object' && error !== null;
  return {
    message: (isObject ? text(() => error.message) : show(error)).slice(0, 1000),
    name: isObject ? text(() => error.name).slice(0, 100) : '',
    stack: isObject ? text(() => error.stack).slice(0, 4000) : '',
  };
}

/** `RegExp.$1` and its like keep what was matched last, which may be another person's. */
function forgetMatches() {
  /(?:)/.exec('');
}

// The outermost objects are written by hand: a script may have given all objects a `toJSON`, and what it decided must not
// turn into something else by it.
const quote = (text) => stringify(typeof text === 'string' ? text : '');
function failureText(kind, { name, message, stack }) {
  const error = `{"name":${quote(name)},"message":${quote(message)},"stack":${quote(stack)}}`;
  return `{"ok":false,"kind":${quote(kind)},"error":${error}}`;
}

async function invoke(invocation, hook, input, given) {
  current = invocation;
  formatsBefore = formats;
  forgetMatches();
  let phase = 'runtime';
  try {
    const found = evaluate(helpers(parse(given)))[hook];
    if (typeof found !== 'function') return '{"ok":true,"defined":false,"value":null}';
    const { args, effect } = hooks[hook](parse(input));
    let answer = found(...args);
    if (typeof answer === 'object' && answer !== null && typeof answer.then === 'function') answer = await answer;
    if (invocation.denied) throw invocation.denied;
    phase = 'shape';
    const value = stringify(effect(answer));
    // Reading the effect may have run more of the script.
    if (invocation.denied) throw invocation.denied;
    if (typeof value !== 'string') throw new TypeError('the result is no JSON');
    return `{"ok":true,"defined":true,"value":${value}}`;
  } catch (error) {
    const { denied } = invocation;
    return denied ? failureText('denied', flatten(denied)) : failureText(phase, flatten(error));
  } finally {
    current = undefined;
  }
}
/** Whether the isolate has served its time: something of the invocation may go on, or it holds what only its end frees. */
const spent = () => asked > 0 || formats > mostFormatsOfIsolate;
const invocationOf = (logLines) => ({ lines: 0, logLines, denied: undefined });
/** What ran on the process's own thread last: `{invocation, body}`, without `body` while it is not done. */
let direct;

return {
  /** `text` is JSON: style, imports by the numbers of parts (-1 is the host module), names a classic script assigns. */
  install(text, ...factories) {
    program = { ...parse(text), factories };
    // A script finds the function around it by `arguments.callee.caller`.
    for (const factory of factories) harden(factory);
    sealGlobal();
  },
  spent,
  functions() {
    forgetMatches();
    current = invocationOf(0);
    const found = evaluate(helpers({ environment: {}, secrets: {}, deniedSecrets: [] }));
    const functions = Object.keys(found)
      .filter((name) => typeof found[name] === 'function')
      .map((name) => ({ name, parameters: found[name].length }));
    return stringify({ ok: true, functions });
  },
  invoke: (hook, input, given, logLines) => invoke(invocationOf(logLines), hook, input, given),
  /** Invokes on the process's own thread; what it awaits has come when this is done, or will not come here. */
  begin(hook, input, given, logLines) {
    const invocation = { ...invocationOf(logLines), kept: [], asked: false };
    const begun = { invocation, body: undefined };
    direct = begun;
    invoke(invocation, hook, input, given).then((body) => {
      begun.body = body;
    });
  },
  /**
   * What came of it: a line of JSON with what was logged and whether the isolate has served its time, then what `invoke`
   * answers. Only `asked` when it wanted what only the engine has, and nothing when it is not done.
   */
  finish() {
    const { invocation, body } = direct;
    direct = undefined;
    if (typeof body !== 'string') return '';
    if (invocation.asked) return 'asked';
    return `${stringify({ logs: invocation.kept, spent: spent() })}\n${body}`;
  },
};
