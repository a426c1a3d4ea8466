import { does, holds, type Row, type Rows } from './row.ts';

const hook = 'onAuthenticateSuccess';
const context = 'theContext';
const request = 'theRequest';
const at = (run: string, expected: unknown): Row => does(hook, run, expected);
const codap = (run: string, expected: unknown): Row => does('authenticate', run, expected);
const token = { header: { alg: 'RS384' }, claims: { sub: 'partner', scope: 'a b', roles: ['nurse'], level: 3 } };

/** What `authenticate` of a scripted log-in module is given. */
export const typedRequest = {
  request: { username: 'jane', password: 'a long password', remoteAddress: '127.0.0.1', headers: {} },
};
const typedRows = holds('authenticate', 'AuthenticationRequest', request, typedRequest.request);

export const loginRows: Rows = {
  ...Object.fromEntries(Object.entries(typedRows).map(([key, row]) => [key, { ...row, input: typedRequest }])),
  ...holds(hook, 'AuthenticationContext', context, {
    moduleId: 'partner',
    startTime: '2026-01-02T03:04:05.000Z',
    remoteAddress: '127.0.0.1',
    headers: {},
    nodeId: null,
    remoteScheme: null,
  }),
  ...holds('onSelfRegistration', 'RegistrationContext', context, {
    startTime: '2026-01-02T03:04:05.000Z',
    remoteAddress: '127.0.0.1',
    phone: '+41',
    clientId: 'app',
  }),
  ...holds(hook, 'SecurityInSmartAuthenticationContext', context, { approvedScopes: [] }),
  'SecurityInSmartAuthenticationContext.getClaim': at(
    `[${context}.getClaim('sub'), ${context}.getClaim('groups'), ${context}.getClaim('none'), ${context}.getClaim('toString')]`,
    ['jane', ['staff', 'nurse'], null, null],
  ),
  'SecurityInSmartAuthenticationContext.getStringClaim': at(
    `[${context}.getStringClaim('level'), ${context}.getStringClaim('none')]`,
    ['3', null],
  ),
  'SecurityInSmartAuthenticationContext.getStringArrayClaim': at(
    `[${context}.getStringArrayClaim('groups'), ${context}.getStringArrayClaim('sub').get(0), ${context}.getStringArrayClaim('none').isEmpty()]`,
    [['staff', 'nurse'], 'jane', true],
  ),
  'SecurityInSmartAuthenticationContext.hasApprovedScope': at(`${context}.hasApprovedScope('openid')`, false),
  'ScriptAuthenticationOutcomeFactory.newSuccess': at(
    `{ const success = theOutcomeFactory.newSuccess(); return [success.username, success.authorities, success.hasAuthority('ROLE_SUPERUSER')]; }`,
    ['', [], false],
  ),
  'ScriptAuthenticationOutcomeFactory.newFailure': at(`theOutcomeFactory.newFailure()`, {
    message: null,
    unknownUsername: false,
    incorrectPassword: false,
  }),
  ...holds(hook, 'AuthenticationFailure', 'theOutcomeFactory.newFailure()', {
    message: null,
    unknownUsername: false,
    incorrectPassword: false,
  }),
  ...holds('getUserName', 'OAuth2Server', 'theServerInfo', {
    id: 'partner',
    name: 'Partner',
    issuer: 'https://partner.example',
  }),
  ...holds('authenticate', 'CodapRequest', request, {
    authenticationToken: token,
    authorizationToken: token,
    requestingPractitioner: { resourceType: 'Practitioner', id: 'p1' },
    requestedRecord: { resourceType: 'Patient', identifier: [{ value: 'MRN-1' }] },
    requestedScopes: ['patient/*.rs'],
    reasonForRequest: 'treatment',
    acr: 'high',
    issuer: 'https://partner.example',
    clientId: 'partner-hospital',
    remoteAddress: '127.0.0.1',
    headers: {},
  }),
  ...holds('authenticate', 'SignedToken', `${request}.authorizationToken`, token),
  'SignedToken.getClaim': codap(
    `[${request}.authorizationToken.getClaim('roles'), ${request}.authenticationToken.getClaim('none')]`,
    [['nurse'], null],
  ),
  'SignedToken.getStringClaim': codap(`${request}.authorizationToken.getStringClaim('level')`, '3'),
  'SignedToken.getStringArrayClaim': codap(`${request}.authorizationToken.getStringArrayClaim('roles').size()`, 1),
};
