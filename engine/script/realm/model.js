// --- lists and maps that work the Java way, too --------------------------------------------------------------------
// What all share of them is on prototypes, since making it anew would cost more than most callbacks do.
const { setPrototypeOf } = Object;
const sharedModels = [];
function shared(prototype) {
  sharedModels.push(prototype);
  return prototype;
}
const listPrototype = shared(
  hidden(create(Array.prototype), {
    size() {
      return this.length;
    },
    get(index) {
      return this[index];
    },
    isEmpty() {
      return this.length === 0;
    },
  }),
);
const list = (items) => setPrototypeOf(items, listPrototype);
const mapMethods = {
  get(name) {
    return Object.hasOwn(this, name) ? this[name] : null;
  },
  containsKey(name) {
    return Object.hasOwn(this, name);
  },
};
const mapPrototype = shared(hidden({}, mapMethods));
function map(object) {
  const made = { __proto__: mapPrototype, ...object };
  // What the entries are called is not for the tenant to say: some of them come from a provider.
  for (const name in mapMethods) if (Object.hasOwn(made, name)) defineProperty(made, name, { value: mapMethods[name] });
  return made;
}
/** A prototype with `getX()` and `setX()` for each of the properties. */
function bean(names, parent = Object.prototype) {
  const prototype = create(parent);
  for (const name of names) {
    const capital = name[0].toUpperCase() + name.slice(1);
    hidden(prototype, {
      [`get${capital}`]() {
        return this[name];
      },
      [`set${capital}`](value) {
        this[name] = value;
      },
    });
  }
  return shared(prototype);
}
function hidden(model, methods) {
  for (const name in methods) defineProperty(model, name, { value: methods[name] });
  return model;
}
const bare = (id) => StringType(id).replace(/^[A-Za-z]+\//, '');
/** A value as JSON would carry it. */
function plain(value) {
  if (value === undefined) return null;
  const text = stringify(value);
  if (text === undefined) throw new TypeError(`a ${typeof value} cannot be carried as JSON`);
  return parse(text);
}

// --- models -------------------------------------------------------------------------------------------------------
const sessionNames = ['username', 'external', 'givenName', 'familyName', 'email', 'notes', 'fhirUserUrl'];
const sessionBean = bean(
  [...sessionNames, 'authorities', 'defaultLaunchContexts', 'launchResourceIds', 'fhirContext', 'userData'],
  lacking.UserSessionDetails,
);
const authorityBean = bean(['permission', 'argument']);
const defaultContextBean = bean(['contextType', 'resourceId']);
const launchResourceBean = bean(['resourceType', 'resourceId']);
const fhirContextBean = bean(['reference', 'role']);
const authority = (entry) => ({ __proto__: authorityBean, argument: null, ...entry });
const defaultContext = (entry) => ({ __proto__: defaultContextBean, ...entry });
const launchResource = (entry) => ({ __proto__: launchResourceBean, ...entry });
const fhirContext = (entry) => ({ __proto__: fhirContextBean, role: null, ...entry });

function dressSession(data) {
  const session = create(sessionBean);
  for (const name of sessionNames) session[name] = data[name] === undefined ? null : data[name];
  session.authorities = list(data.authorities.map(authority));
  session.defaultLaunchContexts = list(data.defaultLaunchContexts.map(defaultContext));
  session.launchResourceIds = list(data.launchResourceIds.map(launchResource));
  session.fhirContext = list(data.fhirContext.map(fhirContext));
  session.userData = map(data.userData);
  const same = (entry, permission, argument) =>
    entry.permission === permission && (argument === undefined || entry.argument === argument);
  return hidden(session, {
    hasAuthority: (permission, argument) => session.authorities.some((entry) => same(entry, permission, argument)),
    addAuthority(permission, argument) {
      if (typeof permission !== 'string' || !/^[A-Z][A-Z0-9_]{1,80}$/.test(permission))
        throw new ErrorType(`unknown permission: ${show(permission)}`);
      // Said twice, as by a callback that runs again at each refresh, it is still one.
      const wanted = argument === undefined || argument === null ? null : StringType(argument);
      if (session.authorities.some((entry) => same(entry, permission, wanted))) return;
      session.authorities.push(authority({ permission, argument: wanted }));
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
        entry = defaultContext({ contextType: wanted, resourceId: null });
        session.defaultLaunchContexts.push(entry);
      }
      return entry;
    },
    addLaunchResourceId(type, id) {
      const resourceType = StringType(type).toLowerCase();
      const known = session.launchResourceIds.find((entry) => entry.resourceType.toLowerCase() === resourceType);
      if (known) known.resourceId = bare(id);
      else session.launchResourceIds.push(launchResource({ resourceType, resourceId: bare(id) }));
    },
    addFhirContext(reference, role) {
      const wanted = { reference: StringType(reference), role: role === undefined ? null : role };
      if (session.fhirContext.some((entry) => entry.reference === wanted.reference && entry.role === wanted.role))
        return;
      session.fhirContext.push(fhirContext(wanted));
    },
    getUserData: (key) => (key === undefined ? session.userData : session.userData.get(key)),
    setUserData(key, value) {
      session.userData[key] = value;
    },
  });
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

const failureBean = bean(['message', 'unknownUsername', 'incorrectPassword']);
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
      const failure = { __proto__: failureBean, message: null, unknownUsername: false, incorrectPassword: false };
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
const signedTokenBean = bean(['header', 'claims']);
function signedToken({ header, claims }) {
  return hidden({ __proto__: signedTokenBean, header: map(header), claims: map(claims) }, claimsReader(claims));
}

const contextNames = ['moduleId', 'startTime', 'remoteAddress', 'headers', 'nodeId', 'remoteScheme'];
const contextBean = bean(contextNames);
const registrationBean = bean(['startTime', 'remoteAddress', 'phone', 'clientId']);
const federatedContextBean = bean([...contextNames, 'approvedScopes']);
const serverBean = bean(['id', 'name', 'issuer'], lacking.OAuth2Server);
const codapRequestBean = bean([
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
]);
const passwordRequestBean = bean(['username', 'password', 'remoteAddress', 'headers']);
const tokenRequestBean = bean(['clientId', 'memberId', 'grantType', 'requestedScopes', 'approvedScopes']);
const clientBean = bean(['clientId', 'clientName', 'scopes', 'grantTypes', 'permissions'], lacking.ClientDetails);
const authorizedBean = bean([
  'clientId',
  'username',
  'grantType',
  'accessToken',
  'grantedScopes',
  'claims',
  'launchParameters',
  'requestingPractitioner',
]);

/** For each hook: its arguments, and how its effect is read off them and the answer. */
const hooks = {
  onAuthenticateSuccess(input) {
    const session = dressSession(input.session);
    const factory = outcomeFactory();
    const { claims, approvedScopes, ...rest } = input.context;
    const context = { ...rest, headers: map({}), nodeId: null, remoteScheme: null };
    // Scripts ask whether `getClaim` is there to tell a provider's log-in from one with a password.
    if (ownKeys(claims).length > 0) {
      hidden(context, { ...claimsReader(claims), hasApprovedScope: (scope) => approvedScopes.includes(scope) });
      context.approvedScopes = list([...approvedScopes]);
      setPrototypeOf(context, federatedContextBean);
    } else setPrototypeOf(context, contextBean);
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
      args: [map(input.claims), { __proto__: serverBean, ...input.server }],
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
    const headers = map(request.headers);
    const model =
      'password' in request
        ? { __proto__: passwordRequestBean, ...request, headers }
        : {
            __proto__: codapRequestBean,
            ...request,
            requestedScopes: list(request.requestedScopes),
            headers,
            authenticationToken: signedToken(request.authenticationToken),
            authorizationToken: signedToken(request.authorizationToken),
          };
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
      __proto__: tokenRequestBean,
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
    defineProperty(request, 'requestParameters', { get: request.getRequestParameters });
    const client = {
      __proto__: clientBean,
      ...input.client,
      scopes: list(input.client.scopes),
      grantTypes: list(input.client.grantTypes),
      permissions: list(input.client.permissions),
    };
    return {
      args: [session, request, client],
      effect: () => ({
        session: session === null ? null : readSession(session),
        ...made,
        approvedScopes: [...approved],
      }),
    };
  },
  onSelfRegistration(input) {
    const session = dressSession(input.session);
    const factory = outcomeFactory();
    return {
      args: [session, factory.make, { __proto__: registrationBean, ...input.context }],
      effect(answer) {
        if (factory.isFailure(answer)) return { session: readSession(session), failure: readFailure(answer) };
        if (answer !== session && answer !== undefined && answer !== null)
          throw new TypeError('onSelfRegistration answers the session, a failure or nothing');
        return { session: readSession(session) };
      },
    };
  },
  onPostAuthorize(input) {
    const details = {
      __proto__: authorizedBean,
      username: null,
      requestingPractitioner: null,
      ...input,
      grantedScopes: list(input.grantedScopes),
      claims: map(input.claims),
      launchParameters: map(input.launchParameters),
    };
    return { args: [details], effect: () => ({}) };
  },
};
