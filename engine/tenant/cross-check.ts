/** Rules of a tenant's document that span several of its values, beyond what a JSON Schema says. */
import { X509Certificate } from 'node:crypto';
import { builtInFields, formNames } from '../identity/registration-form.ts';
import { isLocalMailServer } from '../mail/mailer.ts';
import { ownClientId } from '../oauth/own-client.ts';
import { gapsOf } from '../fhir/search-query.ts';
import { reserved } from '../script/api/effects.ts';
import { parseScope } from '../smart/scope.ts';
import { checkInbound } from './check-inbound.ts';
import type { ClientDocument, TenantDocument } from './document.ts';
import { didYouMean, escapePointer } from './problem.ts';

export type Report = (code: string, pointer: string, found: string, expected: string, hint?: string) => void;

const GRANTS = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
];
const REFUSED_GRANTS: Readonly<Record<string, string>> = {
  implicit: 'use authorization_code with PKCE (RFC 9700 section 2.1.2)',
  password: 'use authorization_code, or client_credentials without a person (RFC 9700 section 2.4)',
};
/** Members of the token response that are no context. */
const takenParameters: ReadonlySet<string> = new Set(reserved.response);
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether the URL's host is this machine itself. */
export function isLoopback(url: string): boolean {
  return URL.canParse(url) && LOOPBACK.has(new URL(url).hostname);
}

function unique(values: readonly (string | undefined)[], pointer: (index: number) => string, report: Report): void {
  values.forEach((value, index) => {
    if (value !== undefined && values.indexOf(value) !== index)
      report('duplicate', pointer(index), `"${value}" again`, 'a value used once');
  });
}

function checkIssuer(document: TenantDocument, report: Report): void {
  const { issuer } = document;
  if (!URL.canParse(issuer)) return report('issuer', '/issuer', 'no URL', 'an absolute URL');
  const url = new URL(issuer);
  if (/[?#]/.test(issuer) || issuer.endsWith('/') || url.username !== '') {
    report('issuer', '/issuer', `"${issuer}"`, 'no query, fragment, user or trailing slash', 'RFC 8414 section 2');
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(issuer))) {
    report('issuer', '/issuer', `"${issuer}"`, 'https', 'http is for loopback only');
  }
  if (document.demo === true && !isLoopback(issuer)) {
    report(
      'demo-not-loopback',
      '/demo',
      'a demo tenant with a public issuer',
      'an issuer on loopback',
      'demo keys are public: remove "demo"',
    );
  }
}

function checkTraces({ traces, demo }: TenantDocument, report: Report): void {
  if (traces?.values === 'all' && demo !== true)
    report(
      'traces-values',
      '/traces/values',
      '"all" of a tenant that is no demo',
      'none or redacted',
      "they hold people's data",
    );
}

function checkMail({ mail, passwordReset, demo }: TenantDocument, report: Report): void {
  if (mail?.smtp.security === 'none' && !isLocalMailServer(mail.smtp.host))
    report('mail-unencrypted', '/mail/smtp/security', '"none"', '"starttls" or "tls"', 'plain is for loopback only');
  if ((mail?.smtp.username === undefined) !== (mail?.smtp.password === undefined))
    report('mail-login', '/mail/smtp', 'a user name or a password alone', 'both, or neither');
  if (passwordReset?.enabled === true && !mail && demo !== true)
    report('mail-missing', '/passwordReset/enabled', 'true without `mail`', 'a mail server', 'the link goes by mail');
}

