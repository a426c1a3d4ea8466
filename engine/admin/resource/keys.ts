/** The tenant's signing keys: published before they sign, kept until nothing they signed is used. */
import { createPrivateKey } from 'node:crypto';
import type { Jwk, SigningAlgorithm } from '../../tenant/tenant.ts';
import { refuse } from '../problem.ts';
import { ok, type TenantRoute } from '../route.ts';
import { keyView, list, object, signingAlgorithms, text } from '../schema.ts';

const algorithm = { enum: signingAlgorithms, description: 'What the key signs with.', examples: ['RS256'] };
const made = object({ kids: list(text('A key.'), 'Ids of the new keys.') });

interface ImportBody {
  readonly jwks?: { readonly keys: readonly Jwk[] };
  readonly pem?: string;
  readonly kid?: string;
  readonly algorithm?: SigningAlgorithm;
}

/** The private keys of a body, or undefined when its PEM text holds none. */
function keysOf({ jwks, pem, kid, algorithm: alg }: ImportBody): readonly Jwk[] | undefined {
  if (jwks) return jwks.keys;
  try {
    const jwk = createPrivateKey(pem ?? '').export({ format: 'jwk' }) as unknown as Jwk;
    return [{ ...jwk, ...(kid ? { kid } : {}), ...(alg ? { alg } : {}) }];
  } catch {
    return undefined;
  }
}

export const keyRoutes: readonly TenantRoute[] = [
  {
    name: 'listKeys',
    method: 'GET',
    path: '/tenants/{tenant}/keys',
    summary: 'The signing keys of a tenant, without their private parts, oldest first.',
    permission: 'read',
    answer: { status: 200, schema: object({ items: list(keyView, 'The keys.') }) },
    commands: [{ name: 'keys list' }],
    columns: ['kid', 'algorithm', 'active', 'createdAt'],
    async run({ tenant }, { keyring }) {
      const keys = await keyring.describe(tenant);
      return ok({ items: keys.map((key) => ({ ...key, createdAt: new Date(key.createdAt).toISOString() })) });
    },
  },
  {
    name: 'publishKey',
    method: 'POST',
    path: '/tenants/{tenant}/keys',
    summary: 'Makes the next key of an algorithm and publishes it. It signs when it is activated.',
    permission: 'keys',
    body: object({ algorithm }),
    answer: { status: 201, schema: made },
    commands: [{ name: 'keys publish' }],
    async run({ tenant, body }, { keyring }) {
      const kid = await keyring.publishNext(tenant, (body as { readonly algorithm: SigningAlgorithm }).algorithm);
      return { status: 201, body: { kids: [kid] }, change: { type: 'key.published', details: { kids: [kid] } } };
    },
  },
  {
    name: 'importKeys',
    method: 'POST',
    path: '/tenants/{tenant}/keys/import',
    summary: 'Publishes private keys from elsewhere, as a JSON Web Key Set or as PEM text. They sign when activated.',
    permission: 'keys',
    body: object(
      {
        jwks: object({ keys: list({ type: 'object', required: ['kty'] }, 'Private keys (RFC 7517).') }, ['keys'], {
          additionalProperties: true,
          writeOnly: true,
        }),
        pem: text('One private key, PKCS #8 or SEC 1 or PKCS #1.', { maxLength: 20_000, writeOnly: true }),
        kid: text('Id of the PEM key; its thumbprint where absent.', { pattern: '^[\\x21-\\x7e]{1,200}$' }),
        algorithm,
      },
      [],
      {
        oneOf: [
          { required: ['jwks'], not: { anyOf: [{ required: ['kid'] }, { required: ['algorithm'] }] } },
          { required: ['pem'] },
        ],
      },
    ),
    answer: { status: 201, schema: made },
    commands: [{ name: 'keys import' }],
    async run({ tenant, body }, { keyring }) {
      const keys = keysOf(body as ImportBody);
      if (!keys) return refuse(400, 'key-malformed', 'The PEM text holds no private key without a passphrase.');
      const kids: string[] = [];
      for (const key of keys) kids.push(await keyring.importKey(tenant, key));
      return { status: 201, body: { kids }, change: { type: 'key.imported', details: { kids } } };
    },
  },
  {
    name: 'activateKey',
    method: 'POST',
    path: '/tenants/{tenant}/keys/{kid}/activate',
    summary: 'Signs with this key from now on; the one before stays published. Other nodes follow within 30 seconds.',
    permission: 'keys',
    answer: { status: 204 },
    commands: [{ name: 'keys activate' }],
    async run({ tenant, parameters }, { keyring }) {
      const kid = parameters['kid'] ?? '';
      await keyring.activate(tenant, kid);
      return { status: 204, change: { type: 'key.activated', details: { kid } } };
    },
  },
  {
    name: 'retireKey',
    method: 'DELETE',
    path: '/tenants/{tenant}/keys/{kid}',
    summary: 'Takes an inactive key away. Do so when the last token it signed has expired.',
    permission: 'keys',
    answer: { status: 204 },
    commands: [{ name: 'keys retire' }],
    async run({ tenant, parameters }, { keyring }) {
      const kid = parameters['kid'] ?? '';
      await keyring.retire(tenant, kid);
      return { status: 204, change: { type: 'key.retired', details: { kid } } };
    },
  },
];
