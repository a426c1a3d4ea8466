/** `Fhir` and what it makes: calls to FHIR servers that look synchronous. */
import type { Model } from '../entry.ts';
import { different, method, model, ours, property, same, signature } from '../make.ts';

const plainJson =
  'Resources are FHIR JSON, so that repeating elements are arrays: `patient.name = [{ family: "Smith", given: ["John"] }]`. Smile CDR’s Java objects take `patient.name.family = "Smith"`.';

export const fhirModels: readonly Model[] = [
  model(
    'FhirResource',
    different(plainJson),
    'A FHIR resource in JSON.',
    [
      property('resourceType', 'string', same, 'Its type.'),
      property('id', 'string', same, 'Its id, without its type.', { optional: true }),
      property('toJson', '() => string', same, 'Answers its JSON text. Only what `Fhir` answered has it.', {
        optional: true,
      }),
    ],
    { others: 'any' },
  ),
  model('ResourceBuilderApi', same, 'Makes FHIR resources.', [
    method(
      'build',
      'type: string',
      'FhirResource',
      different(`${plainJson} What it makes has its \`resourceType\` only.`),
      'A resource of a type, to be filled in.',
    ),
  ]),
  model('FhirClientFactoryApi', same, 'Makes clients of other FHIR servers.', [
    method(
      'newClient',
      'address: string',
      'FhirClient',
      different(
        'The host must be one that the tenant allows. No credential is sent, unless the address or the name is one of the tenant’s `fhirServers`.',
      ),
      'A client of the FHIR server at an address, or of one of the tenant’s by its name.',
    ),
  ]),
  model(
    'FhirClient',
    same,
    'Calls to a FHIR server. What it refuses is thrown, with `status` and `outcome` (the OperationOutcome).',
    [
      method(
        'read',
        'reference: string',
        'FhirResource | null',
        same,
        'A resource such as `Patient/123`; null where there is none.',
      ),
      method(
        'search',
        'type?: string',
        'FhirSearch',
        same,
        'A search to be built up: `Fhir.search().forResource("Patient")…asList()`.',
      ),
      method('create', 'resource: FhirResource', 'void', same, 'Creates a resource. Its `id` is filled in.'),
      method('update', 'resource: FhirResource', 'void', same, 'Replaces a resource, or creates it under its id.'),
      method('delete', 'reference: string', 'void', same, 'Deletes a resource; one that is gone is fine.'),
      method(
        'operation',
        'path: string, parameters?: FhirResource',
        'any',
        different('The path of the operation and its Parameters resource are given as FHIR has them on the wire.'),
        'Runs an operation, such as `Patient/123/$everything`; with parameters it is a POST.',
      ),
      method(
        'transaction',
        'bundle: FhirResource',
        'any',
        same,
        'Runs a Bundle of type `transaction` or `batch`; answers the Bundle of the results.',
      ),
    ],
  ),
  model('FhirSearch', same, 'A search that is being built up. Each condition narrows it.', [
    method('forResource', 'type: string', 'FhirSearch', same, 'The type of the resources.'),
    method(
      'where',
      'parameter: string, value: string',
      'FhirSearch',
      same,
      'A condition as it stands in a query: `where("identifier", "urn:mrn|123")`.',
    ),
    method(
      'whereToken',
      'parameter: string, system: string | null, value: string',
      'FhirSearch',
      same,
      'A code or an identifier of a system; null stands for none.',
      { also: [signature('parameter: string, value: string', 'FhirSearch')] },
    ),
    method(
      'whereString',
      'parameter: string, value: string',
      'FhirSearch',
      ours,
      'A text, whose characters mean themselves.',
    ),
    method(
      'whereReference',
      'parameter: string, reference: string',
      'FhirSearch',
      ours,
      'A reference such as `Patient/123`.',
    ),
    method(
      'whereDate',
      'parameter: string, prefix: "eq" | "ne" | "gt" | "lt" | "ge" | "le" | "sa" | "eb" | "ap", date: string',
      'FhirSearch',
      ours,
      'A date: `whereDate("date", "ge", "2026-01-01")`.',
      { also: [signature('parameter: string, date: string', 'FhirSearch')] },
    ),
    method(
      'include',
      'what: string',
      'FhirSearch',
      ours,
      'Brings what is referred to along: `Encounter:patient`. It stands in `asList()`, too.',
    ),
    method('sort', 'parameter: string', 'FhirSearch', ours, 'The order; with `-` in front from the end.'),
    method('count', 'most: number', 'FhirSearch', ours, 'How many at most.'),
    method(
      'asList',
      '',
      'JavaList<FhirResource>',
      different('The first page only; ask for more with `count(n)`. The `id` of a resource is bare, without its type.'),
      'Runs the search; answers the resources.',
    ),
    method('asBundle', '', 'any', ours, 'Runs the search; answers the Bundle, with its links and its total.'),
    method('first', '', 'FhirResource | null', ours, 'Runs the search; answers the first resource, or null.'),
  ]),
];
