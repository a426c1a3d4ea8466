/** Who may do what in the admin API. */

/** What a route needs of the caller. */
export type Permission = 'any' | 'read' | 'manage' | 'launch' | 'keys' | 'tokens';

/**
 * `admin`: everything. `manager`: people, apps, providers, launches and sessions, but neither keys nor admin tokens.
 * `auditor`: reads everything that is no secret. `launcher`: an EHR that makes launch handles and sees nothing.
 */
export const roles = {
  admin: ['read', 'manage', 'launch', 'keys', 'tokens'],
  manager: ['read', 'manage', 'launch'],
  auditor: ['read'],
  launcher: ['launch'],
} as const satisfies Readonly<Record<string, readonly Permission[]>>;

export type Role = keyof typeof roles;

/** Fails closed: a role this version does not know may do nothing. */
export function permits(role: string, permission: Permission): boolean {
  const allowed: readonly Permission[] = Object.hasOwn(roles, role) ? roles[role as Role] : [];
  return allowed.includes(permission) || (permission === 'any' && allowed.length > 0);
}
