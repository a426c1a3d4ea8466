// Runs once in each isolate, before any tenant's code. `$0` and `$1` ask the engine (waiting, awaited), `$2` logs.
// Everything a script sees is made here, from JSON, and all of it is gone after the invocation.
'use strict';
const ask = $0;
const askLater = $1;
const tell = $2;
const { parse, stringify } = JSON;
const { defineProperty, freeze, getOwnPropertyDescriptor, getPrototypeOf } = Object;
const { ownKeys } = Reflect;
const ErrorType = Error;
const StringType = String;

// --- what scripts must not have -------------------------------------------------------------------------------
for (const name of ['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'FinalizationRegistry', 'WeakRef', 'console'])
  delete globalThis[name];
const noCode = function () {
  throw new TypeError('making code from text is not allowed in callbacks');
};
for (const sample of [function () {}, async function () {}, function* () {}, async function* () {}]) {
  defineProperty(getPrototypeOf(sample), 'constructor', { value: noCode });
}
globalThis.Function = noCode;
globalThis.eval = noCode;

// --- one invocation's own state ---------------------------------------------------------------------------------
let factory;
let implicit = [];
let current;

function log(level, parts) {
  if (!current || current.lines >= current.logLines) return;
  current.lines += 1;
  const message = parts.map((part) => (typeof part === 'string' ? part : show(part))).join(' ');
  tell.applyIgnored(undefined, [level, message.slice(0, 2000)]);
}
function show(value) {
  try {
    return typeof value === 'object' && value !== null ? stringify(value) : StringType(value);
  } catch {
    return '[object]';
  }
}
const levels = { debug: 'debug', info: 'info', log: 'info', warn: 'warn', error: 'error' };
function logger() {
  const made = {};
  for (const name in levels) made[name] = (...parts) => log(levels[name], parts);
  return made;
}

// --- lists and maps that work the Java way, too --------------------------------------------------------------------
function list(items) {
  defineProperty(items, 'size', { value: () => items.length });
  defineProperty(items, 'get', { value: (index) => items[index] });
  defineProperty(items, 'isEmpty', { value: () => items.length === 0 });
  return items;
}
function map(object) {
  const made = { ...object };
  defineProperty(made, 'get', { value: (name) => (Object.hasOwn(made, name) ? made[name] : null) });
  defineProperty(made, 'containsKey', { value: (name) => Object.hasOwn(made, name) });
  return made;
}
/** Gives a model `getX()` and `setX()` beside each of its properties. */
function bean(model, names) {
  for (const name of names) {
    const capital = name[0].toUpperCase() + name.slice(1);
    if (!(`get${capital}` in model)) defineProperty(model, `get${capital}`, { value: () => model[name] });
    if (!(`set${capital}` in model)) {
      defineProperty(model, `set${capital}`, {
        value: (value) => {
          model[name] = value;
        },
      });
    }
  }
  return model;
}
function hidden(model, methods) {
  for (const name in methods) defineProperty(model, name, { value: methods[name] });
  return model;
}
const bare = (id) => StringType(id).replace(/^[A-Za-z]+\//, '');
const plain = (value) => (value === undefined ? null : parse(stringify(value)));

// --- models -------------------------------------------------------------------------------------------------------
const sessionNames = ['username', 'external', 'givenName', 'familyName', 'email', 'notes', 'fhirUserUrl'];

function dressSession(data) {
  const session = {};
  for (const name of sessionNames) session[name] = data[name] === undefined ? null : data[name];
  session.authorities = list(
    data.authorities.map((entry) => bean({ argument: null, ...entry }, ['permission', 'argument'])),
  );
  session.defaultLaunchContexts = list(
    data.defaultLaunchContexts.map((entry) => bean({ ...entry }, ['contextType', 'resourceId'])),
  );
  session.launchResourceIds = list(
    data.launchResourceIds.map((entry) => bean({ ...entry }, ['resourceType', 'resourceId'])),
  );
  session.fhirContext = list(data.fhirContext.map((entry) => bean({ role: null, ...entry }, ['reference', 'role'])));
  session.userData = map(data.userData);
  const same = (entry, permission, argument) =>
    entry.permission === permission && (argument === undefined || entry.argument === argument);
  hidden(session, {
    hasAuthority: (permission, argument) => session.authorities.some((entry) => same(entry, permission, argument)),
    addAuthority(permission, argument) {
      if (typeof permission !== 'string' || !/^[A-Z][A-Z0-9_]{1,80}$/.test(permission))
        throw new ErrorType(`unknown permission: ${show(permission)}`);
      // Said twice, as by a callback that runs again at each refresh, it is still one.
      const wanted = argument === undefined || argument === null ? null : StringType(argument);
      if (session.authorities.some((entry) => same(entry, permission, wanted))) return;
      session.authorities.push(bean({ permission, argument: wanted }, ['permission', 'argument']));
    },
    removeAuthority(permission, argument) {
      for (let index = session.authorities.length - 1; index >= 0; index -= 1) {
        if (same(session.authorities[index], permission, argument)) session.authorities.splice(index, 1);
      }
    },
    getOrCreateDefaultLaunchContext(type) {
      const wanted = StringType(type);
      let entry = session.defaultLaunchContexts.find(
        ({ contextType }) => contextType.toLowerCase() === wanted.toLowerCase(),
      );
      if (!entry) {
        entry = bean({ contextType: wanted, resourceId: null }, ['contextType', 'resourceId']);
        session.defaultLaunchContexts.push(entry);
      }
      return entry;
    },
    addLaunchResourceId(type, id) {
      const resourceType = StringType(type).toLowerCase();
      const known = session.launchResourceIds.find((entry) => entry.resourceType.toLowerCase() === resourceType);
      if (known) known.resourceId = bare(id);
      else session.launchResourceIds.push(bean({ resourceType, resourceId: bare(id) }, ['resourceType', 'resourceId']));
    },
    addFhirContext(reference, role) {
      const wanted = { reference: StringType(reference), role: role === undefined ? null : role };
      if (session.fhirContext.some((entry) => entry.reference === wanted.reference && entry.role === wanted.role))
        return;
      session.fhirContext.push(bean(wanted, ['reference', 'role']));
    },
    getUserData: (key) => (key === undefined ? session.userData : session.userData.get(key)),
    setUserData(key, value) {
      session.userData[key] = value;
    },
  });
  return bean(session, [
    ...sessionNames,
    'authorities',
    'defaultLaunchContexts',
    'launchResourceIds',
    'fhirContext',
    'userData',
  ]);
}
function dropNull(object) {
  const kept = {};
  for (const name of ownKeys(object))
    if (object[name] !== null && object[name] !== undefined) kept[name] = object[name];
  return kept;
}
function readSession(session, identity = session) {
  const read = {};
  for (const name of sessionNames) read[name] = session[name];
  return {
    ...dropNull(read),
    username: session.username || identity.username || '',
    external: identity.external === true,
    authorities: session.authorities.map((entry) =>
      dropNull({ permission: entry.permission, argument: entry.argument }),
    ),
    defaultLaunchContexts: session.defaultLaunchContexts
      .filter((entry) => entry.resourceId !== null)
      .map(({ contextType, resourceId }) => ({ contextType, resourceId })),
    launchResourceIds: session.launchResourceIds.map(({ resourceType, resourceId }) => ({
      resourceType,
      resourceId: bare(resourceId),
    })),
    fhirContext: session.fhirContext.map(({ reference, role }) => dropNull({ reference, role })),
    userData: { ...session.userData },
  };
}
const emptySession = {
  username: '',
  external: true,
  authorities: [],
  defaultLaunchContexts: [],
  launchResourceIds: [],
  fhirContext: [],
  userData: {},
};

function outcomeFactory() {
  const failures = [];
  const successes = [];
  const make = {
    newSuccess() {
      const session = dressSession(emptySession);
      successes.push(session);
      return session;
    },
    newFailure() {
      const failure = bean({ message: null, unknownUsername: false, incorrectPassword: false }, [
        'message',
        'unknownUsername',
        'incorrectPassword',
      ]);
      failures.push(failure);
      return failure;
    },
  };
  return { make, isFailure: (value) => failures.includes(value), isSuccess: (value) => successes.includes(value) };
}
function readFailure(failure) {
  return {
    ...(failure.message === null ? {} : { message: StringType(failure.message).slice(0, 1000) }),
    ...(failure.unknownUsername === true ? { unknownUsername: true } : {}),
    ...(failure.incorrectPassword === true ? { incorrectPassword: true } : {}),
  };
}
function claimsReader(claims) {
  const at = (name) => (Object.hasOwn(claims, name) ? claims[name] : null);
  return {
    getClaim: at,
    getStringClaim: (name) => (at(name) === null ? null : StringType(at(name))),
    getStringArrayClaim: (name) =>
      list((Array.isArray(at(name)) ? at(name) : at(name) === null ? [] : [at(name)]).map(StringType)),
  };
}
function signedToken({ header, claims }) {
  return bean(hidden({ header: map(header), claims: map(claims) }, claimsReader(claims)), ['header', 'claims']);
}

/** For each hook: its arguments, and how its effect is read off them and the answer. */
const hooks = {
  onAuthenticateSuccess(input) {
    const session = dressSession(input.session);
    const factory = outcomeFactory();
    const { claims, approvedScopes, ...rest } = input.context;
    const context = bean({ ...rest, headers: map({}) }, ['moduleId', 'startTime', 'remoteAddress', 'headers']);
    hidden(context, {
      ...claimsReader(claims),
      getApprovedScopes: () => list([...approvedScopes]),
      hasApprovedScope: (scope) => approvedScopes.includes(scope),
    });
    return {
      args: [session, factory.make, context],
      effect(answer) {
        if (factory.isFailure(answer)) return { session: readSession(session), failure: readFailure(answer) };
        // A success made by the factory replaces the session: the script may have meant it to hold less.
        if (factory.isSuccess(answer))
          return { session: readSession(answer, { username: session.username, external: session.external }) };
        if (answer !== session && answer !== undefined && answer !== null)
          throw new TypeError('onAuthenticateSuccess answers the session, a success, a failure or nothing');
        return { session: readSession(session) };
      },
    };
  },
  getUserName(input) {
    return {
      args: [map(input.claims), bean({ ...input.server }, ['id', 'name', 'issuer'])],
      // Any other object would name everybody alike.
      effect(answer) {
        if (typeof answer !== 'string' && typeof answer !== 'number')
          throw new TypeError('getUserName answers the user name as a string');
        return { username: StringType(answer) };
      },
    };
  },
  authenticate({ request }) {
    const factory = outcomeFactory();
    const names = [
      'requestingPractitioner',
      'requestedRecord',
      'requestedScopes',
      'reasonForRequest',
      'acr',
      'issuer',
      'clientId',
      'remoteAddress',
      'headers',
      'authenticationToken',
      'authorizationToken',
    ];
    const model = bean(
      {
        ...request,
        requestedScopes: list(request.requestedScopes),
        headers: map(request.headers),
        authenticationToken: signedToken(request.authenticationToken),
        authorizationToken: signedToken(request.authorizationToken),
      },
      names,
    );
    return {
      args: [model, factory.make],
      effect(answer) {
        if (factory.isSuccess(answer)) return { session: readSession(answer) };
        if (factory.isFailure(answer)) return { failure: readFailure(answer) };
        if (answer === undefined || answer === null) return { failure: {} };
        throw new TypeError('authenticate answers a success or a failure of the factory');
      },
    };
  },
  onSmartLoginPreContextSelection(input) {
    const session = dressSession(input.session);
    const offered = list(input.choices);
    const state = { required: undefined };
    const choices = hidden(
      { choices: offered },
      {
        haveChoices: () => offered.length > 0,
        addChoice(choice) {
          if (!choice || typeof choice !== 'object')
            throw new ErrorType('addChoice needs an object with contextType, resourceId and display');
          offered.push({ ...plain(choice), resourceId: bare(choice.resourceId) });
        },
        clear() {
          offered.length = 0;
        },
        setRequired(required) {
          state.required = required === true;
        },
        getChoices: () => offered,
      },
    );
    return {
      args: [session, choices],
      effect: () => ({
        session: readSession(session),
        choices: [...offered],
        // Who offers choices wants one picked, unless the script says otherwise.
        required: state.required ?? (offered.length > 0 || input.required),
      }),
    };
  },
  onTokenGenerating(input) {
    const session = input.session === null ? null : dressSession(input.session);
    const made = { accessTokenClaims: {}, idTokenClaims: {}, launchParameters: {} };
    const approved = [...input.request.approvedScopes];
    const { launch, audience, memberId, requestParameters, ...rest } = input.request;
    const request = {
      ...rest,
      memberId: memberId === undefined ? null : memberId,
      approvedScopes: list(approved),
      requestedScopes: list(rest.requestedScopes),
    };
    const parameters = map(requestParameters);
    hidden(request, {
      getLaunch: () => (launch === undefined ? null : launch),
      getAudience: () => (audience === undefined ? null : audience),
      getRequestParameters: () => parameters,
      addAccessTokenClaim(name, value) {
        made.accessTokenClaims[name] = plain(value);
      },
      addIdTokenClaim(name, value) {
        made.idTokenClaims[name] = plain(value);
      },
      addLaunchParameter(name, value) {
        made.launchParameters[name] = plain(value);
      },
      addScope(scope) {
        if (!approved.includes(scope)) approved.push(StringType(scope));
      },
      removeScope(scope) {
        const index = approved.indexOf(scope);
        if (index >= 0) approved.splice(index, 1);
      },
    });
    defineProperty(request, 'launch', { get: request.getLaunch });
    defineProperty(request, 'audience', { get: request.getAudience });
    bean(request, ['clientId', 'memberId', 'grantType', 'requestedScopes', 'approvedScopes']);
    const client = bean(
      {
        ...input.client,
        scopes: list(input.client.scopes),
        grantTypes: list(input.client.grantTypes),
        permissions: list(input.client.permissions),
      },
      ['clientId', 'clientName', 'scopes', 'grantTypes', 'permissions'],
    );
    return {
      args: [session, request, client],
      effect: () => ({
        session: session === null ? null : readSession(session),
        ...made,
        approvedScopes: [...approved],
      }),
    };
  },
  onPostAuthorize(input) {
    const names = [
      'clientId',
      'username',
      'grantType',
      'accessToken',
      'grantedScopes',
      'claims',
      'launchParameters',
      'requestingPractitioner',
    ];
    const details = {
      username: null,
      requestingPractitioner: null,
      ...input,
      grantedScopes: list(input.grantedScopes),
      claims: map(input.claims),
      launchParameters: map(input.launchParameters),
    };
    return { args: [bean(details, names)], effect: () => ({}) };
  },
};

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
    const wanted = { method, url: StringType(url), headers: {} };
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
      setContentJson(value) {
        wanted.body = stringify(value);
        wanted.headers['content-type'] = 'application/json';
        return made;
      },
      execute() {
        const answer = parse(ask.applySyncPromise(undefined, [stringify(wanted)]));
        return {
          isSuccess: () => answer.ok && answer.status >= 200 && answer.status < 300,
          getFailureMessage: () =>
            answer.ok
              ? answer.status >= 200 && answer.status < 300
                ? null
                : `HTTP status ${answer.status}`
              : answer.message,
          getStatusCode: () => (answer.ok ? answer.status : null),
          getResponseString: () => (answer.ok ? answer.body : null),
          getResponseHeader: (name) => (answer.ok ? (answer.headers[StringType(name).toLowerCase()] ?? null) : null),
          parseResponseAsJson: () => parse(answer.body),
        };
      },
    };
    return made;
  };
  return {
    get: request('GET'),
    post: request('POST'),
    put: request('PUT'),
    head: request('HEAD'),
    delete: request('DELETE'),
  };
}
async function fetchHelper(url, init = {}) {
  const wanted = {
    method: StringType(init.method ?? 'GET').toUpperCase(),
    url: StringType(url),
    headers: { ...init.headers },
    ...(init.body === undefined ? {} : { body: StringType(init.body) }),
  };
  const answer = parse(await askLater.apply(undefined, [stringify(wanted)], { result: { promise: true, copy: true } }));
  if (!answer.ok) throw new TypeError(`fetch failed: ${answer.message}`);
  return {
    ok: answer.status >= 200 && answer.status < 300,
    status: answer.status,
    headers: { get: (name) => answer.headers[StringType(name).toLowerCase()] ?? null },
    text: async () => answer.body,
    json: async () => parse(answer.body),
  };
}
function helpers(environment) {
  const read = (name) => (Object.hasOwn(environment, name) ? environment[name] : null);
  return {
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
    deny: denier(current),
  };
}

