// Which scopes a right of the hospital stands behind. A right that is not listed stands behind none.
import type { GrantedAuthority } from 'sallyport';

export function scopesBehind({ permission, argument }: GrantedAuthority): readonly string[] {
  switch (permission) {
    case 'ROLE_FHIR_CLIENT_SUPERUSER':
      return ['user/*.cruds'];
    case 'FHIR_ALL_READ':
      return ['user/*.rs'];
    case 'FHIR_ALL_WRITE':
      return ['user/*.cu'];
    case 'FHIR_READ_ALL_OF_TYPE':
      return typesIn(argument).map((type) => `user/${type}.rs`);
    case 'FHIR_WRITE_ALL_OF_TYPE':
      return typesIn(argument).map((type) => `user/${type}.cu`);
    default:
      return [];
  }
}

/** Resource types of a list; what is no type is left out, so that a slip in a right gives nothing rather than too much. */
function typesIn(argument: string | null): readonly string[] {
  return (argument ?? '').split(',').flatMap((text) => {
    const type = text.trim();
    return /^[A-Z][A-Za-z]+$/.test(type) ? [type] : [];
  });
}