function checkSelfRegistration({ selfRegistration, mail, demo, inbound = [] }: TenantDocument, report: Report): void {
  if (selfRegistration?.enabled === true && !mail && demo !== true)
    report(
      'mail-missing',
      '/selfRegistration/enabled',
      'true without `mail`',
      'a mail server',
      'the link goes by mail',
    );
  // Somebody would choose the name of a person of the directory who was never here.
  if (
    selfRegistration?.enabled === true &&
    selfRegistration.username === 'chosen' &&
    inbound.some(({ type }) => type !== 'local')
  )
    report(
      'registration-names',
      '/selfRegistration/username',
      '"chosen" beside a directory',
      '"email"',
      'its people have names already',
    );
  const fields = selfRegistration?.fields ?? [];
  unique(
    fields.map(({ name }) => name),
    (index) => `/selfRegistration/fields/${index}/name`,
    report,
  );
  fields.forEach(({ name, label = {}, type, choices, pattern }, index) => {
    const at = `/selfRegistration/fields/${index}`;
    const isBuiltIn = builtInFields.some((known) => known === name);
    if (formNames.includes(name))
      report(
        'registration-field',
        `${at}/name`,
        `"${name}"`,
        'another name',
        'the form itself has a field of that name',
      );
    else if (!isBuiltIn && Object.keys(label).length === 0)
      report('registration-field', at, `"${name}" without a label`, 'its label', didYouMean(name, [...builtInFields]));
    if ((type === 'choice') !== (choices !== undefined))
      report('registration-field', at, 'one of type "choice" and choices', 'both, or none');
    if (isBuiltIn && type === 'choice')
      report('registration-field', `${at}/type`, `"choice" of "${name}"`, 'a text', 'ask by a field of your own');
    if (pattern !== undefined && !isPattern(pattern))
      report('registration-field', `${at}/pattern`, 'no regular expression', 'one with the flag v', 'ECMAScript');
  });
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'v').flags === 'v';
  } catch {
    return false;
  }
}

function checkSecondFactor({ secondFactor }: TenantDocument, report: Report): void {
  if (secondFactor?.level === 'off' && (secondFactor.requiredFor ?? []).length > 0)
    report(
      'second-factor-off',
      '/secondFactor/requiredFor',
      'permissions beside the level "off"',
      'the level "optional"',
      'with "off" nobody is asked',
    );
}

function checkRedirect(uri: string, pointer: string, report: Report): void {
  const fail = (hint: string): void =>
    report('redirect-uri', pointer, `"${uri}"`, 'an absolute https, loopback http or private-use URI', hint);
  if (!URL.canParse(uri)) return fail('write the whole URI');
  const { protocol } = new URL(uri);
  if (uri.includes('#')) return fail('no fragment (RFC 6749 section 3.1.2)');
  if (uri.includes('*')) return fail('wildcards are not supported: list each URI');
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(uri))) return;
  // A private-use scheme is a reversed domain name, so it has a dot (RFC 8252 section 7.1); javascript: and data: have none.
  if (!protocol.includes('.')) fail('use https, http on loopback, or a scheme like com.example.app');
}

