// Finds the record that a partner means: exactly one, or none.
import { type Resource, search } from 'sallyport/fhir';

interface Identifier {
  readonly system?: string;
  readonly value?: string;
}

/** @returns its id; undefined where nothing or more than one thing matches. The partner cannot tell the two apart. */
export async function matchingRecord(wanted: Resource | null): Promise<string | undefined> {
  if (!wanted) return undefined;
  const identifiers = knownIdentifiers(wanted.identifier ?? []);
  const [record, ...others] = identifiers.length > 0 ? await byIdentifiers(identifiers) : await byPerson(wanted);
  // A number with a slip in it is somebody else's. What the partner does not say cannot disagree.
  const agrees = wanted.birthDate === undefined || wanted.birthDate === record?.birthDate;
  return others.length === 0 && agrees ? record?.id : undefined;
}

/** An identifier without a system, or of one that is not ours, says nothing about our patients. */
function knownIdentifiers(identifiers: readonly Identifier[]): readonly string[] {
  const systems = (Environment.getEnv('IDENTIFIER_SYSTEMS') ?? '').split(' ');
  return identifiers.flatMap(({ system, value }) =>
    system && value && systems.includes(system) ? [`${system}|${literal(value)}`] : [],
  );
}

/** Several identifiers are all to be those of one patient: a list of values stands for repeated parameters. */
function byIdentifiers(identifiers: readonly string[]): Promise<readonly Resource[]> {
  return search('Patient', { identifier: identifiers, active: true, _count: 2 });
}

/** Name, birth date and sex together, or nothing at all: two of them are shared by too many people. */
async function byPerson({ name, birthDate, gender }: Resource): Promise<readonly Resource[]> {
  const { family, given } = name?.[0] ?? {};
  if (!family || !given?.[0] || !birthDate || !gender) return [];
  return search('Patient', {
    // Without `:exact` the first letter of a name would do.
    'family:exact': literal(family),
    'given:exact': literal(given[0]),
    birthdate: literal(birthDate),
    gender: literal(gender),
    active: true,
    _count: 2,
  });
}

/** A comma in a search means "or": a partner could ask for all names at once. */
function literal(value: unknown): string {
  return String(value).replace(/[\\$,|]/g, '\\$&');
}
