/** What apps and trusted issuers prove themselves by in a simulation: secrets and keys made up, in place of the real ones. */
import { randomUUID } from 'node:crypto';
import { importJWK, SignJWT } from 'jose';
import { generateMaterial, type KeyMaterial } from '../key/material.ts';
import { CLIENT_ASSERTION_TYPE } from '../oauth/client-authentication.ts';
import { hashHandle } from '../store/secret.ts';
import type { Client, CodapTrust, SigningAlgorithm, Tenant } from '../tenant/tenant.ts';

/** What a request to the token endpoint carries to prove the app. */
export interface Proof {
  readonly parameters: Readonly<Record<string, string>>;
  readonly authorization?: string;
}

export interface MadeUpCredentials {
  /** The tenant with made-up secrets and keys wherever it has real ones. The same for the same tenant. */
  tenantWith(tenant: Tenant): Promise<Tenant>;
  /** @param right whether the secret or the signature is. @param now epoch milliseconds. */
  proofOf(client: Client, tenant: Tenant, method: string | undefined, right: boolean, now: number): Promise<Proof>;
  /** A JWT of a trusted issuer. */
  sign(trust: CodapTrust, claims: Readonly<Record<string, unknown>>): Promise<string>;
}

const secret = 'a-made-up-secret-of-the-simulator';
const clientAlgorithm = 'ES384';

/** Elliptic curves are made in no time; RSA only where nothing else is believed. */
function algorithmOf({ algorithms }: Pick<CodapTrust, 'algorithms'>): SigningAlgorithm {
  return algorithms.find((each) => each.startsWith('ES')) ?? algorithms[0] ?? clientAlgorithm;
}

export function createCredentials(): MadeUpCredentials {
  const materials = new Map<SigningAlgorithm, Promise<KeyMaterial>>();
  const tenants = new WeakMap<Tenant, Promise<Tenant>>();
  const material = (algorithm: SigningAlgorithm) => {
    const known = materials.get(algorithm) ?? generateMaterial(algorithm);
    materials.set(algorithm, known);
    return known;
  };
  const keys = async (algorithm: SigningAlgorithm) => ({ keys: [(await material(algorithm)).publicJwk] });

  async function signed(algorithm: SigningAlgorithm, claims: Readonly<Record<string, unknown>>): Promise<string> {
    const { kid, privateJwk } = await material(algorithm);
    const key = await importJWK(privateJwk as never, algorithm);
    return new SignJWT({ ...claims }).setProtectedHeader({ alg: algorithm, kid, typ: 'JWT' }).sign(key);
  }

  async function clientWith(client: Client): Promise<Client> {
    const { jwksUri, ...rest } = client;
    const secrets = client.secrets.map((each) => ({ ...each, hash: `sha256:${hashHandle(secret)}` }));
    const signs = client.jwks !== undefined || jwksUri !== undefined;
    return { ...rest, secrets, ...(signs ? { jwks: await keys(clientAlgorithm) } : {}) };
  }

  async function trustWith({ jwksUri: _jwksUri, ...trust }: CodapTrust): Promise<CodapTrust> {
    return { ...trust, jwks: await keys(algorithmOf(trust)) };
  }

  async function make(tenant: Tenant): Promise<Tenant> {
    return {
      ...tenant,
      clients: await Promise.all(tenant.clients.map(clientWith)),
      codap: { ...tenant.codap, trust: await Promise.all(tenant.codap.trust.map(trustWith)) },
      // What a provider says is given as claims, whichever protocol it speaks.
      providers: tenant.providers.map(({ saml: _saml, ...provider }) => provider),
      // All that happens is made up, so all of it may be looked at.
      demo: true,
    };
  }

  return {
    tenantWith(tenant) {
      const made = tenants.get(tenant) ?? make(tenant);
      tenants.set(tenant, made);
      return made;
    },
    async proofOf(client, tenant, wanted, right, now): Promise<Proof> {
      const { clientId } = client;
      const method = wanted ?? client.tokenEndpointAuthMethods[0] ?? 'none';
      const shown = right ? secret : 'a-wrong-secret';
      if (method === 'none') return { parameters: { client_id: clientId } };
      if (method === 'client_secret_post') return { parameters: { client_id: clientId, client_secret: shown } };
      if (method === 'client_secret_basic') {
        const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(shown)}`;
        return { parameters: {}, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
      }
      const issuedAt = Math.floor(now / 1000);
      const assertion = await signed(clientAlgorithm, {
        iss: clientId,
        sub: clientId,
        aud: `${tenant.issuer}/oauth/token`,
        iat: issuedAt,
        exp: issuedAt + 240,
        jti: randomUUID(),
      });
      return {
        parameters: {
          client_assertion_type: CLIENT_ASSERTION_TYPE,
          client_assertion: right ? assertion : spoiled(assertion),
        },
      };
    },
    sign: (trust, claims) => signed(algorithmOf(trust), claims),
  };
}

/** The same with a signature that does not verify. */
function spoiled(token: string): string {
  const cut = token.lastIndexOf('.') + 1;
  return token.slice(0, cut) + Buffer.from(token.slice(cut), 'base64url').reverse().toString('base64url');
}
