/** `theUserSession`, and what it holds. */
import { bean, different, method, missing, model, ours, same, signature } from '../make.ts';
import { fhirId, fhirType, listOf, mapOf, schemaOf, text, truth } from '../schema.ts';

export const grantedAuthority = model(
  'GrantedAuthority',
  same,
  'A permission of the user, with an argument where the permission needs one.',
  [
    bean('permission', 'Permission', same, 'The permission, such as `FHIR_READ_INSTANCE`.', {
      schema: { type: 'string', pattern: '^[A-Z][A-Z0-9_]{1,80}$' },
    }),
    bean(
      'argument',
      'string | null',
      same,
      'What the permission is for, such as `Patient/123`; null where it has none.',
      {
        schema: text,
        optional: true,
      },
    ),
  ],
);

export const launchContext = model(
  'LaunchContext',
  same,
  'A record that the user comes with when no launch names one: a practitioner their own Practitioner, a parent their child.',
  [
    bean('contextType', 'string', same, 'What the record is, such as `patient` or `practitioner`.', { schema: text }),
    bean('resourceId', 'string | null', same, 'The id, with or without its type; null until it is set.', {
      schema: text,
    }),
  ],
);

export const launchResourceId = model(
  'LaunchResourceId',
  same,
  'A record in the context of this launch. It becomes a launch parameter of the token response, and a claim.',
  [
    bean('resourceType', 'string', same, 'The type in lower case, such as `patient`.', { schema: fhirType }),
    bean('resourceId', 'string', same, 'The id without its type.', { schema: fhirId }),
  ],
);

export const fhirContextEntry = model(
  'FhirContextEntry',
  same,
  'A further record in the context of this launch: an item of `fhirContext` in the token response (SMART App Launch 2.2).',
  [
    bean('reference', 'string', same, 'A relative reference, such as `ImagingStudy/123`.', { schema: text }),
    bean('role', 'string | null', same, 'What the record is in this launch for; null where that is not said.', {
      schema: { type: 'string', minLength: 1, maxLength: 1024 },
      optional: true,
    }),
  ],
);

const noPlace = 'A session here is a person and what they bring to this launch, not a row of a table.';
const lacking = (name: string, type: string, documentation: string, instead: string) =>
  bean(name, type, missing(`${noPlace} ${instead}`), documentation, { readonly: true });

