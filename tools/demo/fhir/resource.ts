/** The few parts of FHIR R4 resources the demo server looks at. */

export interface Coding {
  readonly system?: string;
  readonly code: string;
  readonly display?: string;
}

export interface CodeableConcept {
  readonly coding: readonly Coding[];
  readonly text?: string;
}

export interface HumanName {
  readonly use?: string;
  readonly family?: string;
  readonly given?: readonly string[];
  readonly prefix?: readonly string[];
  readonly text?: string;
}

export interface Resource {
  readonly resourceType: string;
  readonly id: string;
  readonly category?: readonly CodeableConcept[];
  readonly code?: CodeableConcept;
  readonly subject?: { readonly reference: string };
  readonly name?: string | readonly HumanName[];
  readonly [element: string]: unknown;
}

/** The id of the patient whose compartment holds the resource; undefined for what no patient owns. */
export function patientOf(resource: Resource): string | undefined {
  if (resource.resourceType === 'Patient') return resource.id;
  const reference = resource.subject?.reference;
  return reference?.startsWith('Patient/') ? reference.slice('Patient/'.length) : undefined;
}

/**
 * Matches a FHIR token search value (`code`, `system|code`, `|code`, `system|`) against codings
 * (FHIR R4 search, section 3.1.1.4.10). Commas mean "or".
 */
export function matchesToken(concepts: readonly CodeableConcept[], value: string): boolean {
  const codings = concepts.flatMap((concept) => concept.coding);
  return value.split(',').some((alternative) => {
    const bar = alternative.indexOf('|');
    if (bar < 0) return codings.some((coding) => coding.code === alternative);
    const system = alternative.slice(0, bar);
    const code = alternative.slice(bar + 1);
    return codings.some((coding) => (coding.system ?? '') === system && (code === '' || coding.code === code));
  });
}
