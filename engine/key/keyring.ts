/** What the engine asks of its keys. Private parts never leave `engine/key/`. */
import type { Jwk, SigningAlgorithm, Tenant } from '../tenant/tenant.ts';

export interface Keyring {
  /** Makes sure the tenant has an active key per configured algorithm, importing or generating as needed. */
  prepare(tenant: Tenant): Promise<void>;
  /** Signs a JWT with the tenant's active key of `algorithm` (its first configured algorithm when absent). */
  sign(
    tenant: Tenant,
    claims: Readonly<Record<string, unknown>>,
    options?: { readonly algorithm?: SigningAlgorithm; readonly type?: string },
  ): Promise<string>;
  /** Verifies a JWT signed by this tenant; undefined when it is not one. Does not look at `exp`. */
  verify(
    tenant: Tenant,
    token: string,
  ): Promise<
    | { readonly header: Readonly<Record<string, unknown>>; readonly claims: Readonly<Record<string, unknown>> }
    | undefined
  >;
  publicJwks(tenant: Tenant): Promise<{ readonly keys: readonly Jwk[] }>;
}
