/** What the hooks around a token are called with. */
import { bean, different, method, missing, model, ours, property, same } from '../make.ts';
import { fhirId, fhirType, mapOf, schemaOf, text } from '../schema.ts';

export const requestDetails = model(
  'OAuth2AuthorizationRequestDetails',
  same,
  'The token that is about to be made: what was asked for, and what a script adds to it or takes from it.',
  [
    bean('clientId', 'string', same, 'The app.', { readonly: true }),
    bean(
      'memberId',
      'string | null',
      different('Always null: Sallyport keeps no member ids. Keep one in `userData` where the tenant has them.'),
      'The member id.',
      { readonly: true },
    ),
    bean(
      'grantType',
      'string',
      ours,
      'The OAuth grant: `authorization_code`, `client_credentials`, `refresh_token` and others.',
      {
        readonly: true,
      },
    ),
    bean('requestedScopes', 'JavaList<string>', ours, 'The scopes that the app asked for.', { readonly: true }),
    bean(
      'approvedScopes',
      'JavaList<string>',
      ours,
      'The scopes that the token will have. Change them with `removeScope` and `addScope`.',
      { readonly: true },
    ),
    property('launch', 'string | null', same, 'The same as `getLaunch()`.', { readonly: true }),
    property('audience', 'string | null', same, 'The same as `getAudience()`.', { readonly: true }),
    property('requestParameters', 'JavaMap<string>', same, 'The same as `getRequestParameters()`.', { readonly: true }),
    method(
      'getLaunch',
      '',
      'string | null',
      same,
      'The `launch` value that the EHR gave the app, as it came; null where there was none. It is still there at a refresh.',
    ),
    method(
      'getAudience',
      '',
      'string | null',
      same,
      'The FHIR server that the token is for, without a slash at its end. Always known here; Smile CDR may answer null.',
    ),
    method(
      'getRequestParameters',
      '',
      'JavaMap<string>',
      same,
      'Parameters of the authorization request, as far as the tenant’s `requestParameterAllowList` names them.',
    ),
    method(
      'addAccessTokenClaim',
      'name: string, value: any',
      'void',
      different(
        'Names that say what a token is (`iss`, `sub`, `aud`, `exp`, `scope`, …) or begin with `smile_` are the engine’s; to set one ends the flow.',
      ),
      'Puts a claim of any JSON into the access token.',
    ),
    method('addIdTokenClaim', 'name: string, value: any', 'void', ours, 'Puts a claim of any JSON into the ID token.'),
    method(
      'addLaunchParameter',
      'name: string, value: any',
      'void',
      ours,
      'Puts a member of any JSON beside the token into the response, such as `need_patient_banner`.',
    ),
    method(
      'addScope',
      'scope: string',
      'void',
      ours,
      'Adds a scope. Only one that was approved before, a part of such a one, or what the tenant’s `policy.scopesScriptsMayAdd` lists.',
    ),
    method(
      'removeScope',
      'scope: string',
      'void',
      ours,
      'Takes a scope away, written as it stands in `approvedScopes`.',
    ),
  ],
);

const unsaid = 'Scripts get what says who the client is and what it may do.';
const clientMember = (name: string, documentation: string, instead: string) =>
  bean(name, 'unknown', missing(`${unsaid} ${instead}`), documentation, { readonly: true });

export const clientDetails = model('ClientDetails', ours, 'The app as the tenant defined it, `theClientDetails`.', [
  bean('clientId', 'string', ours, 'Its id.', { readonly: true }),
  bean('clientName', 'string', ours, 'The name that people see.', { readonly: true }),
  bean('scopes', 'JavaList<string>', ours, 'The scopes that it may be given.', { readonly: true }),
  bean('grantTypes', 'JavaList<string>', ours, 'The OAuth grants that it may use.', { readonly: true }),
  bean(
    'permissions',
    'JavaList<{ readonly permission: string; readonly argument?: string }>',
    ours,
    'What it may do when it acts for itself.',
    { readonly: true },
  ),
  clientMember('allowedGrantTypes', 'The grants that it may use.', 'Use `grantTypes`.'),
  clientMember('clientSecrets', 'Its secrets.', 'No secret of a client reaches a script.'),
  clientMember(
    'autoApproveScopes',
    'Scopes granted without asking.',
    'Use `theAuthorizationRequestDetails.approvedScopes`.',
  ),
]);

