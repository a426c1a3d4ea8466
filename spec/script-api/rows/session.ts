import { does, holds, type Row, type Rows } from './row.ts';

const hook = 'onSmartLoginPreContextSelection';
const user = 'theUserSession';
const at = (run: string, expected: unknown): Row => does(hook, run, expected);

export const sessionRows: Rows = {
  ...holds(hook, 'UserSessionDetails', user, {
    username: 'jane',
    external: true,
    givenName: 'Jane',
    familyName: 'Doe',
    email: 'jane@example.org',
    notes: 'a note',
    fhirUserUrl: 'https://fhir.example/Patient/jane',
    authorities: [
      { permission: 'FHIR_READ_INSTANCE', argument: 'Patient/jane' },
      { permission: 'ROLE_FHIR_CLIENT', argument: null },
    ],
    defaultLaunchContexts: [{ contextType: 'patient', resourceId: 'Patient/jane' }],
    launchResourceIds: [{ resourceType: 'patient', resourceId: 'jane' }],
    fhirContext: [{ reference: 'ImagingStudy/1', role: 'launch' }],
    userData: { ward: 'B' },
  }),
  ...holds(hook, 'GrantedAuthority', `${user}.authorities[0]`, {
    permission: 'FHIR_READ_INSTANCE',
    argument: 'Patient/jane',
  }),
  ...holds(hook, 'LaunchContext', `${user}.defaultLaunchContexts[0]`, {
    contextType: 'patient',
    resourceId: 'Patient/jane',
  }),
  ...holds(hook, 'LaunchResourceId', `${user}.launchResourceIds[0]`, { resourceType: 'patient', resourceId: 'jane' }),
  ...holds(hook, 'FhirContextEntry', `${user}.fhirContext[0]`, { reference: 'ImagingStudy/1', role: 'launch' }),
  'UserSessionDetails.hasAuthority': at(
    `[${user}.hasAuthority('ROLE_FHIR_CLIENT'), ${user}.hasAuthority('FHIR_READ_INSTANCE', 'Patient/jane'),
      ${user}.hasAuthority('FHIR_READ_INSTANCE', 'Patient/2'), ${user}.hasAuthority('ROLE_SUPERUSER')]`,
    [true, true, false, false],
  ),
  'UserSessionDetails.addAuthority': at(
    `{ ${user}.addAuthority('FHIR_ALL_READ'); ${user}.addAuthority('FHIR_ALL_READ');
      ${user}.addAuthority('A_PERMISSION_OF_THE_TENANT', 'x');
      let thrown = ''; try { ${user}.addAuthority('no permission'); } catch (error) { thrown = error.message; }
      return [${user}.authorities.slice(2), thrown]; }`,
    [
      [
        { permission: 'FHIR_ALL_READ', argument: null },
        { permission: 'A_PERMISSION_OF_THE_TENANT', argument: 'x' },
      ],
      'unknown permission: no permission',
    ],
  ),
  'UserSessionDetails.removeAuthority': at(
    `{ ${user}.removeAuthority('FHIR_READ_INSTANCE', 'Patient/2'); const before = ${user}.authorities.length;
      ${user}.removeAuthority('FHIR_READ_INSTANCE'); return [before, ${user}.authorities.length]; }`,
    [2, 1],
  ),
  'UserSessionDetails.getOrCreateDefaultLaunchContext': at(
    `[${user}.getOrCreateDefaultLaunchContext('Patient').resourceId, ${user}.getOrCreateDefaultLaunchContext('practitioner').resourceId,
      ${user}.defaultLaunchContexts.length]`,
    ['Patient/jane', null, 2],
  ),
  'UserSessionDetails.addLaunchResourceId': at(
    `{ ${user}.addLaunchResourceId('Patient', 'Patient/2'); ${user}.addLaunchResourceId('encounter', '3'); return ${user}.launchResourceIds; }`,
    [
      { resourceType: 'patient', resourceId: '2' },
      { resourceType: 'encounter', resourceId: '3' },
    ],
  ),
  'UserSessionDetails.addFhirContext': at(
    `{ ${user}.addFhirContext('Observation/1'); ${user}.addFhirContext('Observation/1'); ${user}.addFhirContext('Observation/1', 'why');
      return ${user}.fhirContext.slice(1); }`,
    [
      { reference: 'Observation/1', role: null },
      { reference: 'Observation/1', role: 'why' },
    ],
  ),
  'UserSessionDetails.getUserData': at(
    `[${user}.getUserData('ward'), ${user}.getUserData('none'), ${user}.getUserData().ward]`,
    ['B', null, 'B'],
  ),
  'UserSessionDetails.setUserData': at(`{ ${user}.setUserData('shift', { night: true }); return ${user}.userData; }`, {
    ward: 'B',
    shift: { night: true },
  }),
  'JavaList.size': at(`${user}.authorities.size()`, 2),
  'JavaList.get': at(`[${user}.authorities.get(1).permission, ${user}.authorities.get(7) === undefined]`, [
    'ROLE_FHIR_CLIENT',
    true,
  ]),
  'JavaList.isEmpty': at(
    `[${user}.authorities.isEmpty(), theContextSelectionChoices.choices.filter(() => false).length === 0]`,
    [false, true],
  ),
  'JavaMap.get': at(`[${user}.userData.get('ward'), ${user}.userData.get('none'), ${user}.userData.get('toString')]`, [
    'B',
    null,
    null,
  ]),
  'JavaMap.containsKey': at(`[${user}.userData.containsKey('ward'), ${user}.userData.containsKey('toString')]`, [
    true,
    false,
  ]),
};
