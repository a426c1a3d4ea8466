/**
 * SAML 2.0 Single Logout (Profiles, section 4.4) over HTTP-Redirect: what a session keeps for its end at the provider,
 * the request that leads there, its answer, and the requests of a provider where people log out there first.
 */
import type { FederationPort, SamlLogOut } from '../flow/ports.ts';
import type { Sealer } from '../key/seal.ts';
import { newHandle } from '../store/secret.ts';
import type { ReplayRepository } from '../store/store.ts';
import type { Tenant } from '../tenant/tenant.ts';
import { isSaml, library, type SamlProvider, type SamlSession, skewOf, sloOf, withoutValues } from './saml.ts';
import { readSignedQuery, signedAddress } from './saml-redirect.ts';

export type SamlLogOutPort = Pick<
  FederationPort,
  'endSessionUrl' | 'readSamlLogOut' | 'answerSamlLogOut' | 'isSamlSession' | 'samlLogOutOf'
>;

/** What the browser keeps until the provider sends it back. */
interface Asked {
  readonly provider: string;
  readonly requestId: string;
  readonly relayState: string;
  readonly onward?: string | undefined;
  readonly until: number;
}

const unspecified = 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified';
const success = 'urn:oasis:names:tc:SAML:2.0:status:Success';
const askedName = 'SAML log-out';
/** Milliseconds that the person has for the provider's pages. */
const askedLasts = 10 * 60_000;
/** Milliseconds that a provider's request is good for. */
const requestLasts = 5 * 60_000;

export function createSamlLogOut(options: {
  readonly replays: ReplayRepository;
  readonly sealer: Sealer;
}): SamlLogOutPort {
  const { replays, sealer } = options;
  /** @throws KeyError where it was encrypted under another master key. */
  const open = (tenant: Tenant, providerId: string, sealed: string) =>
    JSON.parse(sealer.unseal(tenant.id, `tokens of provider ${providerId}`, sealed)) as SamlSession;

  return {
    async endSessionUrl({ tenant, provider, tokens, onward, now }) {
      const to = isSaml(provider) && provider.endSession ? logOutOf(provider) : undefined;
      if (!isSaml(provider) || to === undefined) return undefined;
      try {
        const { subject, format = unspecified, sessionIndex, ...qualifiers } = open(tenant, provider.id, tokens);
        // An XML ID must not begin with a digit.
        const requestId = `_${newHandle()}`;
        const relayState = newHandle();
        const made = await library(tenant, provider, { expected: requestId, since: 0 }).getLogoutUrlAsync(
          {
            issuer: provider.issuer,
            nameID: subject,
            nameIDFormat: format,
            ...qualifiers,
            ...(sessionIndex === undefined ? {} : { sessionIndex }),
          },
          '',
          {},
        );
        const asked: Asked = { provider: provider.id, requestId, relayState, onward, until: now + askedLasts };
        return {
          url: signedAddress(to.url, { kind: 'SAMLRequest', message: messageIn(made), relayState }, to.key),
          kept: sealer.seal(tenant.id, askedName, JSON.stringify(asked)),
        };
      } catch {
        return undefined;
      }
    },

    samlLogOutOf({ tenant, kept, now }) {
      try {
        const asked = JSON.parse(sealer.unseal(tenant.id, askedName, kept)) as Asked;
        return asked.until > now ? asked : undefined;
      } catch {
        return undefined;
      }
    },

    async readSamlLogOut({ tenant, provider, query, now }) {
      if (!isSaml(provider) || logOutOf(provider) === undefined) return refused('there is no log-out with it');
      const message = readSignedQuery(query, provider.saml.certificates);
      if (typeof message === 'string') return refused(message);
      const { kind, xml } = message;
      const relayState = message.relayState === undefined ? {} : { relayState: message.relayState };
      const head = headOf(xml, kind === 'SAMLRequest' ? 'LogoutRequest' : 'LogoutResponse');
      if (typeof head === 'string') return refused(head);
      if (head.attributes.get('Version') !== '2.0') return refused('it is of another version');
      // A signed message must say where it was sent to (Bindings, section 3.4.5.2).
      if (head.attributes.get('Destination') !== sloOf(tenant, provider.id))
        return refused('it is meant for another address');
      if (head.issuer !== provider.issuer) return refused('it is of another provider');
      if (kind === 'SAMLResponse')
        return {
          kind: 'response',
          inResponseTo: head.attributes.get('InResponseTo') ?? '',
          succeeded: statusOf(xml) === success,
          ...relayState,
        };
      const requestId = head.attributes.get('ID') ?? '';
      if (requestId === '') return refused('it has no ID');
      const issuedAt = Date.parse(head.attributes.get('IssueInstant') ?? '');
      const tolerated = requestLasts + skewOf(provider);
      if (!(Math.abs(now - issuedAt) <= tolerated)) return refused('it is not of now');
      let subject: string;
      try {
        // The signature was verified above, over this very text, which is all that may be read of the query.
        const read = await library(tenant, provider, { expected: '', since: 0 }).validateRedirectAsync(
          { SAMLRequest: message.message },
          '',
        );
        subject = read.profile?.nameID ?? '';
      } catch (error) {
        return refused(error instanceof Error ? withoutValues(error.message) : 'unknown');
      }
      if (subject === '') return refused('it names nobody');
      const until = issuedAt + 2 * tolerated;
      if (!(await replays.remember(tenant.id, `saml logout ${provider.id}`, requestId, until)))
        return refused('it was used before');
      return { kind: 'request', requestId, subject, sessionIndexes: indexesOf(xml), ...relayState };
    },

    async answerSamlLogOut({ tenant, provider, requestId, relayState, known }) {
      const to = isSaml(provider) ? logOutOf(provider) : undefined;
      if (!isSaml(provider) || to === undefined) return undefined;
      const made = await library(tenant, provider, {
        expected: `_${newHandle()}`,
        since: 0,
      }).getLogoutResponseUrlAsync({ ID: requestId, issuer: '', nameID: '', nameIDFormat: '' }, '', {}, known);
      const answer = { kind: 'SAMLResponse', message: messageIn(made) };
      return signedAddress(to.url, relayState === undefined ? answer : { ...answer, relayState }, to.key);
    },

    isSamlSession({ tenant, provider, tokens, subject, sessionIndexes }) {
      try {
        const session = open(tenant, provider.id, tokens);
        if (session.subject !== subject) return false;
        return (
          sessionIndexes.length === 0 ||
          session.sessionIndex === undefined ||
          sessionIndexes.includes(session.sessionIndex)
        );
      } catch {
        // Nobody can tell any more, so it ends.
        return true;
      }
    },
  };
}

