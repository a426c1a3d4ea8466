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
/** A value as JSON would carry it. */
function plain(value) {
  if (value === undefined) return null;
  const text = stringify(value);
  if (text === undefined) throw new TypeError(`a ${typeof value} cannot be carried as JSON`);
  return parse(text);
}

// --- models -------------------------------------------------------------------------------------------------------
const sessionNames = ['username', 'external', 'givenName', 'familyName', 'email', 'notes', 'fhirUserUrl'];

function dressSession(data) {
  const session = create(lacking.UserSessionDetails);
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
    const names = ['moduleId', 'startTime', 'remoteAddress', 'headers', 'nodeId', 'remoteScheme'];
    const context = { ...rest, headers: map({}), nodeId: null, remoteScheme: null };
    // Scripts ask whether `getClaim` is there to tell a provider's log-in from one with a password.
    if (ownKeys(claims).length > 0) {
      hidden(context, { ...claimsReader(claims), hasApprovedScope: (scope) => approvedScopes.includes(scope) });
      context.approvedScopes = list([...approvedScopes]);
      names.push('approvedScopes');
    }
    bean(context, names);
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
      args: [map(input.claims), bean(assign(create(lacking.OAuth2Server), input.server), ['id', 'name', 'issuer'])],
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
    defineProperty(request, 'requestParameters', { get: request.getRequestParameters });
    bean(request, ['clientId', 'memberId', 'grantType', 'requestedScopes', 'approvedScopes']);
    const client = bean(
      assign(create(lacking.ClientDetails), {
        ...input.client,
        scopes: list(input.client.scopes),
        grantTypes: list(input.client.grantTypes),
        permissions: list(input.client.permissions),
      }),
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
