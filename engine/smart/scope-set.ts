/**
 * Sets of scopes. SMART App Launch 2.2: scopes add up, so a set means the union of what its members allow, and
 * what counts is each permission letter on each resource type under each constraint.
 */
import {
  formatScope,
  type MalformedScope,
  parseScope,
  PERMISSION_LETTERS,
  type PermissionLetter,
  type ResourceScope,
  type Scope,
} from './scope-notation.ts';

function queryKeys(scope: ResourceScope): Set<string> {
  return new Set(scope.query.map(([name, value]) => `${name}=${value}`));
}

/** Whether the range of resources (context, type, constraint) of one scope holds the other's. Letters are not looked at. */
function rangeCovers(granted: ResourceScope, requested: ResourceScope): boolean {
  if (granted.context !== requested.context) return false;
  if (granted.resourceType !== '*' && granted.resourceType !== requested.resourceType) return false;
  // Each constraint narrows, so the wider scope has a subset of the narrower one's constraints.
  const wanted = queryKeys(requested);
  return [...queryKeys(granted)].every((key) => wanted.has(key));
}

/**
 * Whether one granted scope allows all that a requested one asks for. Letters: a subset; `*` covers every type, no type
 * covers `*`; no constraint covers any constraint. Launch and plain scopes cover only themselves.
 */
export function covers(granted: Scope, requested: Scope): boolean {
  if (granted.kind === 'resource' && requested.kind === 'resource') {
    return (
      rangeCovers(granted, requested) && requested.permissions.every((letter) => granted.permissions.includes(letter))
    );
  }
  return granted.kind === requested.kind && formatScope(granted) === formatScope(requested);
}

function isWellFormed(scope: Scope | MalformedScope): scope is Scope {
  return scope.kind !== 'malformed';
}

function isResource(scope: Scope): scope is ResourceScope {
  return scope.kind === 'resource';
}

function wellFormed(texts: readonly string[]): Scope[] {
  return texts.map(parseScope).filter(isWellFormed);
}

/** Whether scopes together cover one: each letter may come from another of them. */
function coveredBy(requested: Scope, granted: readonly Scope[]): boolean {
  if (requested.kind !== 'resource') return granted.some((candidate) => covers(candidate, requested));
  return requested.permissions.every((letter) =>
    granted.some((candidate) => covers(candidate, { ...requested, permissions: [letter] })),
  );
}

/** Whether everything that `a` allows, `b` allows too. A malformed scope is in no set, so it makes this false. */
export function isSubset(a: readonly string[], b: readonly string[]): boolean {
  const granted = wellFormed(b);
  return a.map(parseScope).every((scope) => isWellFormed(scope) && coveredBy(scope, granted));
}

/** Whether two lists allow the same, however they are written. */
export function equivalent(a: readonly string[], b: readonly string[]): boolean {
  return isSubset(a, b) && isSubset(b, a);
}

function withLetters(
  scope: ResourceScope,
  letters: ReadonlySet<PermissionLetter>,
  notation: 'v1' | 'v2',
): ResourceScope {
  return { ...scope, permissions: PERMISSION_LETTERS.filter((letter) => letters.has(letter)), notation };
}

function rangeKey(scope: ResourceScope): string {
  return `${scope.context}/${scope.resourceType}?${[...queryKeys(scope)].sort().join('&')}`;
}

/** Merges scopes of one range into one, then takes away what wider ranges allow anyway. Keeps the order of first mention. */
function factor(scopes: readonly ResourceScope[]): ResourceScope[] {
  const merged = new Map<string, ResourceScope>();
  for (const scope of scopes) {
    const known = merged.get(rangeKey(scope));
    const notation = known?.notation === 'v2' ? 'v2' : scope.notation;
    merged.set(
      rangeKey(scope),
      known ? withLetters(known, new Set([...known.permissions, ...scope.permissions]), notation) : scope,
    );
  }
  const all = [...merged.values()];
  return all
    .map((scope) => {
      const wider = all.filter((other) => other !== scope && rangeCovers(other, scope));
      const rest = new Set(
        scope.permissions.filter((letter) => !wider.some((other) => other.permissions.includes(letter))),
      );
      return withLetters(scope, rest, scope.notation);
    })
    .filter((scope) => scope.permissions.length > 0);
}

/**
 * The shortest list that allows the same: `patient/*.r patient/*.s` becomes `patient/*.rs`, and a type that a wildcard
 * covers goes. Scopes that are all v1 stay v1. Malformed scopes are dropped.
 */
export function simplify(texts: readonly string[]): string[] {
  const scopes = wellFormed(texts);
  const others = scopes.filter((scope) => !isResource(scope));
  return [...new Set([...others, ...factor(scopes.filter(isResource))].map(formatScope))];
}

/** What either list allows, in the shortest form. */
export function unionScopes(a: readonly string[], b: readonly string[]): string[] {
  return simplify([...a, ...b]);
}

/** The part of a requested scope that one allowed scope permits, in the requested notation. */
function meet(requested: ResourceScope, allowed: ResourceScope): ResourceScope | undefined {
  if (requested.context !== allowed.context) return undefined;
  const typesMeet =
    requested.resourceType === allowed.resourceType || requested.resourceType === '*' || allowed.resourceType === '*';
  const permissions = requested.permissions.filter((letter) => allowed.permissions.includes(letter));
  if (!typesMeet || permissions.length === 0) return undefined;
  const known = queryKeys(requested);
  return {
    ...requested,
    resourceType: requested.resourceType === '*' ? allowed.resourceType : requested.resourceType,
    permissions,
    query: [...requested.query, ...allowed.query.filter(([name, value]) => !known.has(`${name}=${value}`))],
  };
}

/**
 * What is both requested and allowed, in the order and the notation of the request: a scope that is allowed whole comes
 * out as it was written (SMART: v1 asked, v1 answered); one that is allowed in part is narrowed, to several scopes where
 * needed. Malformed scopes on either side give nothing.
 */
export function intersectScopes(requested: readonly string[], allowed: readonly string[]): string[] {
  const permitted = wellFormed(allowed);
  const granted = requested.flatMap((text) => {
    const scope = parseScope(text);
    if (!isWellFormed(scope)) return [];
    if (coveredBy(scope, permitted)) return [text];
    if (!isResource(scope)) return [];
    const parts = permitted.filter(isResource).flatMap((candidate) => meet(scope, candidate) ?? []);
    return factor(parts).map(formatScope);
  });
  return [...new Set(granted)];
}
