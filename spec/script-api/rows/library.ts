import { does, importing, type Row, type Rows } from './row.ts';

const at = (run: string, expected: unknown): Row => does('onPostAuthorize', run, expected);
const caught = (call: string, what: string) =>
  `{ try { await ${call}; return 'nothing'; } catch (error) { return ${what}; } }`;

const echo = `'https://api.example/echo'`;
const httpVerbs = ['get', 'head', 'post', 'put', 'patch', 'del'] as const;
const http = importing(`import * as http from 'sallyport/http';`, {
  'sallyport/http.request': at(`(await http.request(new URL(${echo}), { method: 'patch' })).json().method`, 'PATCH'),
  ...Object.fromEntries(
    httpVerbs.map((verb) => [
      `sallyport/http.${verb}`,
      at(`(await http.${verb}(${echo})).json().method`, verb === 'del' ? 'DELETE' : verb.toUpperCase()),
    ]),
  ),
  'sallyport/http:HttpOptions.headers': at(`(await http.get(${echo}, { headers: { 'x-a': '1' } })).json().headers`, {
    'x-a': '1',
  }),
  'sallyport/http:HttpOptions.body': at(`(await http.post(${echo}, { body: 'a=1' })).json().body`, 'a=1'),
  'sallyport/http:HttpOptions.json': at(
    `{ const sent = (await http.post(${echo}, { json: { a: 1 } })).json(); return [sent.body, sent.headers]; }`,
    ['{"a":1}', { 'content-type': 'application/json' }],
  ),
  // How long and how often the engine tries is seen from outside, in `conformance.spec.ts`.
  'sallyport/http:HttpOptions.timeoutMilliseconds': at(
    `(await http.get(${echo}, { timeoutMilliseconds: 1234 })).status`,
    200,
  ),
  'sallyport/http:HttpOptions.retries': at(
    caught(`http.get('https://retry.example/', { retries: 2 })`, 'error.code'),
    'unreachable',
  ),
  'sallyport/http:HttpAnswer.status': at(`(await http.get('https://api.example/missing')).status`, 404),
  'sallyport/http:HttpAnswer.ok': at(
    `[(await http.get(${echo})).ok, (await http.get('https://api.example/missing')).ok]`,
    [true, false],
  ),
  'sallyport/http:HttpAnswer.headers': at(`(await http.get(${echo})).headers['x-test']`, 'Yes'),
  'sallyport/http:HttpAnswer.text': at(`(await http.get('https://api.example/missing')).text`, 'nothing here'),
  'sallyport/http:HttpAnswer.json': at(`(await http.get(${echo})).json().url`, 'https://api.example/echo'),
  'sallyport/http:HttpError.code': at(
    caught(`http.get('https://other.example/')`, `[error instanceof http.HttpError, error.name, error.code]`),
    [true, 'HttpError', 'unreachable'],
  ),
});

const patient = `{ resourceType: 'Patient', id: 'jane' }`;
const calls = (prefix: string, on: string): Rows => ({
  [`${prefix}.read`]: at(`[(await ${on}.read('Patient/jane'))?.id, (await ${on}.read('Patient/none')) === undefined]`, [
    'jane',
    true,
  ]),
  [`${prefix}.search`]: at(
    `(await ${on}.search('Patient', { birthdate: ['ge1980', 'lt1990'], _count: 5, active: true })).map(({ id, asked }) => [id, asked ?? null])`,
    [
      ['first', '?birthdate=ge1980&birthdate=lt1990&_count=5&active=true'],
      ['second', null],
    ],
  ),
  [`${prefix}.searchBundle`]: at(`(await ${on}.searchBundle('Patient')).total`, 2),
  [`${prefix}.create`]: at(`(await ${on}.create({ resourceType: 'Patient' })).id`, 'new'),
  [`${prefix}.update`]: at(`(await ${on}.update(${patient})).meta.versionId`, '2'),
  [`${prefix}.remove`]: at(
    `[(await ${on}.remove('Patient/jane')) === undefined, (await ${on}.remove('Patient/none')) === undefined]`,
    [true, true],
  ),
  [`${prefix}.operation`]: at(
    `[(await ${on}.operation('Patient/jane/$everything')).method, (await ${on}.operation('Patient/$match', { resourceType: 'Parameters' })).method]`,
    ['GET', 'POST'],
  ),
  [`${prefix}.transaction`]: at(
    `(await ${on}.transaction({ resourceType: 'Bundle', type: 'batch' })).type`,
    'transaction-response',
  ),
});
const refused = (what: string) => caught(`fhir.create({ resourceType: 'Patient', id: 'refused' })`, what);
const fhir = importing(`import * as fhir from 'sallyport/fhir';`, {
  ...calls('sallyport/fhir', 'fhir'),
  ...calls('sallyport/fhir:FhirClient', `fhir.server('second')`),
  'sallyport/fhir.server': at(`(await fhir.server('second').read('Patient/a'))?.server`, 'https://second.example'),
  'sallyport/fhir:Resource.resourceType': at(`(await fhir.read('Patient/jane'))?.resourceType`, 'Patient'),
  'sallyport/fhir:Resource.id': at(`(await fhir.read('Patient/jane'))?.id`, 'jane'),
  'sallyport/fhir:Bundle.entry': at(`(await fhir.searchBundle('Patient')).entry?.[0]?.resource?.id`, 'first'),
  'sallyport/fhir:FhirError.status': at(
    refused(`[error instanceof fhir.FhirError, error.name, error.status, error.message]`),
    [true, 'FhirError', 422, 'creating a Patient failed: the resource is refused'],
  ),
  'sallyport/fhir:FhirError.outcome': at(refused(`error.outcome.resourceType`), 'OperationOutcome'),
});

