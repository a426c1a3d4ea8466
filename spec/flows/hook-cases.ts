/** Which hooks run in which flow, how each may misbehave, and the scripts that do so by the name of who asks. */
import type { FlowName } from './hook-stage.ts';

export type Behaviour = 'denies' | 'throws' | 'loops' | 'eats' | 'garbage' | 'forbidden';

export interface HookCase {
  readonly flow: FlowName;
  readonly hook: string;
  readonly behaviour: Behaviour;
  /** `flow.hook.behaviour`: the user, client or subject in whose flow the script misbehaves. */
  readonly who: string;
  readonly error: 'access_denied' | 'server_error';
  readonly kind: string;
}

/** The hooks of each flow in the order they run; a refresh is preceded by the interactive flow that gave its token. */
export const hooksOf: Readonly<Record<FlowName, readonly string[]>> = {
  interactive: ['onAuthenticateSuccess', 'onSmartLoginPreContextSelection', 'onTokenGenerating', 'onPostAuthorize'],
  federated: [
    'getUserName',
    'onAuthenticateSuccess',
    'onSmartLoginPreContextSelection',
    'onTokenGenerating',
    'onPostAuthorize',
  ],
  client: ['onTokenGenerating', 'onPostAuthorize'],
  backend: ['onTokenGenerating', 'onPostAuthorize'],
  codap: ['authenticate', 'onTokenGenerating', 'onPostAuthorize'],
  refresh: ['onTokenGenerating', 'onPostAuthorize'],
};

const kinds: Readonly<Record<Behaviour, string>> = {
  denies: 'denied',
  throws: 'runtime',
  loops: 'timeout',
  eats: 'memory',
  garbage: 'shape',
  forbidden: 'policy',
};

/** What `onPostAuthorize` answers or changes has no effect, so it has nothing to get wrong there. */
const harmless = (hook: string, behaviour: Behaviour) =>
  hook === 'onPostAuthorize' && (behaviour === 'garbage' || behaviour === 'forbidden');

export const behaviours = Object.keys(kinds) as readonly Behaviour[];

function casesOf(chosen: (hook: string, behaviour: Behaviour) => boolean): readonly HookCase[] {
  return (Object.entries(hooksOf) as [FlowName, readonly string[]][]).flatMap(([flow, hooks]) =>
    hooks.flatMap((hook) =>
      behaviours
        .filter((behaviour) => chosen(hook, behaviour))
        .map((behaviour): HookCase => ({
          flow,
          hook,
          behaviour,
          who: `${flow}.${hook}.${behaviour}`,
          error: behaviour === 'denies' ? 'access_denied' : 'server_error',
          kind: kinds[behaviour],
        })),
    ),
  );
}

/** A foreign name that belongs to a local account is refused by the engine after the hook: a case of its own. */
const taken = (hook: string, behaviour: Behaviour) => hook === 'getUserName' && behaviour === 'forbidden';

export const failingCases = casesOf((hook, behaviour) => !harmless(hook, behaviour) && !taken(hook, behaviour));
export const harmlessCases = casesOf(harmless);
export const takenCases = casesOf(taken);

/** What no app and no page may ever show. */
export const secretDetail = 'the-detail-nobody-may-see';

// `name` ends in flow.hook.behaviour; the tenants put a prefix before names of foreign people.
const prelude = `
const DETAIL = '${secretDetail}';
function planFor(hook, name, grantType) {
  const [flow, wanted, behaviour] = String(name).split(/[:#]/).pop().split('.');
  if (wanted !== hook || (flow === 'refresh') !== (grantType === 'refresh_token')) return undefined;
  return behaviour;
}
function misbehave(behaviour) {
  if (behaviour === 'throws') throw new Error(DETAIL); // @throws
  if (behaviour === 'loops') for (;;) {} // @loops
  if (behaviour === 'eats') {
    const eaten = [];
    for (;;) eaten.push(new Array(20000).fill(eaten.length)); // @eats
  }
}
function denyBy(behaviour) {
  if (behaviour === 'denies') deny(DETAIL); // @denies
}
`;

const logIn = `
function onAuthenticateSuccess(theUserSession, theOutcomeFactory, theContext) {
  const plan = planFor('onAuthenticateSuccess', theUserSession.username);
  misbehave(plan);
  if (plan === 'denies') {
    const failure = theOutcomeFactory.newFailure();
    failure.message = DETAIL;
    return failure;
  }
  if (plan === 'garbage') return { success: true };
  if (plan === 'forbidden') theUserSession.username = 'drsmith';
  return theUserSession;
}
`;

