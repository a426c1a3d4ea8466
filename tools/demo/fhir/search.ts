/** Searches the demo resources (FHIR R4, search): the parameters apps for patient records use most. */
import type { Access } from './scope.ts';
import { insufficientScope, problem } from './outcome.ts';
import type { FhirProblem } from './outcome.ts';
import { matchesToken, patientOf } from './resource.ts';
import type { Resource } from './resource.ts';

type Matcher = (resource: Resource, value: string) => boolean;

/** `jane`, `Patient/jane`; an absolute reference counts by its last two parts. Commas mean "or". */
function patientIds(value: string): string[] {
  return value.split(',').map((reference) => reference.replace(/^(?:.*\/)?Patient\//, ''));
}

function wordsOf({ name }: Resource): string[] {
  if (typeof name === 'string') return [name];
  return (name ?? []).flatMap((part) => [part.family ?? '', part.text ?? '', ...(part.given ?? [])]);
}

const byPatient: Matcher = (resource, value) => {
  const owner = resource.resourceType === 'Patient' ? undefined : patientOf(resource);
  return owner !== undefined && patientIds(value).includes(owner);
};

const MATCHERS: Readonly<Record<string, Matcher>> = {
  patient: byPatient,
  subject: byPatient,
  _id: (resource, value) => value.split(',').includes(resource.id),
  name: (resource, value) => {
    const prefixes = value.toLowerCase().split(',');
    return wordsOf(resource).some((word) => prefixes.some((prefix) => word.toLowerCase().startsWith(prefix)));
  },
  code: (resource, value) => matchesToken(resource.code ? [resource.code] : [], value),
  category: (resource, value) => matchesToken(resource.category ?? [], value),
};

/** Parameters that shape the answer and never widen it; they may be left unheeded, and are then not in the self link. */
const UNHEEDED = new Set(['_format', '_pretty', '_sort', '_summary', '_elements', '_total']);
const DEFAULT_PAGE = 100;
const LARGEST_PAGE = 500;

export interface SearchQuery {
  readonly base: string;
  readonly resourceType: string;
  readonly parameters: readonly (readonly [string, string])[];
}

function pageSize(value: string | undefined): number | FhirProblem {
  if (value === undefined) return DEFAULT_PAGE;
  if (!/^\d{1,6}$/.test(value)) return problem(400, 'invalid', 'The parameter _count must be a whole number.');
  return Math.min(Number(value), LARGEST_PAGE);
}

/**
 * Runs a search over what the access lets through.
 * @returns a Bundle of type searchset, or the 400 or 403 to answer with
 */
export function search(resources: readonly Resource[], query: SearchQuery, access: Access): object | FhirProblem {
  const heeded = query.parameters.filter(([name]) => !UNHEEDED.has(name));
  const unknown = heeded.find(([name]) => name !== '_count' && !Object.hasOwn(MATCHERS, name));
  if (unknown) {
    const known = [...Object.keys(MATCHERS), '_count'].join(', ');
    return problem(400, 'not-supported', `This search parameter is not supported; supported are ${known}.`);
  }
  const size = pageSize(heeded.find(([name]) => name === '_count')?.[1]);
  if (typeof size !== 'number') return size;
  const allowed = access.patients;
  const asked = heeded.filter(([name]) => name === 'patient' || name === 'subject');
  if (allowed && asked.some(([, value]) => !patientIds(value).every((id) => allowed.includes(id)))) {
    return insufficientScope('The token does not cover this patient.');
  }
  const matches = resources.filter(
    (resource) =>
      resource.resourceType === query.resourceType &&
      access.visible(resource) &&
      heeded.every(([name, value]) => name === '_count' || MATCHERS[name]?.(resource, value) === true),
  );
  const queryString = new URLSearchParams(heeded.map(([name, value]) => [name, value])).toString();
  const self = `${query.base}/${query.resourceType}${queryString === '' ? '' : `?${queryString}`}`;
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    total: matches.length,
    link: [{ relation: 'self', url: self }],
    entry: matches.slice(0, size).map((resource) => ({
      fullUrl: `${query.base}/${resource.resourceType}/${resource.id}`,
      resource,
      search: { mode: 'match' },
    })),
  };
}
