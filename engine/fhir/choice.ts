/** A record as a person chooses it: what tells it from its namesakes, and whose it is. */
import type { ContextChoice } from '../script/model.ts';
import type { Json } from '../script/runner.ts';
import { items, members, ownReference, type Resource } from './resource.ts';

const longest = 200;

/**
 * @param server the address of the FHIR server it comes from.
 * @param identifierSystem whose identifier is shown.
 * @returns undefined where it is the record of a patient that this server does not have.
 */
export function choiceOf(resource: Resource, server: string, identifierSystem?: string): ContextChoice | undefined {
  const contextType = resource.resourceType.toLowerCase();
  const whose = patientOf(resource);
  const patient = whose === undefined ? undefined : ownReference(whose, server);
  if (whose !== undefined && patient?.type !== 'Patient') return undefined;
  const number = items(resource['identifier'])
    .map(members)
    .find(({ system }) => identifierSystem !== undefined && system === identifierSystem);
  const identifier = text(number?.['value']);
  const birthDate = text(resource['birthDate']);
  const sex = text(resource['gender']);
  return {
    contextType,
    resourceId: resource.id,
    display: displayOf(resource) ?? `${resource.resourceType}/${resource.id}`,
    ...(birthDate !== undefined && /^\d{4}(-\d{2}(-\d{2})?)?$/.test(birthDate) ? { birthDate } : {}),
    ...(sex === undefined ? {} : { sex }),
    ...(identifier === undefined ? {} : { identifier }),
    ...(patient ? { launchParameters: { patient: patient.id } } : {}),
  };
}

/** The reference to the patient whose record it is. A group's or a place's is nobody's. */
function patientOf(resource: Resource): string | undefined {
  for (const name of ['subject', 'patient']) {
    const { reference, type } = members(resource[name]);
    if (typeof reference === 'string' && (type === 'Patient' || /(^|\/)Patient\//.test(reference))) return reference;
  }
  return undefined;
}

function displayOf(resource: Resource): string | undefined {
  if (resource.resourceType === 'Encounter') return encounterName(resource);
  const { name, title, code, description } = resource;
  if (Array.isArray(name)) return personName(name as readonly Json[]);
  return text(name) ?? text(title) ?? conceptName(code) ?? text(description);
}

/** The official name before any other; a maiden name or a nickname may be in the list, too. */
function personName(names: readonly Json[]): string | undefined {
  const all = names.map(members);
  const name = ['official', 'usual'].map((use) => all.find((each) => each['use'] === use)).find(Boolean) ?? all[0];
  if (!name) return undefined;
  const parts = [...items(name['given']), name['family']].map(text).filter((part) => part !== undefined);
  return text(name['text']) ?? text(parts.join(' '));
}

/** What it was for, and when. */
function encounterName(encounter: Resource): string {
  const [firstType] = items(encounter['type']);
  const [firstReason] = items(encounter['reasonCode']);
  const what = conceptName(firstType) ?? conceptName(encounter['class']) ?? 'Encounter';
  const why = conceptName(firstReason);
  const start = text(members(encounter['period'])['start'])?.slice(0, 10);
  return [why === undefined ? what : `${what} (${why})`, start].filter((part) => part !== undefined).join(', ');
}

/** The words of a CodeableConcept or a Coding. */
function conceptName(value: Json | undefined): string | undefined {
  const concept = members(value);
  const [coding] = items(concept['coding']);
  return text(concept['text']) ?? text(concept['display']) ?? text(members(coding)['display']);
}

/** A text on one line, without signs that change how what follows is read. */
function text(value: Json | undefined): string | undefined {
  if (typeof value !== 'string') return undefined;
  const plain = value
    .replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\s]+/gu, ' ')
    .trim()
    .slice(0, longest);
  return plain === '' ? undefined : plain;
}
