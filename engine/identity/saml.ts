/**
 * The service provider of SAML 2.0 log-in (Web Browser SSO Profile), through node-saml: AuthnRequest by redirect, Response by POST.
 * The library verifies the signature and answers what was signed; everything that decides is read from that text only.
 */
import { SAML, type Profile, ValidateInResponseTo } from '@node-saml/node-saml';
import type { FederationPort, SamlAnswer } from '../flow/ports.ts';
import { openAssertion } from './saml-decryption.ts';
import type { Sealer } from '../key/seal.ts';
import { newHandle } from '../store/secret.ts';
import type { ReplayRepository } from '../store/store.ts';
import type { Provider, SamlSettings, Tenant } from '../tenant/tenant.ts';

export type SamlPort = Pick<FederationPort, 'start' | 'readSaml' | 'samlMetadata'>;

export type SamlProvider = Provider & { readonly saml: SamlSettings };

/** Of whom the assertion spoke, in the words of the assertion; a request for log-out must repeat them. */
export interface SamlSession {
  readonly subject: string;
  readonly format?: string | undefined;
  readonly nameQualifier?: string | undefined;
  readonly spNameQualifier?: string | undefined;
  readonly sessionIndex?: string | undefined;
}

/** Characters of XML; the form itself is bounded as well. */
const longestResponse = 131_072;
/** Requests wait as long as their flow does; the library's own limit must not be the shorter one. */
const noLimit = 86_400_000;
const bearer = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';
const success = 'urn:oasis:names:tc:SAML:2.0:status:Success';
/** SHA-1 in any place of a signature, and signatures made with a shared key. */
const weakAlgorithm = /xmldsig#(?:sha1|rsa-sha1|dsa-sha1|hmac-sha1)|xmldsig-more#hmac-/i;

export function isSaml(provider: Provider): provider is SamlProvider {
  return provider.saml !== undefined;
}

