/** Makes the demo server's resources from the list of patients: the same list gives the same resources, always. */
import type { PatientEntry } from './patient.ts';
import type { CodeableConcept, Resource } from './resource.ts';
import { CONDITIONS, MEASURES, PRACTITIONERS, VISIT_DATES, VISIT_REASONS } from './catalogue.ts';
import type { Measure } from './catalogue.ts';

const LOINC = 'http://loinc.org';
const SNOMED = 'http://snomed.info/sct';
const UCUM = 'http://unitsofmeasure.org';
const OBSERVATION_CATEGORY = 'http://terminology.hl7.org/CodeSystem/observation-category';
const CONDITION_CATEGORY = 'http://terminology.hl7.org/CodeSystem/condition-category';

/** A number in [0, 1) that depends on the words alone (FNV-1a with a final mix). */
function chance(...words: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const character of words.join('/')) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return ((hash ^ (hash >>> 15)) >>> 0) / 0x1_0000_0000;
}

function concept(system: string, code: string, display: string): CodeableConcept {
  return { coding: [{ system, code, display }], text: display };
}

function patient(entry: PatientEntry): Resource {
  return {
    resourceType: 'Patient',
    id: entry.id,
    active: true,
    identifier: [{ use: 'usual', system: 'urn:sallyport:demo:mrn', value: entry.identifier }],
    name: [{ use: 'official', family: entry.family, given: [entry.given], text: `${entry.given} ${entry.family}` }],
    gender: entry.gender,
    birthDate: entry.birthDate,
    generalPractitioner: [{ reference: 'Practitioner/drsmith', display: 'Dr. Alex Smith' }],
    managingOrganization: { reference: 'Organization/harbour-clinic', display: 'Harbour Clinic' },
  };
}

function quantity(measure: Measure, ...seed: readonly (string | number)[]): object {
  // Most of the spread belongs to the person and little to the day, so that a person's values resemble each other.
  const person = chance(seed[0] ?? '', measure.code);
  const share = person * 0.85 + chance(...seed, measure.code) * 0.15;
  const raw = measure.low + share * (measure.high - measure.low);
  return { value: Number(raw.toFixed(measure.digits)), unit: measure.unit, system: UCUM, code: measure.ucum };
}

function observation(entry: PatientEntry, measure: Measure, visit: number, date: string): Resource {
  const values = measure.components
    ? {
        component: measure.components.map((part) => ({
          code: concept(LOINC, part.code, part.display),
          valueQuantity: quantity(part, entry.id, visit),
        })),
      }
    : { valueQuantity: quantity(measure, entry.id, visit) };
  const label = measure.category === 'vital-signs' ? 'Vital Signs' : 'Laboratory';
  return {
    resourceType: 'Observation',
    id: `${entry.id}-${measure.slug}-${visit + 1}`,
    status: 'final',
    category: [concept(OBSERVATION_CATEGORY, measure.category, label)],
    code: concept(LOINC, measure.code, measure.display),
    subject: { reference: `Patient/${entry.id}` },
    encounter: { reference: `Encounter/${entry.id}-visit-${visit + 1}` },
    effectiveDateTime: `${date}T09:${String(10 + visit).padStart(2, '0')}:00Z`,
    performer: [{ reference: 'Practitioner/drsmith' }],
    ...values,
  };
}

function encounter(entry: PatientEntry, visit: number, date: string): Resource {
  const reason = VISIT_REASONS[Math.floor(chance(entry.id, 'reason', visit) * VISIT_REASONS.length)] ?? 'Check-up';
  return {
    resourceType: 'Encounter',
    id: `${entry.id}-visit-${visit + 1}`,
    status: visit === VISIT_DATES.length - 1 ? 'in-progress' : 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB', display: 'ambulatory' },
    type: [concept(SNOMED, '185349003', 'Encounter for check up')],
    subject: { reference: `Patient/${entry.id}` },
    participant: [{ individual: { reference: 'Practitioner/drsmith' } }],
    period: { start: `${date}T09:00:00Z` },
    reasonCode: [{ text: reason }],
    serviceProvider: { reference: 'Organization/harbour-clinic' },
  };
}

function conditions(entry: PatientEntry): Resource[] {
  const count = 1 + Math.floor(chance(entry.id, 'conditions') * 3);
  const first = Math.floor(chance(entry.id, 'first condition') * CONDITIONS.length);
  return Array.from({ length: count }, (_, index) => {
    const problem = CONDITIONS[(first + index * 3) % CONDITIONS.length] ?? CONDITIONS[0];
    const resolved = index > 0 && chance(entry.id, 'resolved', index) < 0.3;
    const year = 2012 + Math.floor(chance(entry.id, 'onset', index) * 12);
    return {
      resourceType: 'Condition',
      id: `${entry.id}-condition-${index + 1}`,
      clinicalStatus: concept(
        'http://terminology.hl7.org/CodeSystem/condition-clinical',
        resolved ? 'resolved' : 'active',
        resolved ? 'Resolved' : 'Active',
      ),
      category: [
        index === 0
          ? concept(CONDITION_CATEGORY, 'problem-list-item', 'Problem List Item')
          : concept(CONDITION_CATEGORY, 'encounter-diagnosis', 'Encounter Diagnosis'),
      ],
      code: concept(SNOMED, problem.code, problem.display),
      subject: { reference: `Patient/${entry.id}` },
      onsetDateTime: `${year}-${String(1 + ((index * 5) % 12)).padStart(2, '0')}-14`,
      recorder: { reference: 'Practitioner/drsmith' },
    };
  });
}

/** The encounter an EHR launch happens in: the patient's latest visit, which is still open. */
export function currentEncounterOf(patientId: string): string {
  return `${patientId}-visit-${VISIT_DATES.length}`;
}

/** Makes all resources of the demo server; observations and encounters come newest first. */
export function demoResources(patients: readonly PatientEntry[]): readonly Resource[] {
  const shared: Resource[] = [
    { resourceType: 'Organization', id: 'harbour-clinic', active: true, name: 'Harbour Clinic' },
    ...PRACTITIONERS.map(({ id, prefix, given, family }) => ({
      resourceType: 'Practitioner',
      id,
      active: true,
      name: [{ family, given: [given], prefix: [prefix], text: `${prefix} ${given} ${family}` }],
    })),
  ];
  const visits = VISIT_DATES.map((date, visit) => ({ date, visit })).reverse();
  const owned = patients.flatMap((entry) => [
    patient(entry),
    ...visits.map(({ date, visit }) => encounter(entry, visit, date)),
    ...conditions(entry),
    ...visits.flatMap(({ date, visit }) => MEASURES.map((measure) => observation(entry, measure, visit, date))),
  ]);
  return [...shared, ...owned];
}