/** Web addresses without a fragment; the one in a frame must be where the app is (Front-Channel Logout section 2). */
function checkLogoutUris(client: ClientDocument, at: string, report: Report): void {
  for (const member of ['backchannelLogoutUri', 'frontchannelLogoutUri'] as const) {
    const uri = client[member];
    if (uri === undefined) continue;
    const url = URL.canParse(uri) ? new URL(uri) : undefined;
    const web = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(uri));
    if (!url || !web || /[#\s]/.test(uri) || url.username !== '' || url.password !== '')
      report(
        'logout-uri',
        `${at}/${member}`,
        `"${uri}"`,
        'an absolute https or loopback http address',
        'no fragment, user or password',
      );
    else if (
      member === 'frontchannelLogoutUri' &&
      !(client.redirectUris ?? []).some((redirect) => sameSite(redirect, url))
    )
      report(
        'logout-uri',
        `${at}/${member}`,
        `"${uri}"`,
        'scheme, host and port of one of redirectUris',
        'OpenID Connect Front-Channel Logout section 2',
      );
  }
}

/** Of loopback addresses the port is the app's to choose (RFC 8252 section 7.3). */
function sameSite(redirect: string, url: URL): boolean {
  if (!URL.canParse(redirect)) return false;
  const registered = new URL(redirect);
  return isLoopback(redirect) && registered.protocol === 'http:'
    ? registered.protocol === url.protocol && registered.hostname === url.hostname
    : registered.origin === url.origin;
}

function checkScopes(scopes: readonly string[] | undefined, pointer: string, report: Report): void {
  scopes?.forEach((scope, index) => {
    if (parseScope(scope).kind === 'malformed')
      report('scope', `${pointer}/${index}`, `"${scope}"`, 'a well-formed scope', 'for example patient/Observation.rs');
  });
}

/** What is wrong with one client, beyond its schema; `at` is its JSON pointer. */
export function checkClient(client: ClientDocument, at: string, report: Report): void {
  // Its tokens would look like those that the tenant makes for its own scripts.
  if (client.clientId === ownClientId)
    report('client-reserved', `${at}/clientId`, `"${ownClientId}"`, 'another name', 'the tenant itself goes by it');
  const methods = client.tokenEndpointAuthMethods ?? [];
  const keySources = [client.jwks, client.jwksFile, client.jwksUri].filter((source) => source !== undefined).length;
  if (keySources > 1) report('jwks-exclusive', at, 'several of jwks, jwksFile, jwksUri', 'one of them');
  if (methods.includes('none') && methods.length > 1)
    report('public-client', `${at}/tokenEndpointAuthMethods`, 'none beside other methods', 'none alone, or none of it');
  if (methods.includes('none') && (client.secrets ?? []).length > 0)
    report(
      'public-client',
      `${at}/secrets`,
      'secrets of a public client',
      'no secrets',
      'set tokenEndpointAuthMethods',
    );
  if (methods.some((method) => method.startsWith('client_secret')) && (client.secrets ?? []).length === 0) {
    report('secrets-missing', at, 'a secret method without secrets', 'at least one entry in "secrets"');
  }
  if (methods.includes('private_key_jwt') && keySources === 0)
    report('jwks-missing', at, 'private_key_jwt without keys', 'jwks, jwksFile or jwksUri');
  client.grantTypes?.forEach((grant, index) => {
    const refused = REFUSED_GRANTS[grant];
    if (GRANTS.includes(grant)) return;
    report(
      refused === undefined ? 'grant-unknown' : 'grant-refused',
      `${at}/grantTypes/${index}`,
      `"${grant}"`,
      `one of ${GRANTS.join(', ')}`,
      refused ?? didYouMean(grant, GRANTS),
    );
  });
  const grants = client.grantTypes ?? [];
  if (grants.includes('authorization_code') && (client.redirectUris ?? []).length === 0)
    report('redirect-missing', at, 'authorization_code without redirectUris', 'at least one redirect URI');
  if (grants.includes('client_credentials') && methods.includes('none'))
    report(
      'public-client',
      `${at}/grantTypes`,
      'client_credentials of a public client',
      'a client that authenticates',
      'RFC 6749 section 4.4',
    );
  for (const member of ['redirectUris', 'postLogoutRedirectUris'] as const) {
    client[member]?.forEach((uri, index) => checkRedirect(uri, `${at}/${member}/${index}`, report));
  }
  checkLogoutUris(client, at, report);
  for (const member of ['scopes', 'autoApproveScopes', 'autoGrantScopes'] as const)
    checkScopes(client[member], `${at}/${member}`, report);
}

/** A certificate as metadata write it, made into PEM. */
export function pemOf(certificate: string): string {
  return certificate.includes('-----')
    ? certificate
    : `-----BEGIN CERTIFICATE-----\n${certificate.replace(/\s+/g, '')}\n-----END CERTIFICATE-----`;
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(pemOf(text)).publicKey.type === 'public';
  } catch {
    return false;
  }
}

/** What of a provider must fit together, whether it stands in a document or comes by the admin API. */
export interface CheckedProvider {
  readonly clientSecret?: unknown;
  readonly recheckSeconds?: number;
  readonly endSession?: boolean;
  readonly saml?: {
    readonly entryPoint: string;
    readonly logoutUrl?: string;
    readonly certificates: readonly string[];
    readonly requestKey?: unknown;
    readonly requestCertificate?: string;
    readonly decryptionKey?: unknown;
    readonly decryptionCertificate?: string;
  };
}

