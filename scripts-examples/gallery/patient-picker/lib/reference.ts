/** Type and id at the end of a FHIR address; undefined where it is none. */
export function referenceIn(address: string | null): { readonly type: string; readonly id: string } | undefined {
  const [, type, id] = /(?:^|\/)([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})$/.exec(address ?? '') ?? [];
  return type && id ? { type, id } : undefined;
}
