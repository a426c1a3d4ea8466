/** The list of demo patients, shared with the context picker of the demo tenant. */
import { readFile } from 'node:fs/promises';

export interface PatientEntry {
  readonly id: string;
  readonly given: string;
  readonly family: string;
  /** `YYYY-MM-DD`. */
  readonly birthDate: string;
  readonly gender: string;
  /** The medical record number. */
  readonly identifier: string;
}

const TEXT_FIELDS = ['id', 'given', 'family', 'birthDate', 'gender', 'identifier'] as const;

function isEntry(value: unknown): value is PatientEntry {
  if (typeof value !== 'object' || value === null) return false;
  return TEXT_FIELDS.every((field) => typeof Reflect.get(value, field) === 'string');
}

/**
 * Reads the patients file.
 * @throws when the file is missing or an entry lacks a field; the demo does not start on half a list
 */
export async function readPatients(file: string): Promise<readonly PatientEntry[]> {
  const list: unknown = JSON.parse(await readFile(file, 'utf8'));
  if (!Array.isArray(list)) throw new Error('The patients file must hold a JSON array.');
  return list.map((entry: unknown, index) => {
    if (!isEntry(entry)) throw new Error(`Patient ${index + 1} in the patients file needs: ${TEXT_FIELDS.join(', ')}.`);
    return entry;
  });
}
