/** Properties of the SMART Outbound Security module (`SECURITY_OUT_SMART`), which becomes a tenant. */
import { alike, alwaysOn, isTrue, neverOn, type PropertyRule } from './rule.ts';

const templates = [
  'login_page',
  'login_oauth2_page',
  'approve_page',
  'context_selection',
  'error_page',
  'tfa_page',
  'tos_page',
  'session_management_page',
].map((page) => `skin.${page}.template`);
const accountTemplates = [
  'skin.register_step1.template',
  'skin.register_step2.template',
  'skin.forgot_password_step1.template',
  'skin.forgot_password_step2.template',
  'skin.forgot_password_step3.template',
];
const proxy = 'Sallyport speaks HTTP; let the proxy before it do this.';

function wholeNumber(value: string): number | undefined {
  return /^\s*\d{1,9}\s*$/.test(value) ? Number(value) : undefined;
}

export const outboundRules: readonly PropertyRule[] = [
  {
    key: 'issuer.url',
    outcome: 'carried',
    text: '`issuer`. It has no trailing slash here, and must be https unless it is on loopback.',
    apply: 'taken',
  },
  {
    key: 'context_path',
    outcome: 'differs',
    text: 'Every endpoint lies below the path of `issuer`.',
    apply(value, { issuer }) {
      const path = `/${value.trim().replaceAll(/^\/+|\/+$/g, '')}`;
      if (new URL(issuer).pathname === path) return { outcome: 'carried', text: 'It is the path of `issuer`.' };
      return {
        text: 'Every endpoint lies below the path of `issuer`, which is another one: addresses that apps know change.',
      };
    },
  },
  ...alike(['port'], 'differs', 'The environment variable `PORT`: one port serves all tenants.'),
  ...alike(['bind_address'], 'differs', 'The environment variable `HOST`: one address serves all tenants.'),

  {
    key: 'allowed_audience_list',
    outcome: 'carried',
    text: '`fhirServers`: each address is a FHIR server that apps may name in `aud`. A trailing slash is dropped.',
    apply: 'taken',
  },
  alwaysOn(
    'enforce_approved_scopes_to_restrict_permissions',
    'Always so: permissions that no approved scope supports are not in the token.',
    'Always on: permissions that no approved scope supports are not in the token.',
  ),
  ...alike(
    ['smart_configuration.scopes_supported', 'smart_capabilities_list'],
    'differs',
    'The metadata is made of what the tenant really offers; there is nothing to set.',
  ),
  ...alike(['email.from_address'], 'missing', 'No mail is sent.'),

  alwaysOn(
    'pkce.required',
    'Always so, with S256; only a confidential client with `"profile": "oidc"` may go without.',
    'PKCE with S256 is always required. Only a confidential client with `"profile": "oidc"` may go without: see that every app sends it.',
  ),
  neverOn(
    'pkce.plain_challenge_supported',
    'Never so: only S256 is accepted.',
    'Only S256 is accepted; apps that send a plain challenge have to change.',
  ),
  alwaysOn(
    'rotate_refresh_token_after_use',
    'Always so; a refresh token that comes twice ends its whole family.',
    'Refresh tokens always rotate: apps must keep the newest one. One that comes twice ends its whole family.',
  ),
  ...alike(
    ['cache.authorized_tokens.millis'],
    'differs',
    'Nothing of the kind is cached: a revoked token is inactive at once.',
  ),
  ...alike(
    ['client_secret.encoding'],
    'differs',
    'New secrets are generated ones, kept by SHA-256, or chosen ones, kept by argon2id. Hashes made by bcrypt or PBKDF2 hold until their first use.',
  ),
  ...alike(
    ['client_secret.expiry_duration_days'],
    'missing',
    'New secrets do not expire unless told: give each an `expiration`.',
  ),

  {
    key: 'openid.signing.keystore_id',
    outcome: 'carried',
    text: '`keystore.jwksFile`, with the private keys of the keystore that the seed file has under this id.',
    apply: 'taken',
  },
  {
    key: 'openid.signing.jwks_file',
    outcome: 'carried',
    text: '`keystore.jwksFile`.',
    apply: 'taken',
  },
  {
    key: 'openid.signing.jwks_text',
    outcome: 'carried',
    text: '`keystore.jwksFile`, in a file that only its owner reads.',
    apply: 'taken',
  },
  {
    key: 'openid.signing.key_id',
    outcome: 'carried',
    text: 'The key of this id stands first in the file, so that it signs.',
    apply: 'taken',
  },
  ...alike(
    ['introspection_client.jwks_cache.mins'],
    'differs',
    'Keys of providers and clients are cached for a time that their server and their use decide.',
  ),
  ...alike(
    ['introspection_client.truststore.file', 'introspection_client.truststore.password'],
    'missing',
    'Name further authorities, as PEM, in `NODE_EXTRA_CA_CERTS` of the server.',
  ),

  ...['post_authorize_script.file', 'post_authorize_script.text'].map((key): PropertyRule => ({
    key,
    outcome: 'carried',
    text: '`scripts.callbacks`, unchanged.',
    apply: 'taken',
  })),
  {
    key: 'auth_request_detail.whitelist',
    outcome: 'carried',
    text: '`requestParameterAllowList`.',
    apply(value, document) {
      document.requestParameterAllowList = [...new Set(value.split(/[\s,]+/).filter((name) => name !== ''))];
      return undefined;
    },
  },
  neverOn(
    'codap.enabled',
    'It is off, and stays off.',
    'The script is in its place, but CODAP stays off: list in `codap.trust` who may sign requests, with their keys, then set `codap.enabled`.',
  ),
  ...['codap.auth_script.file', 'codap.auth_script.text'].map((key): PropertyRule => ({
    key,
    outcome: 'carried',
    text: '`scripts.codapAuthorization`, unchanged.',
    apply: 'taken',
  })),

  {
    key: 'federate_mode.enabled',
    outcome: 'carried',
    text: '`providers`, and `federation` without a password form; with one provider people go there at once.',
    apply(value, document) {
      if (!isTrue(value)) return { text: 'It is off: people log in here.' };
      document.federation = { passwordForm: false, autoRedirect: true };
      return undefined;
    },
  },
  neverOn(
    'saml.enabled',
    'It is off, and stays off.',
    'Not brought over. Describe the identity provider by `saml` in `providers`.',
  ),
  neverOn(
    'anonymous.access.enabled',
    'Never so: nobody gets a token without a log-in.',
    'Nobody gets a token without a log-in. Let the FHIR server decide what is open to everybody.',
  ),
  ...alike(['anonymous.access.account_username'], 'missing', 'There is no anonymous account.'),

  ...['seed_clients.file', 'seed_servers.file'].map((key): PropertyRule => ({
    key,
    outcome: 'carried',
    text: key === 'seed_clients.file' ? '`clients`.' : '`providers`.',
    apply: 'taken',
  })),

  {
    key: 'tos.version_string',
    outcome: 'differs',
    text: '`termsOfService.version`. People see a sample text that says that it is one: add yours as `termsOfService.text`, which Smile CDR keeps in the skin. Everybody is asked anew.',
    apply(value, document) {
      const version = value.trim();
      if (version === '') return { outcome: 'missing', text: 'It is empty: nobody is asked to accept terms.' };
      document.termsOfService = { version };
      return undefined;
    },
  },
  ...alike(
    ['skin.webjar_id', ...templates],
    'missing',
    'Pages look like the `default` skin. Write a skin: templates are mustache, and those it lacks come from `default`.',
  ),
  ...alike(
    accountTemplates,
    'missing',
    'The pages `register`, `registerConfirm`, `forgotten` and `newPassword` of a skin take their place: see `selfRegistration` and `passwordReset`.',
  ),

  {
    key: 'sessions.timeout.mins',
    outcome: 'differs',
    text: '`lifetimes.sessionSeconds`, counted from the log-in, not from the last use.',
    apply(value, document) {
      const minutes = wholeNumber(value);
      const seconds = (minutes ?? 0) * 60;
      if (minutes === undefined || seconds < 1 || seconds > 2_592_000)
        return { outcome: 'missing', text: 'It is no number of minutes up to 30 days: a session lasts 8 hours.' };
      document.lifetimes = { ...document.lifetimes, sessionSeconds: seconds };
      return undefined;
    },
  },
  ...alike(
    ['sessions.maximum_concurrent'],
    'missing',
    'Sessions of one person are not counted; people end theirs on `/session/manage`.',
  ),
  ...alike(
    ['sessions.inmemory', 'sessions.scavenger.interval.millis'],
    'differs',
    'Sessions are in the database, and expired ones leave it by themselves.',
  ),

  ...alike(
    ['cors.enable', 'cors.origins', 'cors.allowed_headers'],
    'differs',
    'Metadata and keys are open to every origin; tokens may be fetched from the origins of redirect URIs. There is nothing to set.',
  ),
  {
    key: 'frame_options.allow_from',
    outcome: 'carried',
    text: '`frameAncestors`.',
    apply(value, document) {
      if (value.trim() === '') return { text: 'Nobody may frame the pages, as before.' };
      document.frameAncestors = value.trim().split(/[\s,]+/);
      return undefined;
    },
  },
  ...alike(['pin_host'], 'differs', 'Requests reach a tenant only by the host of its `issuer`.'),
  ...alike(
    ['https_forwarding_assumed', 'respect_forward_headers'],
    'differs',
    'Addresses are made of `issuer`, never of headers.',
  ),
  ...alike(
    ['suppress_error_details', 'suppress_platform_info'],
    'carried',
    'Always so: neither an error nor a header tells what runs here.',
  ),
  ...alike(['endpoint_health.path'], 'differs', '`/health/live` and `/health/ready` of the server.'),
  ...alike(['endpoint_health.status_code_if_unhealthy'], 'differs', '`/health/ready` answers 503.'),
  ...alike(
    [
      'tls.enabled',
      'tls.clientauth.enabled',
      'tls.keystore.file',
      'tls.keystore.password',
      'tls.keystore.keyalias',
      'tls.keystore.keypass',
      'tls.truststore.file',
      'tls.truststore.password',
      'tls.protocol.cipher_whitelist',
      'tls.protocol.cipher_blacklist',
      'tls.protocol.protocol_whitelist',
      'tls.protocol.protocol_blacklist',
    ],
    'missing',
    'Sallyport speaks HTTP; let the proxy before it speak TLS.',
  ),
  ...alike(
    [
      'custom_response_headers',
      'block_http_head',
      'block_http_options',
      'max_header_size.request.kb',
      'max_header_size.response.kb',
      'read_idle_timeout.millis',
      'thread_pool.accept_queue_size',
      'threadpool.min',
      'threadpool.max',
    ],
    'missing',
    proxy,
  ),
  ...alike(
    ['access_log.appenders'],
    'missing',
    'Logs go to the standard output, as JSON; the proxy writes the access log.',
  ),
  ...alike(
    ['debug.debug_enabled', 'debug.host_address', 'debug.path', 'debug.port', 'debug.secure', 'debug.suspend'],
    'missing',
    'No debugger is attached to a running server; traces show what each callback saw and changed.',
  ),
  ...alike(['davinci.consent_handling'], 'missing', 'Consent of Da Vinci is a matter of the FHIR server.'),
];
