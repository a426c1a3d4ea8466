/** Two small FHIR servers that read and search made-up records. */

interface Resource {
  readonly resourceType: string;
  readonly id: string;
  readonly [element: string]: unknown;
}

const identifier = (system: string, value: string) => [{ system, value }];

const patient = (id: string, given: string, family: string, birthDate: string, gender: string, number: string) => ({
  resourceType: 'Patient',
  id,
  active: true,
  name: [{ use: 'official', given: [given], family }],
  birthDate,
  gender,
  identifier: [
    { system: 'urn:hospital:mrn', value: `MRN-${number}` },
    { system: 'urn:national:health-number', value: `N-${birthDate.replaceAll('-', '').slice(2)}` },
  ],
  generalPractitioner: [{ reference: 'Practitioner/drsmith' }],
});

const role = (id: string, practitioner: string, active: boolean, code: string, organization: string) => ({
  resourceType: 'PractitionerRole',
  id,
  active,
  practitioner: { reference: `Practitioner/${practitioner}` },
  code: [{ coding: [{ system: 'urn:hospital:role', code }] }],
  organization: { reference: `Organization/${organization}` },
});

const practitioner = (id: string, number: string) => ({
  resourceType: 'Practitioner',
  id,
  active: true,
  identifier: identifier('urn:hospital:employee', number),
});

const group = (id: string, active: boolean) => ({ resourceType: 'Group', id, type: 'person', actual: true, active });

const servers: Readonly<Record<string, readonly Resource[]>> = {
  fhir: [
    practitioner('drsmith', '1001'),
    practitioner('drjones', '1002'),
    practitioner('jones-again', '1002'),
    role('r1', 'drsmith', true, 'physician', 'cardiology'),
    role('r2', 'drsmith', true, 'on-call', 'emergency'),
    role('r3', 'retired', false, 'physician', 'cardiology'),
    patient('p1', 'Jane', 'Doe', '1984-06-02', 'female', '10000'),
    patient('p2', 'Peter', 'Chalmers', '1974-12-25', 'male', '10137'),
    patient('p3', 'Jane', 'Doe', '1950-01-19', 'female', '10685'),
    group('diabetes-registry', true),
    group('closed-study', false),
  ],
  research: [practitioner('r-77', '1001')],
};

interface FhirAnswer {
  readonly status: number;
  readonly body: unknown;
}

const outcome = (status: number, diagnostics: string): FhirAnswer => ({
  status,
  body: { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'processing', diagnostics }] },
});

/** @param path what follows the server's base: a type, or a type and an id. */
export function answerFhir(
  server: string,
  [type = '', id]: readonly string[],
  query: URLSearchParams,
  authorization: string,
): FhirAnswer {
  // Any token will do here; a real server verifies it.
  if (!/^Bearer \S+$/.test(authorization)) return outcome(401, 'a token is needed');
  const all = (servers[server] ?? []).filter(({ resourceType }) => resourceType === type);
  if (id !== undefined) {
    const found = all.find((resource) => resource.id === id);
    return found ? { status: 200, body: found } : outcome(404, 'there is no such resource');
  }
  const parameters = [...query].filter(([name]) => name !== '_count' && name !== '_sort');
  const stranger = parameters.find(([name]) => !Object.hasOwn(matchers, name));
  if (stranger) return outcome(400, `the search parameter ${stranger[0]} is not known here`);
  const found = all.filter((resource) => parameters.every(([name, value]) => matchers[name]?.(resource, value)));
  const entry = found.slice(0, Number(query.get('_count') ?? 100)).map((resource) => ({ resource }));
  return { status: 200, body: { resourceType: 'Bundle', type: 'searchset', total: found.length, entry } };
}

type Matcher = (resource: Resource, value: string) => boolean;

const names = (resource: Resource) => (resource['name'] ?? []) as { family?: string; given?: readonly string[] }[];

const matchers: Readonly<Record<string, Matcher>> = {
  identifier: ({ identifier: list = [] }, value) =>
    (list as { system: string; value: string }[]).some((each) => `${each.system}|${each.value}` === value),
  active: ({ active }, value) => String(active) === value,
  birthdate: ({ birthDate }, value) => birthDate === value,
  gender: ({ gender }, value) => gender === value,
  'family:exact': (resource, value) => names(resource).some(({ family }) => family === value),
  'given:exact': (resource, value) => names(resource).some(({ given = [] }) => given.includes(value)),
  'general-practitioner': ({ generalPractitioner = [] }, value) =>
    (generalPractitioner as { reference: string }[]).some(({ reference }) => reference === value),
  practitioner: (resource, value) => (resource['practitioner'] as { reference?: string })?.reference === value,
};
