/** The relying party of federated log-in, through openid-client: discovery, PKCE, state, nonce, issuer and signature checks. */
import * as oidc from 'openid-client';
import { LRUCache } from 'lru-cache';
import type { FederationPort, KeptTokens } from '../flow/ports.ts';
import { isListed } from '../outbound/allow.ts';
import type { OutboundClient } from '../outbound/client.ts';
import type { Sealer } from '../key/seal.ts';
import { hashHandle } from '../store/secret.ts';
import type { Provider, Tenant } from '../tenant/tenant.ts';
import type { SamlPort } from './saml.ts';
import type { SamlLogOutPort } from './saml-log-out.ts';

const discoveryLifetime = 10 * 60_000;

/** Seconds. The library asks for keys anew that are older than this where a token names none of them. */
const keysQuestionedAfter = 60;

/** Nobody answered at the provider's address, or the provider says itself that it is out of order; a `TypeError`, for the library passes those on as they are. */
class ProviderDown extends TypeError {}

/** Makes the port the flow uses. Every request to a provider passes the one guarded client. */
export function createFederation(options: {
  readonly outbound: OutboundClient;
  readonly sealer: Sealer;
}): Omit<FederationPort, keyof (SamlPort & SamlLogOutPort)> & Pick<FederationPort, 'start' | 'endSessionUrl'> {
  const configurations = new LRUCache<string, Promise<oidc.Configuration>>({ max: 500, ttl: discoveryLifetime });
  /** The keys of each provider, as they were read last. */
  const keys = new LRUCache<string, NonNullable<ReturnType<typeof oidc.getJwksCache>>>({
    max: 500,
    ttl: discoveryLifetime,
  });

  function configurationOf(tenant: Tenant, provider: Provider): Promise<oidc.Configuration> {
    const key = keyOf(tenant, provider);
    const known = configurations.get(key);
    if (known) return known;
    const found = oidc.discovery(new URL(provider.issuer), provider.clientId, undefined, clientProof(provider), {
      [oidc.customFetch]: guardedFetch(options.outbound, tenant),
      execute: mayBeInsecure(tenant, provider) ? [oidc.allowInsecureRequests] : [],
    });
    configurations.set(key, found);
    found.catch(() => configurations.delete(key));
    return found;
  }

  /**
   * One for a single exchange of tokens, so that a provider may replace its keys at any time: the library asks for them
   * anew only where those it holds are older than a minute, and here they always say that they are.
   */
  async function exchangeOf(
    tenant: Tenant,
    provider: Provider,
  ): Promise<{ readonly exchange: oidc.Configuration; keep(): void }> {
    const exchange = new oidc.Configuration(
      (await configurationOf(tenant, provider)).serverMetadata(),
      provider.clientId,
      undefined,
      clientProof(provider),
    );
    exchange[oidc.customFetch] = guardedFetch(options.outbound, tenant);
    // That the token came over a connection to the provider is not taken for proof that it is the provider's.
    oidc.enableNonRepudiationChecks(exchange);
    if (mayBeInsecure(tenant, provider)) oidc.allowInsecureRequests(exchange);
    const key = keyOf(tenant, provider);
    const known = keys.get(key);
    if (known) oidc.setJwksCache(exchange, { ...known, uat: known.uat - keysQuestionedAfter });
    return {
      exchange,
      keep() {
        const read = oidc.getJwksCache(exchange);
        if (read && read.uat !== (known?.uat ?? 0) - keysQuestionedAfter) keys.set(key, read);
      },
    };
  }

  function seal({ tenant, provider }: Omit<KeptTokens, 'tokens'>, tokens: ProviderTokens): string {
    return options.sealer.seal(tenant.id, tokensName(provider.id), JSON.stringify(tokens));
  }

  /** @throws KeyError where they were encrypted under another master key. */
  function open({ tenant, provider, tokens }: KeptTokens): ProviderTokens {
    return JSON.parse(options.sealer.unseal(tenant.id, tokensName(provider.id), tokens)) as ProviderTokens;
  }

  return {
    async start({ tenant, provider, redirectUri, loginHint, prompt, maximumAgeSeconds }) {
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
          ...(prompt === undefined ? {} : { prompt }),
          ...(maximumAgeSeconds === undefined ? {} : { max_age: String(maximumAgeSeconds) }),
        });
        return { ok: true, url: url.href, pending: { state, nonce, codeVerifier } };
      } catch {
        return { ok: false, code: 'unreachable', message: 'the provider could not be discovered' };
      }
    },

    async finish({ tenant, provider, currentUrl, pending }) {
      let made: Awaited<ReturnType<typeof exchangeOf>>;
      try {
        made = await exchangeOf(tenant, provider);
      } catch {
        return { ok: false, code: 'unreachable', message: 'the provider could not be discovered' };
      }
      const { exchange, keep } = made;
      try {
        const tokens = await oidc.authorizationCodeGrant(exchange, currentUrl, {
          expectedState: pending.state,
          expectedNonce: pending.nonce,
          pkceCodeVerifier: pending.codeVerifier,
          idTokenExpected: true,
        });
        keep();
        const claims = tokens.claims();
        if (!claims) return { ok: false, code: 'invalid-response', message: 'the provider sent no ID token' };
        const more = exchange.serverMetadata().userinfo_endpoint
          ? await oidc.fetchUserInfo(exchange, tokens.access_token, claims.sub)
          : {};
        const wanted: ProviderTokens = {
          subject: claims.sub,
          ...(provider.endSession && tokens.id_token ? { idToken: tokens.id_token } : {}),
          ...(provider.recheckSeconds !== undefined && tokens.refresh_token
            ? { refreshToken: tokens.refresh_token }
            : {}),
        };
        return {
          ok: true,
          subject: claims.sub,
          claims: { ...more, ...claims },
          ...(provider.endSession || provider.recheckSeconds !== undefined
            ? { tokens: seal({ tenant, provider }, wanted) }
            : {}),
        };
      } catch (error) {
        const failed = failureOf(error);
        // What is remembered of the provider may be why; the next log-in asks for its addresses and keys anew.
        if (failed.code === 'invalid-response') {
          configurations.delete(keyOf(tenant, provider));
          keys.delete(keyOf(tenant, provider));
        }
        return failed;
      }
    },

    async refresh(kept) {
      const { tenant, provider } = kept;
      try {
        const known = open(kept);
        if (known.refreshToken === undefined) return { ok: false, code: 'refused' };
        const { exchange, keep } = await exchangeOf(tenant, provider);
        const tokens = await oidc.refreshTokenGrant(exchange, known.refreshToken);
        keep();
        const claims = tokens.claims();
        // Nobody else may come back in the person's place (OpenID Connect Core section 12.2).
        if (claims && claims.sub !== known.subject) return { ok: false, code: 'refused' };
        const more = exchange.serverMetadata().userinfo_endpoint
          ? await oidc.fetchUserInfo(exchange, tokens.access_token, known.subject)
          : {};
        const renewed = {
          ...known,
          refreshToken: tokens.refresh_token ?? known.refreshToken,
          ...(known.idToken && tokens.id_token ? { idToken: tokens.id_token } : {}),
        };
        return { ok: true, tokens: seal(kept, renewed), claims: { ...more, ...claims } };
      } catch (error) {
        return { ok: false, code: error instanceof ProviderDown ? 'unreachable' : 'refused' };
      }
    },

    async revoke(kept) {
      try {
        const { refreshToken } = open(kept);
        if (refreshToken === undefined) return true;
        const configuration = await configurationOf(kept.tenant, kept.provider);
        await oidc.tokenRevocation(configuration, refreshToken, { token_type_hint: 'refresh_token' });
        return true;
      } catch {
        return false;
      }
    },

    async endSessionUrl({ backTo, onward, now, ...kept }) {
      const { tenant, provider } = kept;
      if (!provider.endSession) return undefined;
      try {
        const { idToken } = open(kept);
        const state = onward && JSON.stringify({ onward, until: now + endSessionLasts });
        const url = oidc.buildEndSessionUrl(await configurationOf(tenant, provider), {
          post_logout_redirect_uri: backTo,
          ...(idToken === undefined ? {} : { id_token_hint: idToken }),
          ...(state ? { state: options.sealer.seal(tenant.id, onwardName, state) } : {}),
        });
        return url.protocol === 'https:' || (url.protocol === 'http:' && mayBeInsecure(tenant, provider))
          ? { url: url.href }
          : undefined;
      } catch {
        return undefined;
      }
    },

    onwardOf({ tenant, state, now }) {
      try {
        const { onward, until } = JSON.parse(options.sealer.unseal(tenant.id, onwardName, state)) as {
          readonly onward: string;
          readonly until: number;
        };
        return until > now ? onward : undefined;
      } catch {
        return undefined;
      }
    },
  };
}