/** @param at the provider's place, a JSON pointer. */
export function checkSaml({ saml, ...provider }: CheckedProvider, at: string, report: Report): void {
  if (saml === undefined) return;
  for (const member of ['clientSecret', 'recheckSeconds'] as const)
    if (provider[member] !== undefined)
      report('saml-openid', `${at}/${member}`, `"${member}" of a SAML provider`, 'none', 'SAML knows no such thing');
  if (provider.endSession === true && saml.logoutUrl === undefined)
    report('saml-log-out', `${at}/endSession`, 'log-out at a SAML provider without an address', 'saml.logoutUrl');
  if (saml.logoutUrl !== undefined && saml.requestKey === undefined)
    report('saml-log-out', `${at}/saml`, 'logoutUrl without requestKey', 'both', 'messages of log-out are signed');
  for (const member of ['entryPoint', 'logoutUrl'] as const) {
    const url = saml[member];
    if (url !== undefined && !url.startsWith('https:') && !isLoopback(url))
      report('saml-entry-point', `${at}/saml/${member}`, `"${url}"`, 'https', 'http is for loopback only');
  }
  const texts = saml.certificates.map((text, index) => [text, `certificates/${index}`] as const);
  const own = (['requestCertificate', 'decryptionCertificate'] as const).flatMap((member) =>
    saml[member] === undefined ? [] : [[saml[member], member] as const],
  );
  for (const [text, member] of [...texts, ...own])
    if (!isCertificate(text))
      report(
        'saml-certificate',
        `${at}/saml/${member}`,
        'no certificate',
        'X.509 as PEM or base64',
        'copy it from its metadata',
      );
  if ((saml.requestKey === undefined) !== (saml.requestCertificate === undefined))
    report('saml-request-key', `${at}/saml`, 'one of requestKey and requestCertificate', 'both, or none');
  if ((saml.decryptionKey === undefined) !== (saml.decryptionCertificate === undefined))
    report('saml-decryption-key', `${at}/saml`, 'one of decryptionKey and decryptionCertificate', 'both, or none');
}

/** How an answer is written and cut into pages is the engine's to say. */
const ownSearchParameters = ['_count', '_format', '_summary', '_elements', '_total'];

/** Conditions that would never hold, or be passed over, would offer the wrong records, or none. */
function checkSearches({ launch, fhirServers = [], selfRegistration }: TenantDocument, report: Report): void {
  const namesAreChosen = selfRegistration?.enabled === true && selfRegistration.username === 'chosen';
  const searches = launch?.searches ?? [];
  const kinds = searches.map(({ resourceType }) => resourceType.toLowerCase());
  const fillings = [...new Set(['username', 'fhirUser', 'fhirUser.id', 'patient', 'encounter', ...kinds])];
  const servers = fhirServers.map(({ name }) => name);
  searches.forEach(({ resourceType, server, parameters = {} }, index) => {
    const at = `/launch/searches/${index}`;
    if (takenParameters.has(resourceType.toLowerCase()))
      report('search-type', `${at}/resourceType`, `"${resourceType}"`, 'a type whose name the response does not use');
    if (server !== undefined && !servers.includes(server))
      report('search-server', `${at}/server`, `"${server}"`, 'one of fhirServers', didYouMean(server, servers));
    for (const [name, values] of Object.entries(parameters)) {
      const pointer = `${at}/parameters/${escapePointer(name)}`;
      if (ownSearchParameters.includes(name.split(':', 1)[0] ?? ''))
        report('search-parameter', pointer, `"${name}"`, 'another parameter', 'the page asks for as much as it shows');
      for (const gap of gapsOf({ parameters: { [name]: values } })) {
        if (!fillings.includes(gap))
          report('search-gap', pointer, `"{${gap}}"`, `one of ${fillings.join(', ')}`, didYouMean(gap, fillings));
        // Whoever registers would choose whose records they may choose.
        if (gap === 'username' && namesAreChosen)
          report('search-username', pointer, '"{username}"', '{fhirUser}', 'people who register choose their names');
      }
      if ([values].flat().some((value) => /[{}]/.test(value.replace(/\{[^{}]*\}/g, ''))))
        report('search-gap', pointer, JSON.stringify(values), 'each { with its }');
    }
  });
}

