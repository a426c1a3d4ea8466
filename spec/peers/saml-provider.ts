/** `samlify` as the identity provider of a foreign organization, which tells the truth unless a test has it tell otherwise. */
import { createPublicKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import * as samlify from 'samlify';
import { encrypt } from 'xml-encryption';

const { IdentityProvider, SamlLib, ServiceProvider, setSchemaValidator } = samlify;

// What our server says is read by its meaning here; the schema is not what these specs are about.
setSchemaValidator({ validate: async () => 'valid' });

export const entityId = 'https://saml.foreign.example/metadata';
export const entryPoint = 'http://localhost:1/sso';
export const logoutUrl = 'http://localhost:1/slo?of=people';

/** A key and its certificate, as PEM. */
export function material(name: 'idp' | 'other' | 'sp'): { readonly key: string; readonly certificate: string } {
  const read = (kind: string) => readFileSync(join(import.meta.dirname, `saml/${name}.${kind}.pem`), 'utf8');
  return { key: read('key'), certificate: read('crt') };
}

export interface Answer {
  /** Values of the template below that are not the truth. */
  readonly values?: Readonly<Record<string, string>>;
  /** Changes the response before it is signed. */
  readonly before?: (xml: string) => string;
  /** Changes it after. */
  readonly after?: (xml: string) => string | Promise<string>;
  readonly signer?: 'idp' | 'other';
  readonly algorithm?: string;
  /** What is signed; the assertion alone unless told otherwise. */
  readonly signs?: readonly ('assertion' | 'message')[];
}

const saml = 'urn:oasis:names:tc:SAML:2.0';
const template = `<samlp:Response xmlns:samlp="${saml}:protocol" xmlns:saml="${saml}:assertion" ID="{responseId}" Version="2.0" IssueInstant="{now}" Destination="{destination}" InResponseTo="{responseTo}"><saml:Issuer>{responseIssuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="${saml}:status:{status}"/></samlp:Status><saml:Assertion xmlns:saml="${saml}:assertion" ID="{assertionId}" Version="2.0" IssueInstant="{now}"><saml:Issuer>{issuer}</saml:Issuer><saml:Subject><saml:NameID Format="${saml}:nameid-format:persistent">{subject}</saml:NameID><saml:SubjectConfirmation Method="{method}"><saml:SubjectConfirmationData InResponseTo="{subjectTo}" Recipient="{recipient}" NotOnOrAfter="{confirmedUntil}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{from}" NotOnOrAfter="{until}"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{loggedIn}" SessionIndex="{assertionId}"><saml:AuthnContext><saml:AuthnContextClassRef>${saml}:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="urn:oid:2.5.4.42"><saml:AttributeValue>{givenName}</saml:AttributeValue></saml:Attribute><saml:Attribute Name="mail"><saml:AttributeValue>{mail}</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue>ward</saml:AttributeValue><saml:AttributeValue>night</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>`;

export interface Posted {
  readonly acs: string;
  readonly form: { readonly SAMLResponse: string; readonly RelayState: string };
}

const rsaSha256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
const endpoints = {
  entityID: entityId,
  singleSignOnService: [{ Binding: `${saml}:bindings:HTTP-Redirect`, Location: entryPoint }],
  singleLogoutService: [{ Binding: `${saml}:bindings:HTTP-Redirect`, Location: logoutUrl }],
};
const identityProvider = IdentityProvider({
  ...endpoints,
  privateKey: material('idp').key,
  signingCert: material('idp').certificate,
  requestSignatureAlgorithm: rsaSha256,
  wantAuthnRequestsSigned: false,
  wantLogoutRequestSigned: true,
  wantLogoutResponseSigned: true,
});

/** What the provider understands of the request a person came with; throws where a signature is wanted and wrong. */
export async function readRequest(away: URL, metadata: string): Promise<Record<string, unknown>> {
  const query = Object.fromEntries(away.searchParams);
  const signed = /AuthnRequestsSigned="true"/.test(metadata);
  const receiver = IdentityProvider({ ...endpoints, wantAuthnRequestsSigned: signed });
  const octetString = signedPartOf(away);
  const read = await receiver.parseLoginRequest(ServiceProvider({ metadata }), 'redirect', { query, octetString });
  return read.extract as Record<string, unknown>;
}

/** What the signature of a message by redirect is over. */
function signedPartOf({ search }: URL): string {
  const pairs = search.slice(1).split('&');
  return ['SAMLRequest', 'SAMLResponse', 'RelayState', 'SigAlg']
    .flatMap((name) => pairs.filter((pair) => pair.startsWith(`${name}=`)))
    .join('&');
}

/** The message that an address carries. */
export function messageIn({ searchParams }: URL): string {
  const message = searchParams.get('SAMLRequest') ?? searchParams.get('SAMLResponse') ?? '';
  return inflateRawSync(Buffer.from(message, 'base64')).toString();
}

/** What the provider understands of a message about log-out; rejects where the signature is wrong. */
export async function readLogOut(
  away: URL,
  metadata: string,
  kind: 'Request' | 'Response',
): Promise<Record<string, unknown>> {
  const from = ServiceProvider({ metadata });
  const sent = { query: Object.fromEntries(away.searchParams), octetString: signedPartOf(away) };
  const read = await (kind === 'Request'
    ? identityProvider.parseLogoutRequest(from, 'redirect', sent)
    : identityProvider.parseLogoutResponse(from, 'redirect', sent));
  return read.extract as Record<string, unknown>;
}

/** The library's own answer to a request for log-out: the address that leads back. */
export async function answerLogOut(away: URL, metadata: string): Promise<string> {
  const extract = await readLogOut(away, metadata, 'Request');
  const sp = ServiceProvider({ metadata, wantLogoutResponseSigned: true });
  const relayState = away.searchParams.get('RelayState') ?? '';
  return (
    identityProvider.createLogoutResponse(sp, { extract } as never, 'redirect', relayState) as { context: string }
  ).context;
}

/** The library's own request for log-out. */
export function askForLogOut(metadata: string, logoutNameID: string, sessionIndex: string, relayState = ''): string {
  const sp = ServiceProvider({ metadata, wantLogoutRequestSigned: true });
  const user = { logoutNameID, sessionIndex };
  return (identityProvider.createLogoutRequest(sp, 'redirect', user, relayState) as { context: string }).context;
}

/** A message about log-out that may lie. */
export interface LogOutMessage {
  readonly values?: Readonly<Record<string, string>>;
  /** Changes the message before it is signed. */
  readonly before?: (xml: string) => string;
  /** Changes the address after. */
  readonly after?: (address: string) => string;
  readonly signer?: 'idp' | 'other';
  readonly algorithm?: string;
  readonly hash?: string;
  readonly relayState?: string;
}

const logOutTemplates = {
  Request: `<samlp:LogoutRequest xmlns:samlp="${saml}:protocol" xmlns:saml="${saml}:assertion" ID="{id}" Version="2.0" IssueInstant="{now}" NotOnOrAfter="{until}" Destination="{destination}"><saml:Issuer>{issuer}</saml:Issuer><saml:NameID Format="${saml}:nameid-format:persistent">{subject}</saml:NameID>{indexes}</samlp:LogoutRequest>`,
  Response: `<samlp:LogoutResponse xmlns:samlp="${saml}:protocol" xmlns:saml="${saml}:assertion" ID="{id}" Version="2.0" IssueInstant="{now}" Destination="{destination}" InResponseTo="{responseTo}"><saml:Issuer>{issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="${saml}:status:{status}"/></samlp:Status></samlp:LogoutResponse>`,
};

/** @param slo our address for it. */
export function logOutAddress(slo: string, kind: 'Request' | 'Response', message: LogOutMessage = {}): string {
  const values: Record<string, string> = {
    id: `_l${crypto.randomUUID()}`,
    now: new Date().toISOString(),
    until: new Date(Date.now() + 60_000).toISOString(),
    destination: slo,
    issuer: entityId,
    status: 'Success',
    ...message.values,
  };
  const { before = same, after = same, signer = 'idp', algorithm = rsaSha256, hash = 'sha256' } = message;
  const xml = before(logOutTemplates[kind].replace(/\{(\w+)\}/g, (_gap, name: string) => values[name] ?? ''));
  const pairs = [
    [`SAML${kind}`, deflateRawSync(xml).toString('base64')],
    ...(message.relayState === undefined ? [] : [['RelayState', message.relayState]]),
    ['SigAlg', algorithm],
  ];
  const signed = pairs.map(([name = '', value = '']) => `${name}=${encodeURIComponent(value)}`).join('&');
  const signature = sign(hash, Buffer.from(signed), material(signer).key).toString('base64');
  return after(`${slo}?${signed}&Signature=${encodeURIComponent(signature)}`);
}

/** The response to a person's request, as their browser would post it. */
export async function answerTo(away: URL, metadata: string, subject: string, answer: Answer = {}): Promise<Posted> {
  const extract = await readRequest(away, metadata);
  const { id, assertionConsumerServiceUrl: acs } = extract['request'] as Record<string, string>;
  const now = Date.now();
  const at = (minutes: number) => new Date(now + minutes * 60_000).toISOString();
  const audience = ServiceProvider({ metadata }).entityMeta.getEntityID();
  const values: Record<string, string> = {
    responseId: `_r${crypto.randomUUID()}`,
    assertionId: `_a${crypto.randomUUID()}`,
    now: at(0),
    destination: acs ?? '',
    responseTo: id ?? '',
    responseIssuer: entityId,
    status: 'Success',
    issuer: entityId,
    subject,
    method: `${saml}:cm:bearer`,
    subjectTo: id ?? '',
    recipient: acs ?? '',
    confirmedUntil: at(5),
    from: at(-1),
    until: at(5),
    audience,
    loggedIn: at(0),
    givenName: 'Ada',
    mail: `${subject}@saml.foreign.example`,
    ...answer.values,
  };
  const { before = same, after = same, signs = ['assertion'], signer = 'idp' } = answer;
  let xml = before(template.replace(/\{(\w+)\}/g, (_gap, name: string) => values[name] ?? ''));
  for (const signed of signs) {
    const { key, certificate } = material(signer);
    const place =
      signed === 'assertion'
        ? "/*[local-name(.)='Response']/*[local-name(.)='Assertion']"
        : "/*[local-name(.)='Response']";
    xml = SamlLib.constructSAMLSignature({
      rawSamlMessage: xml,
      privateKey: key,
      signingCert: certificate.replace(/-----[^-]+-----|\s/g, ''),
      signatureAlgorithm: answer.algorithm ?? 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
      isBase64Output: false,
      isMessageSigned: signed === 'message',
      ...(signed === 'assertion' ? { referenceTagXPath: place } : {}),
      signatureConfig: {
        prefix: 'ds',
        location: { reference: `${place}/*[local-name(.)='Issuer']`, action: 'after' },
      },
    });
  }
  return {
    acs: acs ?? '',
    form: {
      SAMLResponse: Buffer.from(await after(xml)).toString('base64'),
      RelayState: away.searchParams.get('RelayState') ?? '',
    },
  };
}

/** Encrypts the assertion of a signed response, for our server or whoever else. */
export async function encryptAssertion(
  xml: string,
  { algorithm = 'http://www.w3.org/2009/xmlenc11#aes256-gcm', key = 'rsa-oaep-mgf1p', reader = 'sp' } = {},
): Promise<string> {
  const assertion = /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(xml)?.[0] ?? '';
  const { certificate } = material(reader as 'sp');
  const options = {
    rsa_pub: createPublicKey(certificate).export({ type: 'spki', format: 'pem' }),
    pem: certificate,
    encryptionAlgorithm: algorithm,
    keyEncryptionAlgorithm: `http://www.w3.org/2001/04/xmlenc#${key}`,
    warnInsecureAlgorithm: false,
  };
  const encrypted = await promisify<string, object, string>(encrypt as never)(assertion, options);
  return xml.replace(assertion, () => `<saml:EncryptedAssertion>${encrypted}</saml:EncryptedAssertion>`);
}

function same(xml: string): string {
  return xml;
}

/** The same from the library's own template, so that not only the text above is understood. */
export async function ownAnswerTo(away: URL, metadata: string, email: string): Promise<Posted> {
  const extract = await readRequest(away, metadata);
  const sp = ServiceProvider({ metadata });
  const { context } = (await identityProvider.createLoginResponse(sp, { extract } as never, 'post', { email })) as {
    readonly context: string;
  };
  return {
    acs: String(sp.entityMeta.getAssertionConsumerService('post')),
    form: { SAMLResponse: context, RelayState: away.searchParams.get('RelayState') ?? '' },
  };
}
