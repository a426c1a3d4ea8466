/** What `onAuthenticateSuccess` and `getUserName` are called with, and what they answer. */
import { bean, different, method, missing, model, ours, same, signature } from '../make.ts';
import { schemaOf, text, truth } from '../schema.ts';

export const authenticationFailure = model(
  'AuthenticationFailure',
  same,
  'A refusal, made by `theOutcomeFactory.newFailure()`. Returned from the hook it denies, even when nothing is filled in.',
  [
    bean(
      'message',
      'string | null',
      same,
      'Why; for the log and the trace. The person and the app do not see it, but for `onSelfRegistration`, where the person reads it.',
      {
        schema: text,
        optional: true,
      },
    ),
    bean('unknownUsername', 'boolean', same, 'Whether it is because there is no such user.', {
      schema: truth,
      optional: true,
    }),
    bean('incorrectPassword', 'boolean', same, 'Whether it is because of a wrong password.', {
      schema: truth,
      optional: true,
    }),
  ],
);
export const failureSchema = schemaOf(authenticationFailure);

export const outcomeFactory = model(
  'ScriptAuthenticationOutcomeFactory',
  same,
  'Makes what `onAuthenticateSuccess`, `authenticate` and `onSelfRegistration` answer.',
  [
    method('newSuccess', '', 'UserSessionDetails', same, 'An empty session for the script to fill and return.'),
    method('newFailure', '', 'AuthenticationFailure', same, 'A refusal for the script to return.'),
  ],
);

export const authenticationContext = model('AuthenticationContext', same, 'How the user logged in.', [
  bean('moduleId', 'string', same, 'The inbound module, or the provider, that checked who the user is.', {
    readonly: true,
  }),
  bean(
    'startTime',
    'string',
    different('A text in ISO 8601, not a Java Instant: `new Date(theContext.startTime)` makes a date of it.'),
    'When the log-in was answered.',
    { readonly: true },
  ),
  bean('remoteAddress', 'string', same, 'The address of the browser.', { readonly: true }),
  bean('nodeId', 'null', different('Always null: there are no named nodes.'), 'The node that the log-in came to.', {
    readonly: true,
  }),
  bean(
    'remoteScheme',
    'null',
    different('Always null: scripts cannot tell by it how the browser came. An issuer is https, but on loopback.'),
    'The scheme that the browser used.',
    { readonly: true },
  ),
  bean(
    'headers',
    'JavaMap<string>',
    different('Always empty: the headers of the browser are not handed to scripts.'),
    'The headers of the request.',
    { readonly: true },
  ),
]);

export const smartAuthenticationContext = model(
  'SecurityInSmartAuthenticationContext',
  same,
  'How the user logged in, with what the foreign provider said of them in its ID token. After a log-in at a directory its claims are `dn` and `groups`; after one with a password kept here it has no more than `AuthenticationContext`.',
  [
    method('getClaim', 'name: string', 'any', same, 'A claim as it stands in the ID token; null where it does not.'),
    method('getStringClaim', 'name: string', 'string | null', same, 'A claim as a text; null where there is none.'),
    method(
      'getStringArrayClaim',
      'name: string',
      'JavaList<string>',
      different('Empty where there is no such claim; Smile CDR answers null.'),
      'A claim as a list of texts; one that is a single value is a list of one.',
    ),
    bean('approvedScopes', 'JavaList<string>', same, 'Always empty in this hook: consent is yet to come.', {
      readonly: true,
    }),
    method('hasApprovedScope', 'scope: string', 'boolean', same, 'Whether a scope is among them.'),
  ],
  { extends: 'AuthenticationContext' },
);

export const oidcUserInfoMap = model(
  'OidcUserInfoMap',
  same,
  'The claims of the ID token of the foreign provider, by name: `theOidcUserInfoMap["sub"]`.',
  [],
  { extends: 'JavaMap<any>' },
);

const notHere = 'Scripts get only what says which provider it is.';
const serverMember = (name: string, documentation: string, instead: string) =>
  bean(name, 'unknown', missing(`${notHere} ${instead}`), documentation, { readonly: true });

export const oauth2Server = model('OAuth2Server', same, 'The foreign provider, `theServerInfo`.', [
  bean('id', 'string', ours, 'The id that the tenant gave it.', { readonly: true }),
  bean('name', 'string', same, 'The name that people see.', { readonly: true }),
  bean('issuer', 'string', same, 'Its issuer URL.', { readonly: true }),
  serverMember('pid', 'The number of the row in the table of servers.', 'Use `id`.'),
  serverMember('nodeId', 'The node that the definition belongs to.', 'There are no named nodes.'),
  serverMember('moduleId', 'The module that the definition belongs to.', 'Use `id`.'),
  serverMember('federationRegistrationId', 'The id that the server assigned.', 'Use `id`.'),
  serverMember(
    'organizationId',
    'The organisation.',
    'Keep it in the tenant’s `environment`, by the id of the provider.',
  ),
  serverMember('notes', 'Free text about it.', 'Keep it in the tenant’s `environment`.'),
  serverMember(
    'fhirEndpointUrl',
    'Its FHIR endpoint.',
    'Name it in the tenant’s `fhirServers` and use `sallyport/fhir`.',
  ),
]);

export const authenticationRequest = model(
  'AuthenticationRequest',
  same,
  'What a person typed in: `theRequest` of `authenticate` in the script of a scripted log-in module.',
  [
    bean('username', 'string', same, 'The user name, as it was typed.', { readonly: true }),
    bean(
      'password',
      'string',
      same,
      'The password, never empty. It is masked in what the script logs and throws, and must not be put into the session.',
      { readonly: true },
    ),
    bean('remoteAddress', 'string', same, 'The address of the browser.', { readonly: true }),
    bean(
      'headers',
      'JavaMap<string>',
      different('Always empty: the headers of the browser are not handed to scripts.'),
      'The headers of the request.',
      { readonly: true },
    ),
  ],
);

export const registrationContext = model(
  'RegistrationContext',
  ours,
  'What else is known of somebody who registers: `theContext` of `onSelfRegistration`.',
  [
    bean('startTime', 'string', ours, 'When the person chose their password, as a text in ISO 8601.', {
      readonly: true,
    }),
    bean('remoteAddress', 'string', ours, 'The address of the browser.', { readonly: true }),
    bean('phone', 'string | null', ours, 'The telephone number, where it was asked for.', { readonly: true }),
    bean('clientId', 'string | null', ours, 'The app whose log-in the person came from.', { readonly: true }),
  ],
);

export const authenticationSignatures = {
  onSelfRegistration: signature(
    'theUserSession: UserSessionDetails, theOutcomeFactory: ScriptAuthenticationOutcomeFactory, theContext: RegistrationContext',
    'Awaitable<UserSessionDetails | AuthenticationFailure | null | undefined | void>',
  ),
  onAuthenticateSuccess: signature(
    'theUserSession: UserSessionDetails, theOutcomeFactory: ScriptAuthenticationOutcomeFactory, theContext: SecurityInSmartAuthenticationContext',
    'Awaitable<UserSessionDetails | AuthenticationFailure | null | undefined | void>',
  ),
  getUserName: signature('theOidcUserInfoMap: OidcUserInfoMap, theServerInfo: OAuth2Server', 'Awaitable<string>'),
};
