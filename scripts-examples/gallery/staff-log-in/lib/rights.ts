/** What each position of the staff system may do here; one that is not listed gives nothing. */
const rights: Readonly<Record<string, readonly (readonly [permission: string, argument?: string])[]>> = {
  physician: [['ROLE_FHIR_CLIENT'], ['FHIR_ALL_READ'], ['FHIR_WRITE_ALL_OF_TYPE', 'Condition,MedicationRequest']],
  nurse: [['ROLE_FHIR_CLIENT'], ['FHIR_ALL_READ'], ['FHIR_WRITE_ALL_OF_TYPE', 'Observation']],
};

export function rightsOf(position: string) {
  return Object.hasOwn(rights, position) ? (rights[position] ?? []) : [];
}