export const userSessionDetails = model(
  'UserSessionDetails',
  same,
  'The user and what they bring to this launch. What a script changes here holds from this hook on: for the token, and, ' +
    'where a hook of the log-in changes it, for the whole session.',
  [
    bean(
      'username',
      'string',
      same,
      'Who it is. A script names the user in `getUserName`, or on a success of `authenticate`; to change it anywhere else ends the flow.',
      { schema: { type: 'string', minLength: 1, maxLength: 255 } },
    ),
    bean('external', 'boolean', same, 'Whether the user came from elsewhere: a foreign provider or a CODAP partner.', {
      readonly: true,
      schema: truth,
    }),
    bean('givenName', 'string | null', same, 'The given name. The ID token has it where `profile` was granted.', {
      schema: text,
      optional: true,
    }),
    bean('familyName', 'string | null', same, 'The family name. The ID token has it where `profile` was granted.', {
      schema: text,
      optional: true,
    }),
    bean('email', 'string | null', same, 'The e-mail address. The ID token has it where `email` was granted.', {
      schema: text,
      optional: true,
    }),
    bean('notes', 'string | null', same, 'Free text about the user, up to 8192 characters.', {
      schema: { type: 'string', maxLength: 8192 },
      optional: true,
    }),
    bean(
      'fhirUserUrl',
      'string | null',
      same,
      'The FHIR resource that is this user: the `fhirUser` claim. Best an absolute URL on the FHIR server. Where nobody sets it there is no such claim: none is made up.',
      { schema: text, optional: true },
    ),
    bean('authorities', 'JavaList<GrantedAuthority>', same, 'What the user may do.', {
      schema: listOf(schemaOf(grantedAuthority), 500),
    }),
    bean(
      'defaultLaunchContexts',
      'JavaList<LaunchContext>',
      same,
      'Records the user comes with when no launch names one.',
      {
        schema: listOf(schemaOf(launchContext), 100),
      },
    ),
    bean('launchResourceIds', 'JavaList<LaunchResourceId>', same, 'The records in the context of this launch.', {
      schema: listOf(schemaOf(launchResourceId), 100),
    }),
    bean('fhirContext', 'JavaList<FhirContextEntry>', same, 'Further records in the context of this launch.', {
      schema: listOf(schemaOf(fhirContextEntry), 100),
    }),
    bean(
      'userData',
      'JavaMap<any>',
      same,
      'What scripts keep with the session from one hook to the next: any JSON, up to 200 entries.',
      { schema: mapOf(200) },
    ),
    method(
      'hasAuthority',
      'permission: Permission, argument?: string | null',
      'boolean',
      same,
      'Whether the user has a permission; with an argument, exactly that one.',
    ),
    method(
      'addAuthority',
      'permission: Permission, argument?: string | null',
      'void',
      different(
        'Any well-formed name is taken (capitals, digits, underscores), for a tenant may have permissions of its own. Smile CDR throws for a name it does not know.',
      ),
      'Gives the user a permission for this session. Adding one twice changes nothing.',
    ),
    method(
      'removeAuthority',
      'permission: Permission, argument?: string | null',
      'void',
      ours,
      'Takes a permission away for this session; without an argument, with whatever argument it stands.',
    ),
    method(
      'getOrCreateDefaultLaunchContext',
      'contextType: string',
      'LaunchContext',
      same,
      'The default record of a type, whatever its case; one with a null `resourceId` where there was none.',
    ),
    method(
      'addLaunchResourceId',
      'resourceType: string, resourceId: string',
      'void',
      same,
      'Puts a record into the context of this launch. The type may be written in any case, the id with or without its type. It replaces another record of the same type.',
    ),
    method(
      'addFhirContext',
      'reference: string, role?: string',
      'void',
      ours,
      'Puts a further record into the context of this launch. Adding one twice changes nothing.',
    ),
    method('getUserData', 'key: string', 'any', ours, 'What was kept under a key; null where there is nothing.', {
      also: [signature('', 'JavaMap<any>')],
    }),
    method('setUserData', 'key: string, value: any', 'void', same, 'Keeps any JSON under a key.'),
    lacking(
      'associatedResources',
      'unknown',
      'FHIR resources that are linked to the user.',
      'The one that is the user is `fhirUserUrl`.',
    ),
    lacking('pid', 'unknown', 'The number of the row in the user table.', 'Use `username`.'),
    lacking('nodeId', 'unknown', 'The node of the module that holds the user.', 'There are no named nodes.'),
    lacking(
      'moduleId',
      'unknown',
      'The module that holds the user.',
      'Use `theContext.moduleId` in `onAuthenticateSuccess`.',
    ),
    lacking('systemUser', 'unknown', 'Whether the account belongs to the product itself.', 'There are none.'),
    lacking(
      'serviceAccount',
      'unknown',
      'Whether a service logs in with the account.',
      'Services are clients here: they have no user session, so `theUserSession` is null.',
    ),
    lacking('accountLocked', 'unknown', 'Whether the account is locked.', 'No locked account reaches a hook.'),
    lacking('accountDisabled', 'unknown', 'Whether the account is disabled.', 'No disabled account reaches a hook.'),
  ],
);

export const associatedResource = model(
  'AssociatedResource',
  missing(`${noPlace} The FHIR resource that is the user is \`fhirUserUrl\`.`),
  'A link between a user and a FHIR resource.',
  [],
);

/** What the engine gets back of a session. */
export const sessionSchema = schemaOf(userSessionDetails);