/** Reports every violation of a document that already fits its schema. */
export function crossCheck(document: TenantDocument, report: Report): void {
  checkMail(document, report);
  checkSearches(document, report);
  checkTraces(document, report);
  checkSelfRegistration(document, report);
  checkSecondFactor(document, report);
  checkIssuer(document, report);
  const { clients = [], users = [], providers = [], inbound = [], codap } = document;
  clients.forEach((client, index) => checkClient(client, `/clients/${index}`, report));
  unique(
    (document.scripts?.bound ?? []).map(({ id }) => id),
    (index) => `/scripts/bound/${index}/id`,
    report,
  );
  unique(
    clients.map((client) => client.clientId),
    (index) => `/clients/${index}/clientId`,
    report,
  );
  const { minimumLength = 8, maximumLength = 1024 } = document.passwords ?? {};
  if (maximumLength < minimumLength)
    report('password-length', '/passwords/maximumLength', String(maximumLength), `at least ${minimumLength}`);
  users.forEach((user, index) => {
    if (user.password !== undefined && user.passwordHash !== undefined)
      report('password-exclusive', `/users/${index}`, 'password and passwordHash', 'one of them');
  });
  unique(
    users.map((user) => user.username),
    (index) => `/users/${index}/username`,
    report,
  );
  unique(
    users.map((user) => user.id ?? user.username),
    (index) => `/users/${index}`,
    report,
  );
  unique(
    providers.map((provider) => provider.id),
    (index) => `/providers/${index}/id`,
    report,
  );
  unique(
    inbound.map((module) => module.id),
    (index) => `/inbound/${index}/id`,
    report,
  );
  unique(
    (document.fhirServers ?? []).map((server) => server.name),
    (index) => `/fhirServers/${index}/name`,
    report,
  );
  checkScopes(document.policy?.scopesScriptsMayAdd, '/policy/scopesScriptsMayAdd', report);
  checkInbound(inbound, report, isLoopback);
  providers.forEach((provider, index) => checkSaml(provider, `/providers/${index}`, report));
  providers.forEach((provider, index) => checkScopes(provider.scopes, `/providers/${index}/scopes`, report));
  if (document.keystore?.jwks !== undefined && document.keystore.jwksFile !== undefined)
    report('jwks-exclusive', '/keystore', 'jwks and jwksFile', 'one of them');
  if (codap?.enabled === true) {
    if (document.scripts?.codapAuthorization === undefined)
      report(
        'codap-script',
        '/scripts',
        'CODAP without its script',
        '"codapAuthorization"',
        'it decides every request',
      );
    if ((codap.trust ?? []).length === 0)
      report('codap-trust', '/codap', 'CODAP without trusted issuers', 'at least one entry in "trust"');
  }
  codap?.trust?.forEach((trust, index) => {
    const sources = [trust.jwks, trust.jwksFile, trust.jwksUri].filter((source) => source !== undefined).length;
    if (sources !== 1)
      report(
        'jwks-exclusive',
        `/codap/trust/${index}`,
        `${sources} key sources`,
        'exactly one of jwks, jwksFile, jwksUri',
      );
    checkScopes(trust.scopes, `/codap/trust/${index}/scopes`, report);
    trust.clients.forEach((clientId, position) => {
      const known = clients.map((client) => client.clientId);
      if (!known.includes(clientId))
        report(
          'client-unknown',
          `/codap/trust/${index}/clients/${position}`,
          `"${clientId}"`,
          'a client of this tenant',
          didYouMean(clientId, known),
        );
    });
  });
}
