/** Keys that a document holds or names: public ones to verify with, private ones to import. */
import { KeyError } from '../key/error.ts';
import { readMaterial } from '../key/material.ts';
import { isLoopback } from './cross-check.ts';
import type { TenantDocument } from './document.ts';
import { publicPart, type TenantFiles } from './files.ts';
import type { Jwk } from './tenant.ts';

interface KeySource {
  readonly jwks?: { readonly keys: readonly unknown[] };
  readonly jwksFile?: string;
}

async function keysOf(files: TenantFiles, source: KeySource, at: string): Promise<readonly Jwk[] | undefined> {
  if (source.jwksFile !== undefined) return files.jwks(source.jwksFile, `${at}/jwksFile`);
  return source.jwks?.keys as readonly Jwk[] | undefined;
}

/** The demo's private keys stand in the repository for everybody to read, so nothing real may trust or use them. */
function refuseDemoKeys(files: TenantFiles, keys: readonly Jwk[], at: string, issuer: string): void {
  if (!isLoopback(issuer) && keys.some(({ kid }) => typeof kid === 'string' && kid.startsWith('demo-')))
    files.report('demo-key', at, 'a demo key', 'a key of its own', 'demo keys are public');
}

/** @param issuer the tenant's: demo keys stay on loopback. */
export async function publicJwks(
  files: TenantFiles,
  source: KeySource,
  at: string,
  issuer: string,
): Promise<{ jwks?: { keys: readonly Jwk[] } }> {
  const keys = await keysOf(files, source, at);
  if (keys === undefined) return {};
  refuseDemoKeys(files, keys, at, issuer);
  return { jwks: { keys: keys.map(publicPart) } };
}

/** Reports what a key lacks to sign with it. */
async function checkPrivateKey(key: Jwk, pointer: string, found: string, files: TenantFiles): Promise<void> {
  const report = (what: string, hint = '') =>
    files.report('key-import', pointer, what, 'a private key with kid and alg', hint);
  const missing = ['kid', 'alg', 'd'].filter((member) => typeof key[member] !== 'string' || key[member] === '');
  if (missing.length > 0) return report(`${found} without ${missing.join(' and ')}`);
  try {
    await readMaterial(key);
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    report(`${found} that cannot be used`, `${error.message} ${error.hint ?? ''}`.trim());
  }
}

/** The private keys to import, each of them found to be one. */
export async function importedKeys(
  files: TenantFiles,
  source: NonNullable<TenantDocument['keystore']>,
  rules: { readonly inlineAllowed: boolean; readonly issuer: string },
): Promise<readonly Jwk[]> {
  if (source.jwks !== undefined && !rules.inlineAllowed)
    files.report(
      'secret-inline',
      '/keystore/jwks',
      'inline private keys',
      '"jwksFile"',
      'only demo tenants may hold keys inline',
    );
  const keys = (await keysOf(files, source, '/keystore')) ?? [];
  refuseDemoKeys(files, keys, '/keystore', rules.issuer);
  for (const [index, key] of keys.entries()) {
    // A file is pointed at as a whole; the sentence says which of its keys is meant.
    const inFile = source.jwksFile !== undefined;
    const pointer = inFile ? '/keystore/jwksFile' : `/keystore/jwks/keys/${index}`;
    const name = inFile ? `key ${index + 1} of "${source.jwksFile}"` : 'a key';
    await checkPrivateKey(key, pointer, name, files);
    if (key.kid !== undefined && keys.findIndex(({ kid }) => kid === key.kid) !== index)
      files.report('duplicate', pointer, `"${key.kid}" again`, 'a kid used once');
  }
  return keys;
}
