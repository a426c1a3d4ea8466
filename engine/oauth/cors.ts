/**
 * Which other origins' pages may read an answer: any one may read what is public, a registered app's what is for apps,
 * nobody's what is for a person (RFC 9700 section 2.6: never the authorization endpoint).
 */
import type { TenantRequest } from './http.ts';

const forAnybody = /^\/t\/[^/]+(\/fhir\/[^/]+)?(\/\.well-known\/[^/]+|\/jwk)$/;
const forApps = /^\/t\/[^/]+\/(oauth\/token(\/introspect|\/revoke)?|token|session\/token\/revoke|userinfo)$/;

/** Sets what every answer to this request carries, errors included; a preflight is told more. */
export async function answerOrigin(context: TenantRequest): Promise<void> {
  const { request, reply } = context;
  const path = request.url.split('?')[0] ?? '';
  const preflight = request.method === 'OPTIONS';
  if (forAnybody.test(path)) {
    reply.header('access-control-allow-origin', '*');
    if (preflight) answerPreflight(context, 'GET');
  } else if (forApps.test(path)) {
    // Also where no origin came: a cache must not hand that answer to one that did.
    reply.header('vary', 'Origin');
    const { origin } = request.headers;
    if (origin === undefined || !(await isRegistered(context, origin))) return;
    reply
      .header('access-control-allow-origin', origin)
      .header('access-control-expose-headers', 'WWW-Authenticate, Retry-After');
    if (preflight) answerPreflight(context, 'GET, POST');
  }
}

function answerPreflight({ reply }: TenantRequest, methods: string): void {
  reply
    .header('access-control-allow-methods', methods)
    .header('access-control-allow-headers', 'authorization, content-type')
    .header('access-control-max-age', '600');
}

/** Whether an enabled client is answered at an address of this origin. */
async function isRegistered({ tenant, ports }: TenantRequest, origin: string): Promise<boolean> {
  // A private-use scheme has no origin; `null`, which any page can take on, must not stand for it.
  if (!/^https?:\/\//.test(origin)) return false;
  const clients = [...tenant.clients, ...(await ports.store.clients.list(tenant.id))];
  return clients.some(
    (client) =>
      client.enabled && client.redirectUris.some((uri) => URL.canParse(uri) && new URL(uri).origin === origin),
  );
}
