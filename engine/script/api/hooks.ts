/** The functions by which a script takes part in a flow. */
import type { Hook } from './entry.ts';
import { missing, ours, same, signature } from './make.ts';
import { authenticationSignatures } from './model/authentication.ts';

/** What is returned is ignored, so that anything may be. */
const nothing = 'any';
/** Not one of ours; it is listed for those who come with it. */
const never = signature('', 'never');

export const hooks: readonly Hook[] = [
  {
    kind: 'hook',
    name: 'onAuthenticateSuccess',
    type: 'OnAuthenticateSuccess',
    ...same,
    documentation:
      'Somebody proved who they are, here or at a foreign provider; neither their session nor, if they are new, their user exists yet. Returns the session, a success of the factory, or nothing to let them in; a failure of the factory denies.',
    signature: authenticationSignatures.onAuthenticateSuccess,
    flows: 'interactive, federated',
    when: 'after the password was right, or the provider’s ID token was',
    configured: 'the script of the inbound module; the `federationAuth` script of the provider',
  },
  {
    kind: 'hook',
    name: 'getUserName',
    type: 'GetUserName',
    ...same,
    documentation:
      'What a user of a foreign provider is called here. Answers the name as a text. Without the function, provider and subject make one up that equals no local name.',
    signature: authenticationSignatures.getUserName,
    flows: 'federated',
    when: 'before `onAuthenticateSuccess` of the same provider',
    configured: 'the `federationAuth` script of the provider',
  },
  {
    kind: 'hook',
    name: 'authenticate',
    type: 'Authenticate',
    ...same,
    documentation:
      'Whether a partner organisation’s request is granted, and what its user may do here; or, in the script of a scripted log-in module, whether a user name and password are right, and who that is. `theRequest` has the members of the one or of the other. Returns a success of the factory, filled in, or a failure; nothing denies, too, and anything else is a fault.',
    signature: signature(
      'theRequest: CodapRequest & AuthenticationRequest, theOutcomeFactory: ScriptAuthenticationOutcomeFactory',
      'Awaitable<UserSessionDetails | AuthenticationFailure | null | undefined | void>',
    ),
    flows: 'CODAP, interactive',
    when: 'after both tokens were verified; when a person has typed in user name and password',
    configured: '`scripts.codapAuthorization`; the script of an inbound module of type `scripted`',
  },
  {
    kind: 'hook',
    name: 'onSmartLoginPreContextSelection',
    type: 'OnSmartLoginPreContextSelection',
    ...same,
    documentation:
      'Whether the person must pick a record before the app gets in, and from which. What it returns is ignored. Runs once more where the person picked and the app asks for a further kind (`launch/encounter`) that nothing names and of which nothing was offered: what was picked then stands in `theUserSession.getLaunchResourceIds()`.',
    signature: signature(
      'theUserSession: UserSessionDetails, theContextSelectionChoices: ContextSelectionChoices',
      nothing,
    ),
    flows: 'interactive',
    when: 'the person has logged in, or had a session',
    configured: '`callbacks`',
  },
  {
    kind: 'hook',
    name: 'onTokenGenerating',
    type: 'OnTokenGenerating',
    ...same,
    documentation:
      'The token is about to be made: last chance to change launch context, claims and scopes. `theUserSession` is null where there is no user. What it returns is ignored.',
    signature: signature(
      'theUserSession: UserSessionDetails | null, theAuthorizationRequestDetails: OAuth2AuthorizationRequestDetails, theClientDetails: ClientDetails',
      nothing,
    ),
    flows: 'all',
    when: 'before access token and ID token are made, at each refresh, too',
    configured: '`callbacks`',
  },
  {
    kind: 'hook',
    name: 'onPostAuthorize',
    type: 'OnPostAuthorize',
    ...same,
    documentation:
      'The token is stored and about to be returned. Nothing of it can be changed any more; a throw takes it back, unless the tenant’s `policy.onPostAuthorizeOpen` is on. What it returns is ignored.',
    signature: signature('theDetails: SmartOnPostAuthorizeDetails', nothing),
    flows: 'all',
    when: 'after the token was stored, before it is returned',
    configured: '`callbacks`',
  },
  {
    kind: 'hook',
    name: 'onSelfRegistration',
    type: 'OnSelfRegistration',
    ...ours,
    documentation:
      'Somebody registered: their mail address is proven and their password chosen, and the account is about to be made of `theUserSession`. Returns nothing or the session to go on; a failure of the factory refuses, and the person reads its `message`. Runs once more where the person must choose another user name.',
    signature: authenticationSignatures.onSelfRegistration,
    flows: 'self-registration',
    when: 'the person opened the link in the mail and chose a password',
    configured: '`callbacks`',
  },
];

/** Names under which people look for a hook in vain. They stay plain functions. */
export const missingHooks: readonly Hook[] = [
  {
    kind: 'hook',
    name: 'onAuthenticationSuccess',
    type: '',
    ...missing('No product calls it: a misspelt `onAuthenticateSuccess`, under which name it would run.'),
    documentation: 'A name found in scripts, which no server ever called.',
    signature: never,
    flows: '—',
    when: 'never',
    configured: '—',
  },
];
