import { search } from 'sallyport/fhir';

/** The id of the one active record with this number, where its birth date is the card's. */
export async function patientOf(number: string, birthDate: string | null): Promise<string | undefined> {
  const system = Environment.getEnv('HEALTH_NUMBERS');
  // A search that fails throws: "no answer" is never taken for "no record".
  const found = await search('Patient', { identifier: `${system}|${number}`, active: true, _count: 2 });
  const [patient, ...others] = found;
  if (!patient?.id || others.length > 0) return undefined;
  // Two sources that disagree about a birth date speak of two people.
  return birthDate === null || birthDate === patient.birthDate ? patient.id : undefined;
}