const kv = importing(`import * as kv from 'sallyport/kv';`, {
  'sallyport/kv.get': at(`[(await kv.get('none')) === undefined]`, [true]),
  'sallyport/kv.set': at(`{ await kv.set('a', { b: [1] }); return kv.get('a'); }`, { b: [1] }),
  'sallyport/kv.remove': at(
    `{ await kv.set('c', 1); await kv.remove('c'); return (await kv.get('c')) === undefined; }`,
    true,
  ),
  'sallyport/kv.increment': at(`[await kv.increment('n'), await kv.increment('n', 5), await kv.get('n')]`, [1, 6, 6]),
  'sallyport/kv:KeepOptions.ttlSeconds': at(
    `{ await kv.set('t', 1, { ttlSeconds: 60 }); ${caught(`kv.set('t', 1, { ttlSeconds: 31 * 86400 })`, '[await kv.get("t"), error.code]').slice(1)}`,
    [1, 'ttl'],
  ),
  'sallyport/kv:KvError.code': at(caught(`kv.set('', 1)`, `[error instanceof kv.KvError, error.name, error.code]`), [
    true,
    'KvError',
    'key',
  ]),
});

const cryptography = importing(`import * as cryptography from 'sallyport/crypto';`, {
  'sallyport/crypto.sha256': at(
    `cryptography.sha256('text')`,
    '982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1',
  ),
  'sallyport/crypto.hmacSha256': at(
    `cryptography.hmacSha256('key', 'text')`,
    '6afa9046a9579cad143a384c1b564b9a250d27d6f6a63f9f20bf3a7594c9e2c6',
  ),
  'sallyport/crypto.randomId': at(
    `[/^[\\w-]{22}$/.test(cryptography.randomId()), cryptography.randomId(32).length, cryptography.randomId() === cryptography.randomId()]`,
    [true, 43, false],
  ),
  'sallyport/crypto.equal': at(
    `[cryptography.equal('abc', 'abc'), cryptography.equal('abc', 'abd'), cryptography.equal('', 'a')]`,
    [true, false, false],
  ),
});

const member = (scope: string, kind: string, name: string, expected: unknown): Row =>
  at(
    `{ const scope = scopes.parse('${scope}'); return scope?.kind === '${kind}' ? scope.${name} : 'another kind'; }`,
    expected,
  );
const resource = 'patient/Observation.rs?category=laboratory';
const launch = 'launch/imagingstudy?role=context';
const scopes = importing(`import * as scopes from 'sallyport/scopes';`, {
  'sallyport/scopes.parse': at(
    `[scopes.parse('patient/*.read')?.kind, scopes.parse('patient/Observation.rx') === undefined]`,
    ['resource', true],
  ),
  'sallyport/scopes.format': at(
    `{ const scope = scopes.parse('patient/*.rs'); return scope && scopes.format(scope); }`,
    'patient/*.rs',
  ),
  'sallyport/scopes.covers': at(
    `[scopes.covers('patient/*.rs', 'patient/Observation.read'), scopes.covers('patient/Observation.read', 'patient/*.rs'), scopes.covers('a b', 'a b')]`,
    [true, false, false],
  ),
  'sallyport/scopes.intersect': at(
    `scopes.intersect(['patient/*.rs', 'openid'], ['patient/Observation.cruds', 'openid'])`,
    ['patient/Observation.rs', 'openid'],
  ),
  'sallyport/scopes.union': at(`scopes.union(['patient/*.r'], ['patient/*.s', 'patient/Observation.r'])`, [
    'patient/*.rs',
  ]),
  'sallyport/scopes.narrow': at(
    `scopes.narrow(['patient/*.rs', 'user/*.rs', 'openid'], (scope) => scope.kind !== 'resource' || scope.context === 'patient')`,
    ['patient/*.rs', 'openid'],
  ),
  'sallyport/scopes:ResourceScope.kind': member(resource, 'resource', 'kind', 'resource'),
  'sallyport/scopes:ResourceScope.context': member(resource, 'resource', 'context', 'patient'),
  'sallyport/scopes:ResourceScope.resourceType': member(resource, 'resource', 'resourceType', 'Observation'),
  'sallyport/scopes:ResourceScope.permissions': member(resource, 'resource', 'permissions', ['r', 's']),
  'sallyport/scopes:ResourceScope.query': member(resource, 'resource', 'query', [['category', 'laboratory']]),
  'sallyport/scopes:ResourceScope.notation': member(resource, 'resource', 'notation', 'v2'),
  'sallyport/scopes:LaunchScope.kind': member(launch, 'launch', 'kind', 'launch'),
  'sallyport/scopes:LaunchScope.resourceType': member(launch, 'launch', 'resourceType', 'imagingstudy'),
  'sallyport/scopes:LaunchScope.role': member(launch, 'launch', 'role', 'context'),
  'sallyport/scopes:PlainScope.kind': member('openid', 'plain', 'kind', 'plain'),
  'sallyport/scopes:PlainScope.text': member('openid', 'plain', 'text', 'openid'),
});

const secrets = importing(`import { secret } from 'sallyport/secrets';`, {
  'sallyport/secrets.secret': at(
    `{ ${caught(`secret('other')`, `[secret('apiKey').length, error.message]`).slice(1)}`,
    [14, 'the secret other is not for this hook: name the hook in secrets.other.hooks'],
  ),
});

export const libraryRows: Rows = { ...http, ...fhir, ...kv, ...cryptography, ...scopes, ...secrets };