export const contextChoice = model('ContextChoice', ours, 'A record that the person may pick.', [
  property(
    'contextType',
    'string',
    ours,
    'What it is, such as `patient`; the name of the launch parameter. One of each kind is picked, kind after kind.',
    {
      schema: fhirType,
    },
  ),
  property('resourceId', 'string', ours, 'The id, with or without its type.', { schema: fhirId }),
  property('display', 'string', ours, 'What the person reads: a name.', {
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  }),
  property('birthDate', 'string', ours, 'Tells two of the same name apart.', { schema: text, optional: true }),
  property('sex', 'string', ours, 'Tells two of the same name apart.', { schema: text, optional: true }),
  property('identifier', 'string', ours, 'Tells two of the same name apart, such as a record number.', {
    schema: text,
    optional: true,
  }),
  property(
    'launchParameters',
    '{ [name: string]: any }',
    ours,
    'Further launch parameters that come with this choice. A `patient` or an `encounter` among them says whose it is: it is offered only where that fits what was picked before.',
    {
      schema: mapOf(50),
      optional: true,
    },
  ),
]);
export const choiceSchema = schemaOf(contextChoice);

export const contextSelectionChoices = model(
  'ContextSelectionChoices',
  same,
  'What the person is asked to pick from before the app gets in. Nobody is asked where there is no choice.',
  [
    method('haveChoices', '', 'boolean', same, 'Whether there is something to pick from.'),
    property('choices', 'JavaList<ContextChoice>', ours, 'The choices so far.', { readonly: true }),
    method('getChoices', '', 'JavaList<ContextChoice>', ours, 'The choices so far.'),
    method(
      'addChoice',
      'choice: ContextChoice',
      'void',
      ours,
      'Offers a record. What the launch already names is not asked for again.',
    ),
    method('clear', '', 'void', ours, 'Takes all choices back.'),
    method(
      'setRequired',
      'required: boolean',
      'void',
      ours,
      'Whether the person must pick one. Where a script offers choices they must, unless it says otherwise.',
    ),
  ],
);

export const postAuthorizeDetails = model(
  'SmartOnPostAuthorizeDetails',
  same,
  'The token that was just stored and is about to be returned. Nothing of it can be changed any more.',
  [
    bean('clientId', 'string', ours, 'The app.', { readonly: true }),
    bean('username', 'string | null', ours, 'The user; null where a client acts for itself.', { readonly: true }),
    bean('grantType', 'string', ours, 'The OAuth grant.', { readonly: true }),
    bean(
      'accessToken',
      'string',
      different('`***` unless the tenant’s `policy.showAccessTokenToPostAuthorize` is on.'),
      'The access token itself.',
      { readonly: true },
    ),
    bean('grantedScopes', 'JavaList<string>', same, 'The scopes that the token has.', { readonly: true }),
    bean('claims', 'JavaMap<any>', ours, 'The claims of the access token.', { readonly: true }),
    bean('launchParameters', 'JavaMap<any>', ours, 'What stands beside the token in the response.', { readonly: true }),
    bean('requestingPractitioner', 'any', same, 'Whom the partner’s user is (CODAP); null elsewhere.', {
      readonly: true,
    }),
  ],
);

export const clientCredentialsRequest = model(
  'ClientCredentialsRequest',
  missing(
    'No hook here gets the claims of a client’s assertion. `onTokenGenerating` says which client it is (`theClientDetails`) and what it asked for.',
  ),
  'A client’s request for a token of its own, with the claims of its assertion.',
  [],
);
