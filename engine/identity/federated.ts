/** The relying party of federated log-in, through openid-client: discovery, PKCE, state, nonce, issuer and signature checks. */
import * as oidc from 'openid-client';
import { LRUCache } from 'lru-cache';
import type { FederationPort } from '../flow/ports.ts';
import type { OutboundClient } from '../outbound/client.ts';
import type { Provider, Tenant } from '../tenant/tenant.ts';

const discoveryLifetime = 10 * 60_000;

/** Makes the port the flow uses. Every request to a provider passes the one guarded client. */
export function createFederation(options: { readonly outbound: OutboundClient }): FederationPort {
  const configurations = new LRUCache<string, Promise<oidc.Configuration>>({ max: 500, ttl: discoveryLifetime });

  function configurationOf(tenant: Tenant, provider: Provider): Promise<oidc.Configuration> {
    const key = `${tenant.id} ${tenant.version} ${provider.id} ${provider.issuer} ${provider.clientId}`;
    const known = configurations.get(key);
    if (known) return known;
    const found = oidc.discovery(
      new URL(provider.issuer),
      provider.clientId,
      undefined,
      provider.clientSecret === undefined ? oidc.None() : oidc.ClientSecretBasic(provider.clientSecret),
      {
        [oidc.customFetch]: guardedFetch(options.outbound, tenant),
        ...(mayBeInsecure(tenant, provider) ? { execute: [oidc.allowInsecureRequests] } : {}),
      },
    );
    configurations.set(key, found);
    found.catch(() => configurations.delete(key));
    return found;
  }

  return {
    async start({ tenant, provider, redirectUri, loginHint }) {
      try {
        const configuration = await configurationOf(tenant, provider);
        const codeVerifier = oidc.randomPKCECodeVerifier();
        const state = oidc.randomState();
        const nonce = oidc.randomNonce();
        const url = oidc.buildAuthorizationUrl(configuration, {
          redirect_uri: redirectUri,
          scope: [...new Set(['openid', ...provider.scopes])].join(' '),
          code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
          code_challenge_method: 'S256',
          state,
          nonce,
          ...(loginHint === undefined ? {} : { login_hint: loginHint }),
        });
        return { ok: true, url: url.href, pending: { state, nonce, codeVerifier } };
      } catch {
        return { ok: false, code: 'unreachable', message: 'the provider could not be discovered' };
      }
    },

    async finish({ tenant, provider, currentUrl, pending }) {
      let configuration: oidc.Configuration;
      try {
        configuration = await configurationOf(tenant, provider);
      } catch {
        return { ok: false, code: 'unreachable', message: 'the provider could not be discovered' };
      }
      try {
        const tokens = await oidc.authorizationCodeGrant(configuration, currentUrl, {
          expectedState: pending.state,
          expectedNonce: pending.nonce,
          pkceCodeVerifier: pending.codeVerifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (!claims) return { ok: false, code: 'invalid-response', message: 'the provider sent no ID token' };
        const more = configuration.serverMetadata().userinfo_endpoint
          ? await oidc.fetchUserInfo(configuration, tokens.access_token, claims.sub)
          : {};
        return { ok: true, subject: claims.sub, claims: { ...more, ...claims } };
      } catch (error) {
        if (error instanceof oidc.AuthorizationResponseError) {
          return {
            ok: false,
            code: error.error === 'access_denied' ? 'denied' : 'provider-error',
            message: 'the provider refused the log-in',
          };
        }
        if (error instanceof oidc.ResponseBodyError)
          return { ok: false, code: 'provider-error', message: 'the provider refused the code' };
        return { ok: false, code: 'invalid-response', message: "the provider's answer is not valid" };
      }
    },
  };
}

/** Plain http only to hosts on loopback that the tenant names. */
function mayBeInsecure(tenant: Tenant, provider: Provider): boolean {
  const { protocol, host, hostname } = new URL(provider.issuer);
  const loopback = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
  const { allow, allowPrivate } = tenant.outboundHttp;
  return protocol === 'http:' && loopback && allowPrivate && (allow.includes(host) || allow.includes(hostname));
}

function guardedFetch(outbound: OutboundClient, tenant: Tenant): oidc.CustomFetch {
  const { allow, allowPrivate } = tenant.outboundHttp;
  return async (url, { method, headers, body }) => {
    const { host, hostname } = new URL(url);
    // Providers are named by the administrator; the scripts' allow-list only decides about private addresses.
    const listed = allow.includes(host) || allow.includes(hostname);
    const result = await outbound.request({
      url,
      method: method as 'GET',
      headers,
      ...(body === undefined || body === null ? {} : { body: String(body) }),
      timeoutMilliseconds: 10_000,
      maximumBytes: 1_048_576,
      ...(listed && allowPrivate ? { allow, allowPrivate } : {}),
    });
    if (!result.ok) throw new TypeError(`the provider could not be reached: ${result.code}`);
    return new Response([204, 304].includes(result.response.status) ? null : result.response.body, {
      status: result.response.status,
      headers: result.response.headers,
    });
  };
}