export function createSaml(options: { readonly replays: ReplayRepository; readonly sealer: Sealer }): SamlPort {
  return {
    async start({ tenant, provider, prompt, maximumAgeSeconds }) {
      if (!isSaml(provider)) return { ok: false, code: 'unreachable', message: 'no SAML provider' };
      // An XML ID must not begin with a digit.
      const requestId = `_${newHandle()}`;
      const state = newHandle();
      try {
        const saml = library(tenant, provider, {
          expected: requestId,
          since: 0,
          // SAML knows no maximum age: where one is wanted the proof is new.
          forceAuthn: prompt === 'login' || maximumAgeSeconds !== undefined,
        });
        const url = await saml.getAuthorizeUrlAsync(state, undefined, {});
        return { ok: true, url, pending: { state, nonce: requestId, codeVerifier: '' } };
      } catch {
        return { ok: false, code: 'unreachable', message: 'the request could not be made' };
      }
    },

    async readSaml({ tenant, provider, response, requestId, now }) {
      if (!isSaml(provider)) return refused('the provider speaks no SAML');
      const received = Buffer.from(response, 'base64').toString('utf8');
      if (received.length > longestResponse) return refused('the response is too long');
      const { decryptionKey } = provider.saml;
      const xml = decryptionKey === undefined ? received : await openAssertion(received, decryptionKey);
      if (xml === undefined) return refused('the assertion could not be decrypted');
      const flaw = flawOf(xml, acsOf(tenant, provider.id), provider.issuer);
      if (flaw !== undefined) return refused(flaw);
      const status = statusOf(xml);
      if (status.length > 0 && status[0] !== success)
        return /:(?:AuthnFailed|RequestDenied|NoPassive)$/.test(status.at(-1) ?? '')
          ? { ok: false, code: 'denied', message: 'the provider did not log the person in' }
          : { ok: false, code: 'provider-error', message: 'the provider answered with an error' };
      let profile: Profile | null;
      try {
        ({ profile } = await library(tenant, provider, { expected: requestId, since: now }).validatePostResponseAsync({
          SAMLResponse: Buffer.from(xml).toString('base64'),
        }));
      } catch (error) {
        return refused(error instanceof Error ? withoutValues(error.message) : 'unknown');
      }
      const assertion = profile?.getAssertion?.()?.['Assertion'] as Element | undefined;
      if (!profile || !assertion) return refused('no assertion was signed');
      if (!profile.nameID) return refused('the assertion names nobody');
      const checked = checkAssertion(assertion, tenant, provider, requestId, now);
      if (typeof checked === 'string') return refused(checked);
      const fresh = await options.replays.remember(tenant.id, `saml ${provider.id}`, checked.id, checked.until);
      if (!fresh) return refused('the assertion was used before');
      const identity = identityOf(profile, provider, checked.authenticatedAt);
      if (provider.saml.logoutUrl === undefined) return { ok: true, ...identity };
      const tokens = sealSamlSession(options.sealer, tenant, provider.id, {
        subject: profile.nameID,
        format: profile.nameIDFormat,
        nameQualifier: profile.nameQualifier,
        spNameQualifier: profile.spNameQualifier,
        sessionIndex: profile.sessionIndex,
      });
      return { ok: true, ...identity, tokens };
    },

    samlMetadata({ tenant, provider }) {
      if (!isSaml(provider)) return undefined;
      const saml = library(tenant, provider, { expected: '', since: 0 });
      const { decryptionCertificate = null, requestCertificate = null } = provider.saml;
      return (
        saml
          .generateServiceProviderMetadata(decryptionCertificate, requestCertificate)
          // The library knows log-out by POST only.
          .replace(
            /(<SingleLogoutService Binding="urn:oasis:names:tc:SAML:2\.0:bindings:)HTTP-POST"/,
            '$1HTTP-Redirect"',
          )
      );
    },
  };
}

/** Where the provider posts its answer. */
export function acsOf(tenant: Tenant, providerId: string): string {
  return `${tenant.issuer}/federation/saml/${encodeURIComponent(providerId)}/acs`;
}

/** @param providerId what the session is sealed for, as the tokens of OpenID Providers are. */
export function sealSamlSession(sealer: Sealer, tenant: Tenant, providerId: string, session: SamlSession): string {
  return sealer.seal(tenant.id, `tokens of provider ${providerId}`, JSON.stringify(session));
}

/** Where it sends people about log-out. */
export function sloOf(tenant: Tenant, providerId: string): string {
  return `${tenant.issuer}/federation/saml/${encodeURIComponent(providerId)}/slo`;
}

function refused(message: string): SamlAnswer {
  return { ok: false, code: 'invalid-response', message };
}

/** The library's messages quote what was expected and received; what a person is called stays out of the log. */
export function withoutValues(message: string): string {
  return message.replace(/[.:]? (?:Expected|Received):.*$/s, '').slice(0, 120);
}

/** One for each message: the library then knows the one request that may be answered. */
export function library(
  tenant: Tenant,
  provider: SamlProvider,
  message: { readonly expected: string; readonly since: number; readonly forceAuthn?: boolean },
): SAML {
  const { saml } = provider;
  return new SAML({
    entryPoint: saml.entryPoint,
    idpCert: [...saml.certificates],
    idpIssuer: provider.issuer,
    issuer: provider.clientId,
    audience: provider.clientId,
    callbackUrl: acsOf(tenant, provider.id),
    identifierFormat: saml.nameIdFormat ?? null,
    acceptedClockSkewMs: skewOf(provider),
    disableRequestedAuthnContext: true,
    wantAssertionsSigned: true,
    wantAuthnResponseSigned: false,
    forceAuthn: message.forceAuthn ?? false,
    generateUniqueId: () => message.expected,
    signatureAlgorithm: 'sha256',
    digestAlgorithm: 'sha256',
    ...(saml.logoutUrl === undefined
      ? {}
      : { logoutUrl: saml.logoutUrl, logoutCallbackUrl: sloOf(tenant, provider.id) }),
    ...(saml.requestKey === undefined ? {} : { privateKey: saml.requestKey }),
    ...(saml.decryptionKey === undefined ? {} : { decryptionPvk: saml.decryptionKey }),
    validateInResponseTo: ValidateInResponseTo.always,
    requestIdExpirationPeriodMs: noLimit,
    cacheProvider: {
      saveAsync: async (_key, value) => ({ value, createdAt: message.since }),
      getAsync: async (key) => (key === message.expected ? new Date(message.since).toISOString() : null),
      removeAsync: async () => null,
    },
  });
}

export function skewOf({ saml }: SamlProvider): number {
  return (saml.clockSkewSeconds ?? 60) * 1000;
}

/** What is wrong with the text before anybody parses it, or with its outermost element. */
function flawOf(xml: string, acs: string, entityId: string): string | undefined {
  // No document type, no entity, no CDATA, and no comment, which could cut a name in two for one parser and not for another.
  if (xml.includes('<!')) return 'the response has a declaration, a comment or CDATA';
  if (xml.lastIndexOf('<?') > xml.indexOf('<')) return 'the response has a processing instruction';
  if (weakAlgorithm.test(xml)) return 'the signature uses SHA-1 or a shared key';
  const root = /^\uFEFF?\s*(?:<\?xml[^<>]*\?>\s*)?<(?:[\w.-]+:)?Response(\s[^<>]*)?>/.exec(xml);
  if (!root) return 'the answer is no SAML response';
  const destination = /\sDestination\s*=\s*(?:"([^"]*)"|'([^']*)')/.exec(root[1] ?? '');
  if (destination && (destination[1] ?? destination[2] ?? '').replaceAll('&amp;', '&') !== acs)
    return 'the response is meant for another address';
  const issuer = /^\s*<(?:[\w.-]+:)?Issuer(?:\s[^<>]*)?>([^<>]*)</.exec(xml.slice(root[0].length));
  if (issuer && issuer[1]?.trim().replaceAll('&amp;', '&') !== entityId) return 'the response is of another provider';
  return undefined;
}

