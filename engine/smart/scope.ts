/** SMART scopes: how one is written, and what several of them allow together. */
export {
  formatScope,
  type LaunchScope,
  type MalformedScope,
  parseScope,
  parseScopeList,
  PERMISSION_LETTERS,
  type PermissionLetter,
  type PlainScope,
  type ResourceScope,
  type Scope,
  type ScopeContext,
} from './scope-notation.ts';
export { covers, equivalent, intersectScopes, isSubset, simplify, unionScopes } from './scope-set.ts';
