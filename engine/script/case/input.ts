/** A plain input for each hook, over which a case lays what matters to it. */
import { didYouMean, escapePointer, problem, type Problem } from '../../tenant/problem.ts';
import type { ScriptSlot } from '../../tenant/scripts.ts';
import type { HookModels, PasswordRequestModel, UserSessionModel } from '../model.ts';
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
  onSelfRegistration: {
    session: { ...session, email: 'ada@home.example', userData: {} },
    context: { startTime: '2026-01-01T09:00:00.000Z', remoteAddress: '192.0.2.1', phone: null, clientId: null },
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

/** `authenticate` of a scripted log-in module. */
const typed: PasswordRequestModel = {
  username: 'drsmith',
  password: 'demo-password',
  remoteAddress: '192.0.2.1',
  headers: {},
};

/** Who is asked decides what a hook is given: the function of that name stands in two places. */
function plainInput(hook: HookName, slot: ScriptSlot): Json {
  const input = hook === 'authenticate' && slot.startsWith('inbound/') ? { request: typed } : inputs[hook];
  return input as unknown as Json;
}

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

/** Members that a plain input lacks. */
const optional: readonly string[] = ['requestingPractitioner'];
const optionalWithin: Readonly<Record<string, readonly string[]>> = {
  session: ['email', 'notes', 'fhirUserUrl'],
  request: ['launch', 'memberId'],
};
/** What may hold members of any name. */
const open: readonly string[] = ['claims', 'launchParameters', 'requestingPractitioner'];

/** Members that no input of the hook has: they would be of no effect, and the case would show nothing. */
export function unknownMembers(
  { hook, slot }: { readonly hook: HookName; readonly slot: ScriptSlot },
  over: Tree,
  file: string,
): readonly Problem[] {
  const plain = plainInput(hook, slot) as Tree;
  return [
    ...strangers(over, [...Object.keys(plain), ...optional], file, '/input'),
    ...Object.entries(over).flatMap(([name, value]) => {
      const below = plain[name];
      if (!isTree(value) || !isTree(below) || open.includes(name)) return [];
      const known = [...Object.keys(below), ...(optionalWithin[name] ?? [])];
      return strangers(value, known, file, `/input/${name}`);
    }),
  ];
}

function strangers(given: Tree, known: readonly string[], file: string, at: string): readonly Problem[] {
  return Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const pointer = `${at}/${escapePointer(name)}`;
      return problem('unknown', file, pointer, `the unknown name "${name}"`, 'a known name', didYouMean(name, known));
    });
}

/** The input of a hook with what a case says of it. */
export function inputOf(hook: HookName, slot: ScriptSlot, over: Readonly<Record<string, Json>> = {}): Json {
  return lay(plainInput(hook, slot), over);
}