/** The status codes of a response, the outer one first. */
function statusOf(xml: string): readonly string[] {
  const values = xml.matchAll(/<(?:[\w.-]+:)?StatusCode\s[^<>]*?Value\s*=\s*["']([^"']*)["']/g);
  return [...values].map(([, value = '']) => value);
}

/** XML as the library gives it: children by their local names, attributes in `$`, text in `_`. */
interface Element {
  readonly $?: Readonly<Record<string, string>>;
  readonly _?: string;
  readonly [child: string]: unknown;
}

function children(parent: Element | undefined, name: string): readonly Element[] {
  const found = parent?.[name];
  return Array.isArray(found)
    ? (found as readonly (Element | string)[]).map((one) => (typeof one === 'string' ? { _: one } : one))
    : [];
}

/** The rules of the Web Browser SSO Profile, section 4.1.4.3, that the library leaves to us; or what is wrong. */
function checkAssertion(
  assertion: Element,
  tenant: Tenant,
  provider: SamlProvider,
  requestId: string,
  now: number,
): { readonly id: string; readonly until: number; readonly authenticatedAt: number } | string {
  const skew = skewOf(provider);
  const id = assertion.$?.['ID'] ?? '';
  if (id === '') return 'the assertion has no ID';
  const issuers = children(assertion, 'Issuer');
  if (issuers.length !== 1 || issuers[0]?._?.trim() !== provider.issuer) return 'the assertion is of another provider';
  const confirmed = children(children(assertion, 'Subject')[0], 'SubjectConfirmation').some((confirmation) => {
    const data = children(confirmation, 'SubjectConfirmationData')[0]?.$;
    const until = Date.parse(data?.['NotOnOrAfter'] ?? '');
    return (
      confirmation.$?.['Method'] === bearer &&
      data?.['Recipient'] === acsOf(tenant, provider.id) &&
      data['InResponseTo'] === requestId &&
      until > now - skew
    );
  });
  if (!confirmed) return 'no bearer confirmation is for this address, this request and this time';
  const conditions = children(assertion, 'Conditions');
  const until = Date.parse(conditions[0]?.$?.['NotOnOrAfter'] ?? '');
  if (conditions.length !== 1 || Number.isNaN(until)) return 'the assertion does not end';
  const authenticatedAt = Date.parse(children(assertion, 'AuthnStatement')[0]?.$?.['AuthnInstant'] ?? '');
  if (Number.isNaN(authenticatedAt)) return 'the assertion does not say that the person logged in';
  return { id, until: until + skew, authenticatedAt };
}

/** Who the person is, as claims of OpenID Connect where the settings name attributes for them. */
function identityOf(
  profile: Profile,
  { issuer, saml }: SamlProvider,
  authenticatedAt: number,
): { readonly subject: string; readonly claims: Readonly<Record<string, unknown>> } {
  const attributes = (profile['attributes'] ?? {}) as Readonly<Record<string, unknown>>;
  const mapped = Object.entries(saml.attributes ?? {}).flatMap(([claim, attribute]) => {
    const value = attributes[attribute];
    return value === undefined || value === null ? [] : [[claim, value] as const];
  });
  const claims = {
    ...Object.fromEntries(mapped),
    iss: issuer,
    sub: profile.nameID,
    auth_time: Math.floor(authenticatedAt / 1000),
    name_id_format: profile.nameIDFormat,
    attributes,
  };
  return { subject: profile.nameID, claims: JSON.parse(JSON.stringify(claims)) as Readonly<Record<string, unknown>> };
}