function refused(message: string): SamlLogOut {
  return { kind: 'refused', message };
}

/** Its address for log-out, and the key that messages for it are signed with; undefined where there is no log-out with it. */
function logOutOf({ saml }: SamlProvider): { readonly url: string; readonly key: string } | undefined {
  const { logoutUrl: url, requestKey: key } = saml;
  return url === undefined || key === undefined ? undefined : { url, key };
}

/** The deflated message in an address that the library made. */
function messageIn(url: string): string {
  const { searchParams } = new URL(url);
  return searchParams.get('SAMLRequest') ?? searchParams.get('SAMLResponse') ?? '';
}

/** The outermost element's attributes and issuer, or what is wrong with the text. */
function headOf(
  xml: string,
  name: string,
): { readonly attributes: ReadonlyMap<string, string>; readonly issuer: string } | string {
  // No document type, no entity, no CDATA, and no comment, which could cut a name in two for one parser and not for another.
  if (xml.includes('<!')) return 'it has a declaration, a comment or CDATA';
  if (xml.lastIndexOf('<?') > xml.indexOf('<')) return 'it has a processing instruction';
  const root = new RegExp(`^\\uFEFF?\\s*(?:<\\?xml[^<>]*\\?>\\s*)?<(?:[\\w.-]+:)?${name}(\\s[^<>]*)>`).exec(xml);
  if (!root) return 'it is another message';
  const attributes = [...(root[1] ?? '').matchAll(/\s([\w.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)];
  const issuer = /^\s*<(?:[\w.-]+:)?Issuer(?:\s[^<>]*)?>([^<>]*)</.exec(xml.slice(root[0].length));
  return {
    attributes: new Map(attributes.map(([, key = '', double, single]) => [key, textOf(double ?? single ?? '')])),
    issuer: textOf(issuer?.[1] ?? '').trim(),
  };
}

/** The sessions that a request names; none where it means all. */
function indexesOf(xml: string): readonly string[] {
  const found = xml.matchAll(/<(?:[\w.-]+:)?SessionIndex(?:\s[^<>]*)?>([^<>]*)</g);
  return [...found].map(([, index = '']) => textOf(index).trim());
}

function statusOf(xml: string): string | undefined {
  const found = /<(?:[\w.-]+:)?StatusCode\s[^<>]*?Value\s*=\s*(?:"([^"]*)"|'([^']*)')/.exec(xml);
  return found?.[1] ?? found?.[2];
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function textOf(escaped: string): string {
  return escaped.replace(/&(?:#x([\da-f]{1,6})|#(\d{1,7})|(lt|gt|quot|apos|amp));/gi, (whole, hex, decimal, name) => {
    if (typeof name === 'string') return entities[name.toLowerCase()] ?? whole;
    const point = Number.parseInt(String(hex ?? decimal), hex === undefined ? 10 : 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}
