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

return {
  /** `text` is JSON: style, imports by the numbers of parts (-1 is the host module), names a classic script assigns. */
  install(text, ...factories) {
    program = { ...parse(text), factories };
    // A script finds the function around it by `arguments.callee.caller`.
    for (const factory of factories) harden(factory);
    sealGlobal();
  },
  left: () => asked,
  functions() {
    forgetMatches();
    current = { lines: 0, logLines: 0, denied: undefined };
    const found = evaluate(helpers({ environment: {}, secrets: {}, deniedSecrets: [] }));
    const functions = Object.keys(found)
      .filter((name) => typeof found[name] === 'function')
      .map((name) => ({ name, parameters: found[name].length }));
    return stringify({ ok: true, functions });
  },
  async invoke(hook, input, given, logLines) {
    const invocation = { lines: 0, logLines, denied: undefined };
    current = invocation;
    forgetMatches();
    let phase = 'runtime';
    try {
      const found = evaluate(helpers(parse(given)))[hook];
      if (typeof found !== 'function') return stringify({ ok: true, defined: false, value: null });
      const { args, effect } = hooks[hook](parse(input));
      let answer = found(...args);
      if (typeof answer === 'object' && answer !== null && typeof answer.then === 'function') answer = await answer;
      if (invocation.denied) throw invocation.denied;
      phase = 'shape';
      return stringify({ ok: true, defined: true, value: effect(answer) });
    } catch (error) {
      const { denied } = invocation;
      return denied
        ? stringify({ ok: false, kind: 'denied', error: flatten(denied) })
        : stringify({ ok: false, kind: phase, error: flatten(error) });
    } finally {
      current = undefined;
    }
  },
};