/** What a session keeps of its provider's tokens. */
interface ProviderTokens {
  readonly subject: string;
  readonly idToken?: string;
  readonly refreshToken?: string;
}

/** What these are sealed for, beside the tenant. */
const tokensName = (providerId: string) => `tokens of provider ${providerId}`;
const onwardName = 'onward after log-out';
/** Milliseconds. */
const endSessionLasts = 10 * 60_000;

function clientProof({ clientSecret }: Provider): oidc.ClientAuth {
  return clientSecret === undefined ? oidc.None() : oidc.ClientSecretBasic(clientSecret);
}

/** The secret is part of it, so that a new one is used at once. */
function keyOf(tenant: Tenant, { id, issuer, clientId, clientSecret = '' }: Provider): string {
  return [tenant.id, tenant.version, id, issuer, clientId, hashHandle(clientSecret)].join(' ');
}

function failureOf(error: unknown): Extract<Awaited<ReturnType<FederationPort['finish']>>, { ok: false }> {
  if (error instanceof ProviderDown)
    return { ok: false, code: 'unreachable', message: 'the provider could not be reached' };
  if (error instanceof oidc.AuthorizationResponseError && error.error === 'temporarily_unavailable')
    return { ok: false, code: 'unreachable', message: 'the provider is not available' };
  if (error instanceof oidc.AuthorizationResponseError)
    return {
      ok: false,
      code: error.error === 'access_denied' ? 'denied' : 'provider-error',
      message: 'the provider refused the log-in',
    };
  if (error instanceof oidc.ResponseBodyError || error instanceof oidc.WWWAuthenticateChallengeError)
    return { ok: false, code: 'provider-error', message: 'the provider refused the code' };
  const { code } = error as { readonly code?: unknown };
  return {
    ok: false,
    code: 'invalid-response',
    message: `the provider's answer is not valid${typeof code === 'string' ? `: ${code}` : ''}`,
  };
}

