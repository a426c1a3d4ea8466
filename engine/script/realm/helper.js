// --- helpers ------------------------------------------------------------------------------------------------------
const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
function utf8(text) {
  return unescape(encodeURIComponent(text));
}
function base64Encode(value) {
  const bytes = utf8(StringType(value));
  let text = '';
  for (let index = 0; index < bytes.length; index += 3) {
    const [a, b, c] = [bytes.charCodeAt(index), bytes.charCodeAt(index + 1), bytes.charCodeAt(index + 2)];
    text +=
      digits[a >> 2] +
      digits[((a & 3) << 4) | (b >> 4)] +
      (b !== b ? '=' : digits[((b & 15) << 2) | (c >> 6)]) +
      (c !== c ? '=' : digits[c & 63]);
  }
  return text;
}
function base64Decode(value) {
  const text = StringType(value)
    .replace(/-/g, '+')
    .replace(/_/g, '/')
    .replace(/[=\s]+$/g, '');
  let bytes = '';
  let bits = 0;
  let held = 0;
  for (const digit of text) {
    const number = digits.indexOf(digit);
    if (number < 0) throw new ErrorType('this text is not base64');
    bits = (bits << 6) | number;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes += StringType.fromCharCode((bits >> held) & 255);
    }
  }
  try {
    return decodeURIComponent(escape(bytes));
  } catch {
    return bytes;
  }
}
function httpHelper() {
  const request = (method) => (url) => {
    const wanted = { service: 'http', method, url: StringType(url), headers: {} };
    let answer;
    const answered = () => {
      if (!answer) throw new ErrorType('the request has no answer yet: call execute() first');
      return answer;
    };
    const well = () => answered().ok && answer.status >= 200 && answer.status < 300;
    const made = {
      addRequestHeader(name, value) {
        wanted.headers[StringType(name)] = StringType(value);
        return made;
      },
      setContentType(type) {
        wanted.headers['content-type'] = StringType(type);
        return made;
      },
      setContentString(text) {
        wanted.body = StringType(text);
        return made;
      },
      setRequestBody: (text) => made.setContentString(text),
      setContentJson(value) {
        wanted.body = stringify(value);
        wanted.headers['content-type'] = 'application/json';
        return made;
      },
      setBasicAuth(username, password) {
        wanted.headers.authorization = `Basic ${base64Encode(`${StringType(username)}:${StringType(password)}`)}`;
        return made;
      },
      setTimeoutMilliseconds(milliseconds) {
        wanted.timeoutMilliseconds = Number(milliseconds);
        return made;
      },
      execute() {
        answer = askNow(wanted);
        // The answer stands on the request itself, which is how Smile CDR scripts read it.
        return made;
      },
      isSuccess: well,
      getFailureMessage: () => (well() ? null : answer.ok ? `HTTP status ${answer.status}` : answer.message),
      getStatusCode: () => (answered().ok ? answer.status : null),
      getResponseString: () => (answered().ok ? answer.body : null),
      getResponseHeader: (name) => (answered().ok ? (answer.headers[StringType(name).toLowerCase()] ?? null) : null),
      parseResponseAsJson() {
        if (!answered().ok) throw new ErrorType(`there is no answer to read: ${answer.message}`);
        return parse(answer.body);
      },
      getResponseAsJson: () => made.parseResponseAsJson(),
    };
    return made;
  };
  return {
    get: request('GET'),
    post: request('POST'),
    put: request('PUT'),
    patch: request('PATCH'),
    head: request('HEAD'),
    delete: request('DELETE'),
  };
}
async function fetchHelper(resource, init = {}) {
  const method = StringType(init.method ?? 'GET').toUpperCase();
  const headers = new Headers(init.headers);
  const { body } = init;
  if (body instanceof URLSearchParams && !headers.has('content-type'))
    headers.set('content-type', 'application/x-www-form-urlencoded;charset=UTF-8');
  const answer = await askLater({
    service: 'http',
    method,
    url: StringType(resource),
    headers: Object.fromEntries(headers),
    ...(body === undefined || body === null ? {} : { body: StringType(body) }),
  });
  if (!answer.ok) throw new TypeError(`fetch failed: ${answer.message}`);
  return {
    ok: answer.status >= 200 && answer.status < 300,
    status: answer.status,
    url: StringType(resource),
    headers: new Headers(answer.headers),
    text: async () => answer.body,
    json: async () => parse(answer.body),
  };
}

