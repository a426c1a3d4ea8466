/** Clients and people of a document, as they are once secrets are hashed and files are read. */
import { createHash } from 'node:crypto';
import { checkPassword, hashPassword } from '../identity/password.ts';
import { hashLowEntropySecret } from '../store/secret.ts';
import type { ClientDocument, UserDocument } from './document.ts';
import type { SecretRules, TenantFiles } from './files.ts';
import { publicJwks } from './key-sets.ts';
import type { Client, ClientSecret, GrantType, PasswordRules, User } from './tenant.ts';

const hashes = new Map<string, Promise<string>>();

/** argon2id takes tens of milliseconds by design: a reload hashes only what changed. Keyed by place, so equal secrets get their own salts. */
function hashOnce(place: string, value: string, make = hashLowEntropySecret): Promise<string> {
  const key = createHash('sha256')
    .update(JSON.stringify([place, value]))
    .digest('base64url');
  const known = hashes.get(key) ?? make(value);
  hashes.set(key, known);
  return known;
}

/** A client with its secrets hashed and its keys read. */
export async function loadClient(
  document: ClientDocument,
  at: string,
  files: TenantFiles,
  rules: SecretRules,
  tenant: { readonly folder: string; readonly issuer: string },
): Promise<Client> {
  const { jwks: _jwks, jwksFile: _jwksFile, secrets: documents = [], ...rest } = document;
  const secrets: ClientSecret[] = [];
  for (const [index, { value, ...details }] of documents.entries()) {
    const id = String(index + 1);
    if (typeof value === 'object' && 'hash' in value) {
      secrets.push({ id, hash: value.hash, ...details });
      continue;
    }
    const text = await files.secret(value, `${at}/secrets/${index}/value`, rules);
    if (text !== undefined)
      secrets.push({ id, hash: await hashOnce(`${tenant.folder} ${document.clientId} ${index}`, text), ...details });
  }
  // Every default that `Client` asks for was filled in by the schema; grant types passed the cross check.
  const filled = rest as Required<
    Omit<
      typeof rest,
      'jwksUri' | 'accessTokenSeconds' | 'refreshTokenSeconds' | 'idTokenSigningAlgorithm' | 'attestation'
    >
  > &
    typeof rest;
  return {
    ...filled,
    clientName: document.clientName ?? document.clientId,
    grantTypes: filled.grantTypes as GrantType[],
    secrets,
    ...(await publicJwks(files, document, at, tenant.issuer)),
  } as Client;
}

/** A person with their password hashed. One that they could not set themselves is warned of, but for demo people. */
export async function loadUser(
  document: UserDocument,
  at: string,
  files: TenantFiles,
  rules: SecretRules,
  folder: string,
  passwords: PasswordRules,
  demo: boolean,
): Promise<User> {
  const { password, passwordHash: given, ...rest } = document;
  const text = password === undefined ? undefined : await files.secret(password, `${at}/password`, rules);
  if (text !== undefined && !demo) {
    // Of a hash nobody can tell; and there is no password before.
    const { passwordHash: _given, ...person } = document;
    const faults = await checkPassword({ ...passwords, history: 0 }, person, text);
    const hint = 'the person can log in with it; set mustChangePassword, or choose another one';
    if (faults.length > 0)
      files.warn(
        'password-rules',
        `${at}/password`,
        `a password that is refused elsewhere (${faults.join(', ')})`,
        'one that fits the rules of `passwords`',
        hint,
      );
  }
  const place = `${folder} user ${document.username} ${JSON.stringify(passwords.hashing)}`;
  const passwordHash =
    text === undefined ? given : await hashOnce(place, text, (value) => hashPassword(value, passwords));
  return {
    ...(rest as Required<Pick<User, 'enabled' | 'authorities' | 'defaultLaunchContexts' | 'userData'>> & typeof rest),
    id: document.id ?? document.username,
    ...(passwordHash === undefined ? {} : { passwordHash }),
  };
}
