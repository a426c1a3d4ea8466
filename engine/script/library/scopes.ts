/** `sallyport/scopes`: SMART scopes, read and reckoned with by the engine's own rules (v1 and v2). */
import {
  covers as coversScope,
  formatScope,
  intersectScopes,
  parseScope,
  type Scope,
  unionScopes,
} from '../../smart/scope.ts';

export type { Scope };

/** @returns undefined for what is no well-formed scope. */
export function parse(scope: string): Scope | undefined {
  const parsed = parseScope(scope);
  return parsed.kind === 'malformed' ? undefined : parsed;
}

export function format(scope: Scope): string {
  return formatScope(scope);
}

/** Whether a granted scope allows everything a wanted one does: `patient/*.rs` covers `patient/Observation.read`. */
export function covers(granted: string, wanted: string): boolean {
  const [wide, narrow] = [parse(granted), parse(wanted)];
  return wide !== undefined && narrow !== undefined && coversScope(wide, narrow);
}

/** What two lists both allow. */
export function intersect(left: readonly string[], right: readonly string[]): readonly string[] {
  return intersectScopes([...left], [...right]);
}

/** What two lists allow together, as short as can be. */
export function union(left: readonly string[], right: readonly string[]): readonly string[] {
  return unionScopes([...left], [...right]);
}

/** The scopes of a list that `keep` wants; it is given each one parsed. */
export function narrow(scopes: readonly string[], keep: (scope: Scope) => boolean): readonly string[] {
  return scopes.filter((text) => {
    const scope = parse(text);
    return scope !== undefined && keep(scope);
  });
}