/** Plain http only to hosts on loopback that the tenant names. */
function mayBeInsecure(tenant: Tenant, provider: Provider): boolean {
  const issuer = new URL(provider.issuer);
  const { protocol, hostname } = issuer;
  const loopback = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
  const { allow, allowPrivate } = tenant.outboundHttp;
  return protocol === 'http:' && loopback && allowPrivate && isListed(allow, issuer);
}

function guardedFetch(outbound: OutboundClient, tenant: Tenant): oidc.CustomFetch {
  const { allow, allowPrivate } = tenant.outboundHttp;
  return async (url, { method, headers, body }) => {
    // Providers are named by the administrator; the scripts' allow-list only decides about private addresses.
    const listed = isListed(allow, new URL(url));
    const result = await outbound.request({
      url,
      method: method as 'GET',
      headers,
      ...(body === undefined || body === null ? {} : { body: String(body) }),
      timeoutMilliseconds: 10_000,
      maximumBytes: 1_048_576,
      ...(listed && allowPrivate ? { allow, allowPrivate } : {}),
    });
    if (!result.ok) {
      const down = result.code === 'unreachable' || result.code === 'timeout';
      throw new (down ? ProviderDown : TypeError)(`the provider could not be asked: ${result.code}`);
    }
    if (result.response.status >= 500)
      throw new ProviderDown(`the provider is out of order: status ${result.response.status}`);
    return new Response([204, 304].includes(result.response.status) ? null : result.response.body, {
      status: result.response.status,
      headers: result.response.headers,
    });
  };
}