export const misbehavingScripts: Readonly<Record<string, string>> = {
  'local-login.js': prelude + logIn,
  'partner-login.js': `${prelude}${logIn}
function getUserName(theOidcUserInfoMap, theServerInfo) {
  const plan = planFor('getUserName', theOidcUserInfoMap['sub']);
  misbehave(plan);
  denyBy(plan);
  if (plan === 'garbage') return { sub: theOidcUserInfoMap['sub'] };
  if (plan === 'forbidden') return 'drsmith';
  return 'EXT_USER:' + theOidcUserInfoMap['sub'];
}
`,
  'codap.js': `${prelude}
function authenticate(theRequest, theOutcomeFactory) {
  const plan = planFor('authenticate', theRequest.requestingPractitioner.id);
  misbehave(plan);
  if (plan === 'denies') {
    const failure = theOutcomeFactory.newFailure();
    failure.message = DETAIL;
    return failure;
  }
  if (plan === 'garbage') return 'yes';
  const session = theOutcomeFactory.newSuccess();
  session.username = theRequest.issuer + '#' + theRequest.requestingPractitioner.id;
  session.addAuthority('FHIR_READ_ALL_IN_COMPARTMENT', 'Patient/patient-02');
  session.addLaunchResourceId('patient', 'patient-02');
  if (plan === 'forbidden') session.addLaunchResourceId('scope', 'all');
  return session;
}
`,
  'callbacks.js': `${prelude}
function onSmartLoginPreContextSelection(theUserSession, theContextSelectionChoices) {
  const plan = planFor('onSmartLoginPreContextSelection', theUserSession.username);
  misbehave(plan);
  denyBy(plan);
  theContextSelectionChoices.addChoice({ contextType: 'patient', resourceId: 'jane', display: 'Jane Doe' });
  if (plan === 'garbage') theContextSelectionChoices.addChoice({ contextType: 7, resourceId: 'jane' });
  if (plan === 'forbidden') theUserSession.addLaunchResourceId('scope', 'all');
}
function onTokenGenerating(theUserSession, theAuthorizationRequestDetails, theClientDetails) {
  const name = theUserSession === null ? theClientDetails.clientId : theUserSession.username;
  const plan = planFor('onTokenGenerating', name, theAuthorizationRequestDetails.grantType);
  misbehave(plan);
  denyBy(plan);
  if (plan === 'garbage') theAuthorizationRequestDetails.addScope('two words');
  if (plan === 'forbidden') theAuthorizationRequestDetails.addAccessTokenClaim('iss', 'https://evil.example');
}
function onPostAuthorize(theDetails) {
  const plan = planFor('onPostAuthorize', theDetails.username || theDetails.clientId, theDetails.grantType);
  misbehave(plan);
  denyBy(plan);
  if (plan === 'garbage') return { no: 'meaning', at: [1, 2, 3] };
  if (plan === 'forbidden') {
    theDetails.grantedScopes.push('user/*.cruds');
    theDetails.accessToken = 'forged';
    theDetails.clientId = 'somebody-else';
  }
}
`,
};

/**
 * The places the trace may name, one of which it must. A loop is stopped at any of its columns; on a busy machine the
 * watch outside the isolate may come first, which knows the callback only.
 */
export function expectedPlaces(
  { hook, behaviour }: HookCase,
  script: string,
): readonly { readonly line: number; readonly column?: number }[] {
  const lines = (misbehavingScripts[script] ?? '').split('\n');
  const lineOf = (text: string) => lines.findIndex((line) => line.includes(text)) + 1;
  const placeOf = (mark: string, text: string) => {
    const line = lineOf(mark);
    return { line, column: (lines[line - 1] ?? '').indexOf(text) + 1 };
  };
  const declared = { line: lineOf(`function ${hook}(`), column: 1 };
  if (behaviour === 'throws') return [placeOf('// @throws', 'new Error')];
  if (behaviour === 'loops') return [{ line: lineOf('// @loops') }, declared];
  if (behaviour === 'denies' && hook !== 'onAuthenticateSuccess' && hook !== 'authenticate')
    return [placeOf('// @denies', 'deny(')];
  return [declared];
}
