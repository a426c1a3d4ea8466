/** A FHIR server over HTTP with more patients than any list: searched, in parts, strict; and ill where a test wants it. */
import { createServer, type ServerResponse } from 'node:http';

type StoredRecord = Readonly<Record<string, unknown>> & { readonly resourceType: string; readonly id: string };

/** How it fails. */
export type Illness =
  'unwell' | 'refuses' | 'silent' | 'huge' | 'garbage' | 'no-bundle' | 'foreign-next' | 'endless' | 'ignores';

export interface FhirRecords {
  readonly url: string;
  /** The queries it was asked, with the credential of each. */
  readonly asked: { readonly path: string; readonly query: URLSearchParams; readonly authorization?: string }[];
  illness: Illness | undefined;
  close(): Promise<void>;
}

export const recordsToken = 'the tenant’s own token'.replace(/[^a-z]/g, '-');
const given = ['Ana', 'Ben', 'Chiara', 'Dieter', 'Élodie'];
const family = ['García', 'Lindqvist', 'Okafor', 'Müller', 'Tanaka', 'O’Brien'];

function patient(number: number, doctor: string): StoredRecord {
  const name = { use: 'official', given: [given[number % 5]], family: family[number % 6] };
  return {
    resourceType: 'Patient',
    id: `p${number}`,
    name: [{ use: 'nickname', text: 'Nobody' }, name],
    birthDate: `19${String(50 + (number % 40))}-0${1 + (number % 9)}-1${number % 10}`,
    gender: number % 2 === 0 ? 'female' : 'male',
    identifier: [
      { system: 'urn:other', value: 'another number' },
      { system: 'urn:mrn', value: `MRN-${1000 + number}` },
    ],
    generalPractitioner: [{ reference: `Practitioner/${doctor}` }],
  };
}

function visit(id: string, subject: string, status = 'in-progress'): StoredRecord {
  return {
    resourceType: 'Encounter',
    id,
    status,
    subject: { reference: subject },
    type: [{ text: 'Check-up' }],
    reasonCode: [{ text: `Reason of ${id}` }],
    period: { start: '2026-05-20T09:00:00Z' },
  };
}

/** 2 500 patients of one doctor and three of another; visits of the first few. */
const records: readonly StoredRecord[] = [
  ...Array.from({ length: 2500 }, (_, number) => patient(number, 'busy')),
  ...[9001, 9002, 9003].map((number) => patient(number, 'other')),
  visit('p1-open', 'Patient/p1'),
  visit('p1-done', 'Patient/p1', 'finished'),
  visit('p2-a', 'Patient/p2'),
  visit('p2-b', 'Patient/p2'),
  visit('elsewhere', 'https://elsewhere.example/fhir/Patient/p2'),
];

/** The alternatives of a value: a comma parts them, unless a backslash stands before it. */
const alternatives = (value: string) => value.split(/(?<!\\),/).map((each) => each.replace(/\\(.)/g, '$1'));
const plain = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

function matches(record: StoredRecord, name: string, value: string): boolean | undefined {
  const any = (test: (one: string) => boolean) => alternatives(value).some(test);
  const members = record as unknown as Readonly<Record<string, never>>;
  const names = (members['name'] as undefined | { given?: string[]; family?: string }[]) ?? [];
  const words = names.flatMap((one) => [...(one.given ?? []), one.family ?? '']).map(plain);
  const subject = (members['subject'] as undefined | { reference: string })?.reference;
  switch (name) {
    case '_id':
      return any((one) => one === record.id);
    case 'name':
      return any((one) => words.some((word) => word.startsWith(plain(one))));
    case 'birthdate':
      return any((one) => one === members['birthDate']);
    case 'status':
      return any((one) => one === members['status']);
    case 'patient':
      return any((one) => subject?.endsWith(`Patient/${one}`) ?? false);
    case 'identifier':
      return (members['identifier'] as undefined | { system: string; value: string }[])?.some((one) =>
        any((each) => each === `${one.system}|${one.value}`),
      );
    case 'general-practitioner':
      return any(
        (one) => (members['generalPractitioner'] as undefined | { reference: string }[])?.[0]?.reference === one,
      );
    default:
      return undefined;
  }
}

const known = ['_id', 'name', 'birthdate', 'status', 'patient', 'identifier', 'general-practitioner'];

export async function startFhirRecords(): Promise<FhirRecords> {
  const asked: FhirRecords['asked'] = [];
  const state: { illness: Illness | undefined } = { illness: undefined };
  let base = '';
  const answer = (response: ServerResponse, body: unknown, status = 200) =>
    void response
      .writeHead(status, { 'content-type': 'application/fhir+json' })
      .end(typeof body === 'string' ? body : JSON.stringify(body));
  const server = createServer((request, response) => {
    const { pathname: path, searchParams: query } = new URL(request.url ?? '/', base);
    const { authorization } = request.headers;
    asked.push({ path, query, ...(authorization === undefined ? {} : { authorization }) });
    const outcome = { resourceType: 'OperationOutcome' };
    if (authorization !== `Bearer ${recordsToken}`) return answer(response, outcome, 401);
    if (state.illness === 'unwell') return answer(response, outcome, 503);
    if (state.illness === 'refuses') return answer(response, outcome, 400);
    if (state.illness === 'silent') return undefined;
    if (state.illness === 'huge') return answer(response, `"${'x'.repeat(3_000_000)}"`);
    if (state.illness === 'garbage') return answer(response, '<html>maintenance</html>');
    if (state.illness === 'no-bundle') return answer(response, [{ resourceType: 'Patient', id: 'p1' }]);
    const conditions = [...query].filter(([name]) => !name.startsWith('_') || name === '_id');
    const unknown = conditions.filter(([name]) => !known.includes(name));
    if (unknown.length > 0) return answer(response, outcome, 400);
    const heeded = state.illness === 'ignores' ? conditions.filter(([name]) => name === '_id') : conditions;
    const type = path.split('/').pop();
    const found = records.filter(
      (record) => record.resourceType === type && heeded.every(([name, value]) => matches(record, name, value)),
    );
    const size = Number(query.get('_count'));
    const at = Number(query.get('_at') ?? 0);
    const here = new URL(`${base}${path}`);
    for (const [name, value] of [...heeded, ['_count', String(size)]])
      here.searchParams.append(name ?? '', value ?? '');
    const next = new URL(here);
    next.searchParams.set('_at', String(state.illness === 'endless' ? 0 : at + size));
    if (state.illness === 'foreign-next') next.host = 'localhost:9';
    const more = at + size < found.length || state.illness === 'endless' || state.illness === 'foreign-next';
    return answer(response, {
      resourceType: 'Bundle',
      type: 'searchset',
      ...(query.has('name') ? {} : { total: found.length }),
      link: [{ relation: 'self', url: here.href }, ...(more ? [{ relation: 'next', url: next.href }] : [])],
      entry: [
        ...found.slice(at, at + size).map((resource) => ({ resource, search: { mode: 'match' } })),
        { resource: outcome, search: { mode: 'outcome' } },
        { resource: { resourceType: 'Patient', id: 'included' }, search: { mode: 'include' } },
      ],
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  base = `http://127.0.0.1:${port}`;
  return {
    url: `${base}/r4`,
    asked,
    get illness() {
      return state.illness;
    },
    set illness(illness) {
      state.illness = illness;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
