/** What `authenticate` is called with: the request of another organisation's system (CODAP). */
import { bean, method, model, ours } from '../make.ts';

export const signedToken = model('SignedToken', ours, 'A token whose signature, issuer and times were found right.', [
  bean('header', 'JavaMap<any>', ours, 'The header of the JWT.', { readonly: true }),
  bean('claims', 'JavaMap<any>', ours, 'The claims of the JWT.', { readonly: true }),
  method('getClaim', 'name: string', 'any', ours, 'A claim as it stands; null where there is none.'),
  method('getStringClaim', 'name: string', 'string | null', ours, 'A claim as a text; null where there is none.'),
  method(
    'getStringArrayClaim',
    'name: string',
    'JavaList<string>',
    ours,
    'A claim as a list of texts; empty where there is none.',
  ),
]);

export const codapRequest = model(
  'CodapRequest',
  ours,
  'What a partner organisation asks for on behalf of its user. The tokens were checked before; the script decides whether to ' +
    'let them in, and to which record.',
  [
    bean('authenticationToken', 'SignedToken', ours, 'Who the partner’s system is.', { readonly: true }),
    bean('authorizationToken', 'SignedToken', ours, 'Who its user is, and what for.', { readonly: true }),
    bean('requestingPractitioner', 'any', ours, 'The user as a FHIR Practitioner; null where it was not said.', {
      readonly: true,
    }),
    bean(
      'requestedRecord',
      'any',
      ours,
      'The record as a FHIR Patient, by what is known of them; null where it was not said.',
      {
        readonly: true,
      },
    ),
    bean('requestedScopes', 'JavaList<string>', ours, 'The scopes asked for.', { readonly: true }),
    bean('reasonForRequest', 'string', ours, 'Why, such as `treatment`.', { readonly: true }),
    bean('acr', 'string', ours, 'How the partner made sure who its user is.', { readonly: true }),
    bean('issuer', 'string', ours, 'The partner.', { readonly: true }),
    bean('clientId', 'string', ours, 'The partner’s system, as a client here.', { readonly: true }),
    bean('remoteAddress', 'string', ours, 'The address it called from.', { readonly: true }),
    bean('headers', 'JavaMap<string>', ours, 'The headers of the request; none are handed over so far.', {
      readonly: true,
    }),
  ],
);