/** The tenant's secrets, by name. Which of them a hook may read, the engine decided before it sent any. */
function secretReader(secrets, denied) {
  return (name) => {
    const wanted = StringType(name);
    if (Object.hasOwn(secrets, wanted)) return secrets[wanted];
    throw new ErrorType(
      denied.includes(wanted)
        ? `the secret ${wanted} is not for this hook: name the hook in secrets.${wanted}.hooks`
        : `there is no secret ${wanted}`,
    );
  };
}

/** A clock that stands, for cases that must come out the same each time. */
function stillDate(now) {
  return class Date extends DateType {
    constructor(...given) {
      super(...(given.length === 0 ? [now] : given));
    }
    static now() {
      return now;
    }
  };
}
/** The same numbers each time (mulberry32). */
function stillMath(seed) {
  let state = seed >>> 0;
  return Object.create(MathObject, {
    random: {
      value() {
        state = (state + 0x6d2b79f5) >>> 0;
        let mixed = MathObject.imul(state ^ (state >>> 15), state | 1);
        mixed ^= mixed + MathObject.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
      },
    },
  });
}

/** The globals of one invocation. */
function helpers({ environment, secrets, deniedSecrets, now }) {
  const read = (name) => (Object.hasOwn(environment, name) ? environment[name] : null);
  const made = {
    Log: logger(),
    console: logger(),
    println: (...parts) => log('info', parts),
    Http: httpHelper(),
    fetch: fetchHelper,
    Base64: { encode: base64Encode, decode: base64Decode },
    Converter: {
      base64Encode,
      base64Decode,
      urlEncodeString: (text) => encodeURIComponent(StringType(text)),
      urlDecodeString: (text) => decodeURIComponent(StringType(text)),
    },
    Environment: { getEnv: read, getProperty: read },
    Secrets: { get: secretReader(secrets, deniedSecrets) },
    deny: denier(current),
    ...fhirHelpers(),
    ...webHelpers(),
    Date: now === undefined ? Date : stillDate(now),
    Math: now === undefined ? Math : stillMath(now),
  };
  made.Uuid = { randomUuid: made.crypto.randomUUID };
  return made;
}

/** One function each for all invocations. */
const sharedHelpers = [fetchHelper, base64Encode, base64Decode, askLater, askNow, askLocal];

/** What library modules import beside each other. */
function hostModule({ Secrets }) {
  return { ask: askLater, askNow, askLocal, secretOf: Secrets.get };
}

/** Ends the flow by the script's decision. It stays one where the script catches what is thrown here. */
function denier(invocation) {
  return function deny(reason) {
    const decision = new ErrorType(reason === undefined || reason === null ? 'denied' : show(reason));
    invocation.denied ??= decision;
    throw decision;
  };
}

/**
 * What a classic script knows as `globalThis` and as `this` outside of functions: the invocation's own, before the shared
 * one. What is put there is a name everywhere, and vanishes.
 */
function globalOf(own) {
  own.globalThis = new Proxy(own, {
    has: (target, name) => name in target || name in globalThis,
    get: (target, name) => (name in target ? target[name] : globalThis[name]),
  });
  return own.globalThis;
}

/** Names a script assigns without declaring them end here, and vanish with the invocation. */
function scopeOf(own) {
  const implicit = program.assignedNames;
  return new Proxy(own, {
    // Other unknown names stay unknown, so that `typeof name` and a misspelt name behave as everywhere.
    has: (target, name) =>
      typeof name === 'string' && (name in target || name === '__scope' || implicit.includes(name)),
    get: (target, name) =>
      name === Symbol.unscopables
        ? undefined
        : name in target
          ? target[name]
          : name === '__scope'
            ? undefined
            : globalThis[name],
  });
}

/** Evaluates the program afresh: the hooks by their names. */
function evaluate(globals) {
  const { style, factories, imports } = program;
  if (style === 'classic') return apply(factories[0], globalOf(globals), [scopeOf(globals)]);
  const made = [];
  const host = hostModule(globals);
  factories.forEach((factory, index) => {
    const own = imports[index];
    const bring = (number) => (typeof number !== 'number' ? undefined : own[number] < 0 ? host : made[own[number]]);
    made[index] = factory(bring, globals);
  });
  return made.at(-1);
}
