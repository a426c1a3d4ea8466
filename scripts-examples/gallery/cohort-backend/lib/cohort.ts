interface Permission {
  readonly permission: string;
  readonly argument?: string;
}

/** The group that the client may export, as its definition says; undefined where there is none, or several. */
export function cohortOf(permissions: readonly Permission[]): string | undefined {
  const groups = permissions
    .filter(({ permission }) => permission === 'FHIR_OP_INITIATE_BULK_DATA_EXPORT_GROUP')
    .map(({ argument = '' }) => argument);
  const [group = '', ...others] = groups;
  return others.length === 0 && /^Group\/[A-Za-z0-9.-]{1,64}$/.test(group) ? group : undefined;
}