/** Ends the flow by the script's decision. It stays one where the script catches what is thrown here. */
function denier(invocation) {
  return function deny(reason) {
    const decision = new ErrorType(reason === undefined || reason === null ? 'denied' : show(reason));
    invocation.denied ??= decision;
    throw decision;
  };
}

/** Names a script assigns without declaring them end here, and vanish with the invocation. */
function freshScope(environment) {
  const own = helpers(environment);
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

// --- freeze all that invocations share -------------------------------------------------------------------------------
function mend(object, names) {
  // A frozen property forbids objects that inherit it to have their own by assignment; an accessor allows it.
  for (const name of names) {
    const found = getOwnPropertyDescriptor(object, name);
    if (!found || !('value' in found) || !found.configurable) continue;
    const { value } = found;
    defineProperty(object, name, {
      configurable: false,
      enumerable: found.enumerable,
      get: () => value,
      set(own) {
        if (this === object) throw new TypeError(`${StringType(name)} of a shared object cannot be changed`);
        defineProperty(this, name, { value: own, writable: true, enumerable: true, configurable: true });
      },
    });
  }
}
mend(
  Object.prototype,
  ownKeys(Object.prototype).filter((name) => name !== '__proto__'),
);
for (const type of [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError])
  mend(type.prototype, ['name', 'message', 'toString', 'constructor']);
mend(Function.prototype ?? getPrototypeOf(noCode), ['name', 'toString', 'bind', 'call', 'apply']);
mend(Array.prototype, ['toString', 'constructor']);
mend(Date.prototype, ['toString', 'toJSON']);
mend(Promise.prototype, ['constructor']);
ErrorType.stackTraceLimit = 20;
defineProperty(ErrorType, 'prepareStackTrace', { value: undefined, writable: false, configurable: false });
const seen = new Set();
function harden(value) {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return;
  seen.add(value);
  if (value !== globalThis) freeze(value);
  harden(getPrototypeOf(value));
  for (const name of ownKeys(value)) {
    const found = getOwnPropertyDescriptor(value, name);
    for (const part of [found.value, found.get, found.set]) harden(part);
  }
}
harden(globalThis);
for (const sample of [
  async function () {},
  function* () {},
  async function* () {},
  [][Symbol.iterator](),
  new Map()[Symbol.iterator](),
  new Set()[Symbol.iterator](),
  ''[Symbol.iterator](),
  /a/[Symbol.matchAll](''),
]) {
  let object = sample;
  while (object !== null) {
    harden(object);
    object = getPrototypeOf(object);
  }
}

const functionNames = Object.keys(hooks);
return {
  install(made, names) {
    factory = made;
    implicit = parse(names);
  },
  seal() {
    freeze(globalThis);
  },
  functions() {
    current = { lines: 0, logLines: 0 };
    const found = factory(freshScope({}));
    return stringify(
      Object.keys(found)
        .filter((name) => typeof found[name] === 'function')
        .map((name) => ({ name, parameters: found[name].length })),
    );
  },
  async invoke(hook, input, environment, logLines) {
    const invocation = { lines: 0, logLines, denied: undefined };
    current = invocation;
    let phase = 'runtime';
    try {
      const found = factory(freshScope(parse(environment)))[hook];
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
  functionNames,
};
