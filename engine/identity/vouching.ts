/** Whether the log-in module that a person belongs to still has them: asked where a session or a grant goes on. */
import { LRUCache } from 'lru-cache';
import type { Tenant, User } from '../tenant/tenant.ts';
import type { LdapModule } from './ldap/directory.ts';
import { DirectoryError } from './ldap/socket.ts';
import { owningModule } from './module.ts';

/** `unavailable`: nobody can say now. */
export type Vouched = 'yes' | 'no' | 'unavailable';

/** @param options.failed hears why a module could not be asked. */
export function createVouching(options: {
  readonly ldap: Pick<LdapModule, 'knows'>;
  failed(tenant: Tenant, moduleId: string, error: DirectoryError): void;
}): (tenant: Tenant, user: User, now: number) => Promise<Vouched> {
  /** When each person was found, on this node. */
  const found = new LRUCache<string, number>({ max: 100_000 });

  return async (tenant, user, now) => {
    const id = owningModule(user);
    if (id === undefined) return 'yes';
    const module = tenant.inbound.find((each) => each.id === id);
    // Nobody is there any more who could vouch for the person.
    if (!module || module.type === 'local') return 'no';
    if (module.type !== 'ldap' || module.ldap.recheckSeconds === undefined) return 'yes';
    const key = `${tenant.id} ${user.id}`;
    const last = found.get(key);
    if (last !== undefined && now - last < module.ldap.recheckSeconds * 1000) return 'yes';
    try {
      const known = await options.ldap.knows(module.ldap, user);
      if (known) found.set(key, now);
      else found.delete(key);
      return known ? 'yes' : 'no';
    } catch (error) {
      if (!(error instanceof DirectoryError)) throw error;
      options.failed(tenant, id, error);
      return 'unavailable';
    }
  };
}
