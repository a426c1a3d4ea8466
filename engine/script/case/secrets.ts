/** What of a tenant must not be shown or kept in a case. */
import type { Tenant } from '../../tenant/tenant.ts';

/** What scripts may read, and what the tenant proves itself to FHIR servers by. */
export function secretsOf({ secrets, fhirServers }: Pick<Tenant, 'secrets' | 'fhirServers'>): readonly string[] {
  const access = fhirServers.flatMap((server) => {
    switch (server.access?.type) {
      case 'bearer':
        return [server.access.token];
      case 'basic':
        return [server.access.password, `${server.access.username}:${server.access.password}`];
      case 'client-credentials':
        return [server.access.clientSecret, `${server.access.clientId}:${server.access.clientSecret}`];
      default:
        return [];
    }
  });
  return [...Object.values(secrets).map(({ value }) => value), ...access];
}
