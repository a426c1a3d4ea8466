import type { Provider } from '../../tenant/tenant.ts';
import type { AtProvider } from '../facts.ts';
import type { FederationPort, Ports } from '../ports.ts';

type Answer = Awaited<ReturnType<FederationPort['finish']>>;

/** The one address a provider sends people back to. */
export function federationRedirectUri(issuer: string, providerId: string): string {
  return `${issuer}/federation/callback/${encodeURIComponent(providerId)}`;
}

/**
 * What a provider says of the person who comes back from it: verified now, by OpenID Connect, or when a SAML provider posted
 * it, in which case only the browser that was told the handle may have it.
 */
export async function readProviderAnswer(
  { pending, samlAnswer }: Pick<AtProvider, 'pending' | 'samlAnswer'>,
  provider: Provider,
  input: Readonly<Record<string, unknown>>,
  ports: Ports,
): Promise<Answer | { readonly ok: false; readonly code: 'mixed-up'; readonly message: string }> {
  const { tenant } = ports;
  const redirectUri = federationRedirectUri(tenant.issuer, provider.id);
  const currentUrl = new URL(String(input['currentUrl']));
  // One provider must not get the code that another gave: the address says whose answer it is (RFC 9700 section 4.4.2.2).
  if (`${currentUrl.origin}${currentUrl.pathname}` !== redirectUri)
    return { ok: false, code: 'mixed-up', message: 'the answer of another provider' };
  if (provider.saml === undefined)
    return ports.federation.finish({ tenant, provider, redirectUri, currentUrl, pending });
  const handle = currentUrl.searchParams.get('answer') ?? '';
  return samlAnswer !== undefined && samlAnswer.handleHash === ports.hash(handle)
    ? samlAnswer.answer
    : { ok: false, code: 'invalid-response', message: 'the provider posted no answer' };
}
