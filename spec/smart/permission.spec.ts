import { expect } from 'chai';
import { effectivePermissions, restrictScopesByAuthorities } from '../../engine/smart/permission.ts';
import type { Authority } from '../../engine/tenant/tenant.ts';

function authority(text: string): Authority {
  const [permission = '', argument] = text.split(' ');
  return argument === undefined ? { permission } : { permission, argument };
}

describe('permissions and scopes', () => {
  const effective: readonly (readonly [string, string, string[], string[]])[] = [
    [
      'a superuser with read becomes a reader',
      'patient/*.read',
      ['ROLE_FHIR_CLIENT_SUPERUSER'],
      ['ROLE_FHIR_CLIENT', 'FHIR_ALL_READ'],
    ],
    [
      'a superuser stays one with everything',
      'system/*.*',
      ['ROLE_FHIR_CLIENT_SUPERUSER'],
      ['ROLE_FHIR_CLIENT_SUPERUSER'],
    ],
    [
      'a superuser with one patient does not stay one',
      'patient/*.*',
      ['ROLE_FHIR_CLIENT_SUPERUSER'],
      ['ROLE_FHIR_CLIENT', 'FHIR_ALL_READ', 'FHIR_ALL_WRITE', 'FHIR_ALL_DELETE'],
    ],
    [
      'a superuser with one type',
      'user/Observation.rs',
      ['ROLE_FHIR_CLIENT_SUPERUSER'],
      ['ROLE_FHIR_CLIENT', 'FHIR_READ_ALL_OF_TYPE Observation'],
    ],
    [
      'a reader does not become a writer',
      'user/*.*',
      ['ROLE_FHIR_CLIENT_SUPERUSER_RO'],
      ['ROLE_FHIR_CLIENT_SUPERUSER_RO'],
    ],
    ['a reader with write scopes only', 'user/*.write', ['ROLE_FHIR_CLIENT_SUPERUSER_RO'], []],
    [
      'without resource scopes no data',
      'openid fhirUser',
      ['ROLE_FHIR_CLIENT', 'ROLE_FHIR_CLIENT_SUPERUSER', 'FHIR_ALL_READ'],
      ['ROLE_FHIR_CLIENT'],
    ],
    [
      'types',
      'user/Observation.read',
      ['FHIR_READ_ALL_OF_TYPE Observation', 'FHIR_READ_ALL_OF_TYPE Patient', 'FHIR_WRITE_ALL_OF_TYPE Observation'],
      ['FHIR_READ_ALL_OF_TYPE Observation'],
    ],
    [
      'a compartment',
      'patient/*.read',
      ['FHIR_READ_ALL_IN_COMPARTMENT Patient/1', 'FHIR_WRITE_ALL_IN_COMPARTMENT Patient/1'],
      ['FHIR_READ_ALL_IN_COMPARTMENT Patient/1'],
    ],
    [
      'a compartment and a type',
      'patient/Observation.rs',
      ['FHIR_READ_ALL_IN_COMPARTMENT Patient/1'],
      ['FHIR_READ_TYPE_IN_COMPARTMENT Observation:Patient/1'],
    ],
    [
      'a type in a compartment',
      'patient/Observation.rs',
      ['FHIR_READ_TYPE_IN_COMPARTMENT Observation:Patient/1,Condition:Patient/1'],
      ['FHIR_READ_TYPE_IN_COMPARTMENT Observation:Patient/1'],
    ],
    [
      'instances',
      'patient/Patient.r',
      ['FHIR_READ_INSTANCE Patient/1', 'FHIR_READ_INSTANCE Practitioner/1'],
      ['FHIR_READ_INSTANCE Patient/1'],
    ],
    [
      'an argument that cannot be read',
      'patient/*.rs',
      ['FHIR_READ_ALL_OF_TYPE', 'FHIR_READ_INSTANCE ../x', 'FHIR_READ_ALL_IN_COMPARTMENT *'],
      [],
    ],
    ['administration goes', 'system/*.*', ['CREATE_USER', 'ROLE_SUPERUSER'], []],
    [
      'unless all was asked for',
      'cdr_all_user_authorities',
      ['CREATE_USER', 'FHIR_ALL_READ'],
      ['CREATE_USER', 'FHIR_ALL_READ'],
    ],
    ['operations over all types', 'system/Observation.rs', ['FHIR_OP_INITIATE_BULK_DATA_EXPORT', 'FHIR_GRAPHQL'], []],
    [
      'operations with a wildcard',
      'system/*.rs',
      ['FHIR_OP_INITIATE_BULK_DATA_EXPORT'],
      ['FHIR_OP_INITIATE_BULK_DATA_EXPORT'],
    ],
    [
      'blocks stay',
      'openid',
      ['BLOCK_FHIR_READ_UNLESS_CODE_IN_VS http://x'],
      ['BLOCK_FHIR_READ_UNLESS_CODE_IN_VS http://x'],
    ],
    ['no permissions, no authorities', 'system/*.*', [], []],
  ];
  for (const [name, scopes, held, left] of effective) {
    it(`${name}: ${scopes}`, () => {
      expect(effectivePermissions(scopes.split(' '), held.map(authority))).to.deep.equal(left.map(authority));
    });
  }

  const restricted: readonly (readonly [string, string[], string])[] = [
    ['patient/*.* openid', ['ROLE_FHIR_CLIENT_SUPERUSER'], 'patient/*.* openid'],
    ['system/*.*', ['FHIR_ALL_READ', 'FHIR_ALL_WRITE', 'FHIR_ALL_DELETE'], 'system/*.*'],
    ['system/*.*', ['ROLE_FHIR_CLIENT_SUPERUSER_RO'], 'system/*.read'],
    ['system/*.cruds', ['FHIR_READ_ALL_OF_TYPE Patient'], 'system/Patient.rs'],
    ['system/*.cruds', ['FHIR_WRITE_ALL_OF_TYPE Patient'], 'system/Patient.cu'],
    ['patient/*.read', ['FHIR_READ_ALL_IN_COMPARTMENT Patient/1'], 'patient/*.read'],
    ['system/*.read', ['FHIR_READ_ALL_IN_COMPARTMENT Patient/1'], ''],
    ['system/*.read', ['ROLE_FHIR_CLIENT'], ''],
    ['system/*.dus', ['ROLE_FHIR_CLIENT_SUPERUSER'], ''],
  ];
  for (const [scopes, held, left] of restricted) {
    it(`narrows ${scopes} by ${held.join(' + ')}`, () => {
      expect(restrictScopesByAuthorities(scopes.split(' '), held.map(authority)).join(' ')).to.equal(left);
    });
  }
});
