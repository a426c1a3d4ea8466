// What counts as prescribing, and what is left of a scope without it.
import type { Scope } from 'sallyport/scopes';

/** Whether a scope lets an app write a prescription: `user/*.cruds` does, `user/MedicationRequest.rs` does not. */
export function allowsPrescribing(scope: Scope): boolean {
  return (
    scope.kind === 'resource' &&
    (scope.resourceType === '*' || scope.resourceType === 'MedicationRequest') &&
    scope.permissions.some((permission) => permission === 'c' || permission === 'u')
  );
}

export const readingOnly = ['patient/*.rs', 'user/*.rs', 'system/*.rs'];
