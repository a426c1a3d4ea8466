import { does, holds, type Row, type Rows } from './row.ts';

const hook = 'onTokenGenerating';
const request = 'theAuthorizationRequestDetails';
const choices = 'theContextSelectionChoices';
const at = (run: string, expected: unknown): Row => does(hook, run, expected);
const picking = (run: string, expected: unknown): Row => does('onSmartLoginPreContextSelection', run, expected);
const choice = `{ contextType: 'patient', resourceId: '2', display: 'Two', birthDate: '1980-01-01', sex: 'male', identifier: 'MRN-2', launchParameters: { a: 1 } }`;
const offered = `{ ${choices}.addChoice(${choice}); return ${choices}.choices[1].`;

export const authorizationRows: Rows = {
  ...holds(hook, 'OAuth2AuthorizationRequestDetails', request, {
    clientId: 'app',
    memberId: null,
    grantType: 'authorization_code',
    requestedScopes: ['openid', 'patient/*.rs', 'user/*.rs'],
    approvedScopes: ['openid', 'patient/*.rs'],
    launch: 'opaque',
    audience: 'https://fhir.example',
    requestParameters: { aud: 'https://fhir.example' },
  }),
  'OAuth2AuthorizationRequestDetails.getLaunch': at(`${request}.getLaunch()`, 'opaque'),
  'OAuth2AuthorizationRequestDetails.getAudience': at(`${request}.getAudience()`, 'https://fhir.example'),
  'OAuth2AuthorizationRequestDetails.getRequestParameters': at(
    `[${request}.getRequestParameters().get('aud'), ${request}.getRequestParameters().aud, ${request}.getRequestParameters().get('state')]`,
    ['https://fhir.example', 'https://fhir.example', null],
  ),
  // What becomes of these is in `effects.spec.ts`, and `onTokenGenerating` of `conformance.spec.ts` sees it arrive.
  'OAuth2AuthorizationRequestDetails.addAccessTokenClaim': at(
    `${request}.addAccessTokenClaim('a', { b: [1] }) ?? null`,
    null,
  ),
  'OAuth2AuthorizationRequestDetails.addIdTokenClaim': at(`${request}.addIdTokenClaim('a', 'b') ?? null`, null),
  'OAuth2AuthorizationRequestDetails.addLaunchParameter': at(
    `${request}.addLaunchParameter('need_patient_banner', true) ?? null`,
    null,
  ),
  'OAuth2AuthorizationRequestDetails.addScope': at(
    `{ ${request}.addScope('user/*.rs'); ${request}.addScope('openid'); return ${request}.approvedScopes; }`,
    ['openid', 'patient/*.rs', 'user/*.rs'],
  ),
  'OAuth2AuthorizationRequestDetails.removeScope': at(
    `{ ${request}.removeScope('openid'); ${request}.removeScope('none'); return ${request}.approvedScopes; }`,
    ['patient/*.rs'],
  ),
  ...holds(hook, 'ClientDetails', 'theClientDetails', {
    clientId: 'app',
    clientName: 'The App',
    scopes: ['openid', 'patient/*.rs'],
    grantTypes: ['authorization_code'],
    permissions: [{ permission: 'FHIR_ALL_READ' }],
  }),
  ...holds('onPostAuthorize', 'SmartOnPostAuthorizeDetails', 'theDetails', {
    clientId: 'app',
    username: 'jane',
    grantType: 'authorization_code',
    accessToken: '***',
    grantedScopes: ['openid'],
    claims: { sub: 'jane' },
    launchParameters: { patient: 'jane' },
    requestingPractitioner: { resourceType: 'Practitioner', id: 'p1' },
  }),
  'ContextSelectionChoices.haveChoices': picking(
    `{ const before = ${choices}.haveChoices(); ${choices}.clear(); return [before, ${choices}.haveChoices()]; }`,
    [true, false],
  ),
  'ContextSelectionChoices.choices': picking(`[${choices}.choices.size(), ${choices}.choices[0].display]`, [
    1,
    'Jane Doe',
  ]),
  'ContextSelectionChoices.getChoices': picking(`${choices}.getChoices() === ${choices}.choices`, true),
  'ContextSelectionChoices.addChoice': picking(
    `{ ${choices}.addChoice({ contextType: 'patient', resourceId: 'Patient/2', display: 'Two' }); return ${choices}.choices.get(1); }`,
    { contextType: 'patient', resourceId: '2', display: 'Two' },
  ),
  'ContextSelectionChoices.clear': picking(`{ ${choices}.clear(); return ${choices}.choices; }`, []),
  'ContextSelectionChoices.setRequired': picking(`${choices}.setRequired(false) ?? null`, null),
  'ContextChoice.contextType': picking(`${offered}contextType; }`, 'patient'),
  'ContextChoice.resourceId': picking(`${offered}resourceId; }`, '2'),
  'ContextChoice.display': picking(`${offered}display; }`, 'Two'),
  'ContextChoice.birthDate': picking(`${offered}birthDate; }`, '1980-01-01'),
  'ContextChoice.sex': picking(`${offered}sex; }`, 'male'),
  'ContextChoice.identifier': picking(`${offered}identifier; }`, 'MRN-2'),
  'ContextChoice.launchParameters': picking(`${offered}launchParameters; }`, { a: 1 }),
};
