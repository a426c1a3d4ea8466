/** Finds the tenant that an address belongs to. */
import type { Tenant } from './tenant.ts';

/** Finds the tenant whose issuer is the longest beginning of an address, at a cost that does not grow with the tenants. */
export function createLocator(tenants: readonly Tenant[]): (host: string, path: string) => Tenant | undefined {
  const places = new Map<string, Tenant>();
  let deepest = 0;
  for (const tenant of tenants) {
    const { host, pathname } = new URL(tenant.issuer);
    const prefix = pathname.replace(/\/$/, '');
    const place = `${host} ${prefix}`;
    if (!places.has(place)) places.set(place, tenant);
    deepest = Math.max(deepest, prefix.split('/').length - 1);
  }
  return (host, path) => {
    if (path !== '' && path[0] !== '/') return undefined;
    const at = host.toLowerCase();
    let best = places.get(`${at} `);
    let end = 0;
    for (let depth = 0; depth < deepest && path[end] === '/'; depth += 1) {
      const next = path.indexOf('/', end + 1);
      end = next < 0 ? path.length : next;
      best = places.get(`${at} ${path.slice(0, end)}`) ?? best;
    }
    return best;
  };
}
