import { does, type Row, type Rows } from './row.ts';

const at = (run: string, expected: unknown): Row => does('onPostAuthorize', run, expected);
const search = `Fhir.search().forResource('Patient')`;
/** What the server was asked, decoded. */
const asked = (conditions: string) => `${search}${conditions}.first()?.asked`;
const thrown = (call: string) => `(() => { try { ${call}; return null; } catch (error) { return error; } })()`;

export const fhirRows: Rows = {
  'FhirResource.resourceType': at(`Fhir.read('Patient/jane')?.resourceType`, 'Patient'),
  'FhirResource.toJson': at(
    `[JSON.parse(Fhir.read('Patient/jane')?.toJson?.() ?? '{}').id, ${search}.asList().get(0).toJson?.().includes('Patient')]`,
    ['jane', true],
  ),
  'FhirResource.id': at(`Fhir.read('Patient/jane')?.id`, 'jane'),
  'ResourceBuilderApi.build': at(
    `{ const patient = ResourceBuilder.build('Patient'); patient.name = [{ family: 'Smith' }];
      return [patient, ${thrown(`ResourceBuilder.build('no type')`)} !== null]; }`,
    [{ resourceType: 'Patient', name: [{ family: 'Smith' }] }, true],
  ),
  'FhirClientFactoryApi.newClient': at(
    `[FhirClientFactory.newClient('https://api.fhir.example/base').read('Patient/a')?.server, FhirClientFactory.newClient('second').read('Patient/a')?.server]`,
    ['https://api.fhir.example', 'https://second.example'],
  ),
  'FhirClient.read': at(`[Fhir.read('Patient/jane')?.id, Fhir.read('Patient/none')]`, ['jane', null]),
  'FhirClient.search': at(`[Fhir.search('Patient').asList().size(), ${thrown(`Fhir.search().asList()`)}.message]`, [
    2,
    'search() needs forResource(type)',
  ]),
  'FhirClient.create': at(
    `{ const patient = ResourceBuilder.build('Patient'); const answer = Fhir.create(patient);
      const error = ${thrown(`Fhir.create({ resourceType: 'Patient', id: 'refused' })`)};
      return [answer === undefined, patient.id, error.message, error.status, error.outcome.resourceType]; }`,
    [true, 'new', 'creating a Patient failed: the resource is refused', 422, 'OperationOutcome'],
  ),
  'FhirClient.update': at(
    `{ const patient = { resourceType: 'Patient', id: 'jane' }; const answer = Fhir.update(patient);
      return [answer === undefined, ${thrown(`Fhir.update({ resourceType: 'Patient', id: 'refused' })`)}.status]; }`,
    [true, 422],
  ),
  'FhirClient.delete': at(`[Fhir.delete('Patient/jane') === undefined, Fhir.delete('Patient/none') === undefined]`, [
    true,
    true,
  ]),
  'FhirClient.operation': at(
    `[Fhir.operation('Patient/jane/$everything').method, Fhir.operation('Patient/$match', { resourceType: 'Parameters', parameter: [{ name: 'a' }] }).parameter]`,
    ['GET', [{ name: 'a' }]],
  ),
  'FhirClient.transaction': at(
    `[Fhir.transaction({ resourceType: 'Bundle', type: 'transaction' }).type, ${thrown(`Fhir.transaction({ resourceType: 'Patient' })`)}.message]`,
    ['transaction-response', 'transaction takes a Bundle'],
  ),
  'FhirSearch.forResource': at(
    `[${search}.first()?.resourceType, ${thrown(`Fhir.search().forResource('a/b')`)} !== null]`,
    ['Patient', true],
  ),
  'FhirSearch.where': at(asked(`.where('identifier', 'urn:mrn|1')`), '?identifier=urn:mrn|1'),
  'FhirSearch.whereToken': at(
    `[${asked(`.whereToken('identifier', 'urn:mrn', 'a,b')`)}, ${asked(`.whereToken('gender', 'male')`)}, ${asked(`.whereToken('a', null, 'b')`)}]`,
    ['?identifier=urn:mrn|a\\,b', '?gender=male', '?a=b'],
  ),
  'FhirSearch.whereString': at(asked(`.whereString('name', 'a|b,c')`), '?name=a\\|b\\,c'),
  'FhirSearch.whereReference': at(
    asked(`.whereReference('organization', 'Organization/1')`),
    '?organization=Organization/1',
  ),
  'FhirSearch.whereDate': at(
    `[${asked(`.whereDate('birthdate', 'ge', '1980-01-01')`)}, ${asked(`.whereDate('birthdate', '1980')`)}]`,
    ['?birthdate=ge1980-01-01', '?birthdate=1980'],
  ),
  'FhirSearch.include': at(asked(`.include('Patient:organization')`), '?_include=Patient:organization'),
  'FhirSearch.sort': at(asked(`.where('a', 'b').sort('-birthdate')`), '?a=b&_sort=-birthdate'),
  'FhirSearch.count': at(asked(`.count(5)`), '?_count=5'),
  'FhirSearch.asList': at(`[${search}.asList().map(({ id }) => id), ${search}.asList().get(0).resourceType]`, [
    ['first', 'second'],
    'Patient',
  ]),
  'FhirSearch.asBundle': at(`[${search}.asBundle().total, ${search}.where('a', 'b').asBundle().link[0].url]`, [
    2,
    '?a=b',
  ]),
  'FhirSearch.first': at(`${search}.first()?.id`, 'first'),
};
