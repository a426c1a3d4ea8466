// What a person needs to tell two patients of the same name apart.
import type { ContextChoice } from 'sallyport';
import type { Resource } from 'sallyport/fhir';

interface HumanName {
  readonly use?: string;
  readonly text?: string;
  readonly given?: readonly string[];
  readonly family?: string;
}

interface Identifier {
  readonly system?: string;
  readonly value?: string;
}

export function choiceOf(patient: Resource, recordNumbers: string | null): ContextChoice {
  const number = ((patient.identifier ?? []) as readonly Identifier[]).find(({ system }) => system === recordNumbers);
  return {
    contextType: 'patient',
    resourceId: patient.id ?? '',
    display: nameOf(patient.name ?? []),
    ...(patient.birthDate ? { birthDate: patient.birthDate } : {}),
    ...(patient.gender ? { sex: patient.gender } : {}),
    ...(number?.value ? { identifier: number.value } : {}),
  };
}

/** The official name before any other; a maiden name or a nickname may be in the list, too. */
function nameOf(names: readonly HumanName[]): string {
  const name = names.find(({ use }) => use === 'official') ?? names[0];
  const parts = [...(name?.given ?? []), name?.family].filter((part) => part !== undefined);
  return name?.text ?? (parts.length > 0 ? parts.join(' ') : 'a patient without a name');
}
