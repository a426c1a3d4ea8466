/** A plain input for each hook, over which a case lays what matters to it. */
import type { HookModels, UserSessionModel } from '../model.ts';
import type { HookName, Json } from '../runner.ts';

const session: UserSessionModel = {
  username: 'drsmith',
  external: false,
  givenName: 'Ada',
  familyName: 'Smith',
  authorities: [],
  defaultLaunchContexts: [],
  launchResourceIds: [],
  fhirContext: [],
  userData: {},
};

const token = { header: { alg: 'RS384', kid: 'k1' }, claims: {} };

const inputs: { readonly [H in HookName]: HookModels[H]['input'] } = {
  onAuthenticateSuccess: {
    session,
    context: {
      moduleId: 'local',
      startTime: '2026-01-01T09:00:00.000Z',
      remoteAddress: '192.0.2.1',
      claims: {},
      approvedScopes: [],
    },
  },
  getUserName: {
    claims: { iss: 'https://partner.example', sub: '1' },
    server: { id: 'partner', name: 'Partner', issuer: 'https://partner.example' },
  },
  authenticate: {
    request: {
      authenticationToken: token,
      authorizationToken: token,
      requestingPractitioner: { resourceType: 'Practitioner', id: 'dr' },
      requestedRecord: { resourceType: 'Patient' },
      requestedScopes: ['patient/*.rs'],
      reasonForRequest: 'treatment',
      acr: 'urn:acr:high',
      issuer: 'https://partner.example',
      clientId: 'partner',
      remoteAddress: '192.0.2.1',
      headers: {},
    },
  },
  onSmartLoginPreContextSelection: { session, choices: [], required: false },
  onTokenGenerating: {
    session,
    request: {
      clientId: 'app',
      grantType: 'authorization_code',
      audience: 'https://fhir.example',
      requestedScopes: ['openid', 'fhirUser', 'launch/patient', 'patient/*.rs'],
      approvedScopes: ['openid', 'fhirUser', 'launch/patient', 'patient/*.rs'],
      requestParameters: {},
    },
    client: {
      clientId: 'app',
      clientName: 'App',
      scopes: ['patient/*.rs'],
      grantTypes: ['authorization_code'],
      permissions: [],
    },
  },
  onPostAuthorize: {
    clientId: 'app',
    username: 'drsmith',
    grantType: 'authorization_code',
    accessToken: '***',
    grantedScopes: ['openid', 'patient/*.rs'],
    claims: { sub: 'drsmith' },
    launchParameters: {},
  },
};

type Tree = { readonly [name: string]: Json };

function isTree(value: Json | undefined): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Objects are laid over one another, anything else takes the place of what was there. */
function lay(under: Json, over: Json): Json {
  if (!isTree(under) || !isTree(over)) return over;
  const names = new Set([...Object.keys(under), ...Object.keys(over)]);
  return Object.fromEntries(
    [...names].map((name) => {
      const [below, above] = [under[name], over[name]];
      return [name, above === undefined ? (below as Json) : below === undefined ? above : lay(below, above)];
    }),
  );
}

/** The input of a hook with what a case says of it. */
export function inputOf(hook: HookName, over: Readonly<Record<string, Json>> = {}): Json {
  return lay(inputs[hook] as unknown as Json, over);
}
