/** OpenID Connect client definitions become `clients`. */
import { checkClient } from '../../../engine/tenant/cross-check.ts';
import type { ClientDocument } from '../../../engine/tenant/document.ts';
import { type Draft, type ImportContext, nameOf, placeholder, takeSecret } from './draft.ts';
import { addPublicKeys } from './key-text.ts';
import { clientFields, secretFields } from './rules/fields.ts';
import type { SeedItem } from './seed-file.ts';

type GrantType = ClientDocument['grantTypes'][number];
type Secrets = NonNullable<ClientDocument['secrets']>;

const grants: Readonly<Record<string, GrantType>> = {
  AUTHORIZATION_CODE: 'authorization_code',
  REFRESH_TOKEN: 'refresh_token',
  CLIENT_CREDENTIALS: 'client_credentials',
};
const refusedGrants: Readonly<Record<string, string>> = {
  IMPLICIT:
    'The implicit grant is not offered: tokens in addresses leak (RFC 9700). The app has to use AUTHORIZATION_CODE with PKCE.',
  PASSWORD:
    'The password grant is not offered: apps must not see passwords (RFC 9700). The app has to use AUTHORIZATION_CODE with PKCE, or CLIENT_CREDENTIALS without a person.',
  JWT_BEARER:
    'It is CODAP here, which is off: list in `codap.trust` who may sign requests, then add the grant `urn:ietf:params:oauth:grant-type:jwt-bearer`.',
};

function grantTypesOf(item: SeedItem): GrantType[] {
  const found: GrantType[] = [];
  item.texts('allowedGrantTypes').forEach((name, index) => {
    const grant = grants[name.toUpperCase()];
    if (grant) found.push(grant);
    else
      item.add(
        'missing',
        `allowedGrantTypes/${index}`,
        refusedGrants[name.toUpperCase()] ?? `The grant ${name} is not known. Nothing was made of it.`,
      );
  });
  return found;
}

function instant(item: SeedItem, field: string): string | undefined {
  const text = item.text(field);
  if (text === undefined) return undefined;
  const time = Date.parse(text.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'));
  if (!Number.isNaN(time)) return new Date(time).toISOString();
  item.fault(field, 'It is no instant such as 2026-01-31T12:00:00Z.');
  return undefined;
}

function secretsOf(
  context: ImportContext,
  draft: Draft,
  item: SeedItem,
  clientId: string,
  encoding: string | undefined,
): Secrets {
  const secrets: Secrets = [];
  item.items('clientSecrets').forEach((secret, index) => {
    secret.checkFields(secretFields);
    const [activation, expiration] = [instant(secret, 'activation'), instant(secret, 'expiration')];
    const raw = secret.raw('secret');
    if (expiration !== undefined && Date.parse(expiration) <= Date.now())
      return secret.add('differs', '', 'It has expired and is not brought over.');
    if (raw === undefined) return secret.add('missing', 'secret', 'There is no secret in it: it has to be set anew.');
    const value = takeSecret(context, draft, raw, secret.at('secret'), {
      what: `A secret of the client ${clientId}`,
      name: `client-${nameOf(clientId, 'client')}-${index + 1}`,
      isHashed: true,
      encoding,
    });
    const description = secret.text('description');
    if (value !== undefined)
      secrets.push({
        value,
        ...(description !== undefined && !description.includes('***') ? { description } : {}),
        ...(activation ? { activation } : {}),
        ...(expiration ? { expiration } : {}),
      });
  });
  return secrets;
}

/** How the client proves who it is, by what it has and what was asked of it. */
function methodsOf(
  item: SeedItem,
  facts: { readonly hasSecrets: boolean; readonly hasKeys: boolean; readonly actsAlone: boolean },
): ClientDocument['tokenEndpointAuthMethods'] {
  const isRequired = item.flag('secretRequired') ?? false;
  const bySecret = facts.hasSecrets || (!facts.hasKeys && (isRequired || facts.actsAlone));
  if (bySecret && !isRequired && !facts.actsAlone)
    item.add(
      'differs',
      'secretRequired',
      'The client has a secret that it need not send; here it must. If it sends none, take its secrets away and set `tokenEndpointAuthMethods` to ["none"].',
    );
  if (!bySecret && !facts.hasKeys) return ['none'];
  return [
    ...(bySecret ? (['client_secret_basic', 'client_secret_post'] as const) : []),
    ...(facts.hasKeys ? (['private_key_jwt'] as const) : []),
  ] as ClientDocument['tokenEndpointAuthMethods'];
}

function seconds(item: SeedItem, field: string, most: number): number | undefined {
  const value = item.number(field);
  if (value === undefined) return undefined;
  if (value < 1) {
    item.add('differs', field, "It is not positive: the tenant's own lifetime holds.");
    return undefined;
  }
  if (value > most) item.add('differs', field, `It is longer than ${most} seconds, the most there is here.`);
  return Math.min(value, most);
}

export function permissionsOf(item: SeedItem, field: string): { permission: string; argument?: string }[] {
  return item.items(field).flatMap((each) => {
    const [permission, argument] = [each.text('permission'), each.text('argument')];
    if (permission !== undefined && /^[A-Z][A-Z0-9_]*$/.test(permission))
      return [{ permission, ...(argument === undefined ? {} : { argument }) }];
    each.add('missing', 'permission', 'It is no name of a permission. Nothing was made of it.');
    return [];
  });
}

/** Takes out what the tenant's own rules refuse: addresses and scopes that cannot be. */
function withoutRefused(item: SeedItem, client: ClientDocument): ClientDocument {
  const fields = {
    redirectUris: 'registeredRedirectUris',
    scopes: 'scopes',
    autoApproveScopes: 'autoApproveScopes',
    autoGrantScopes: 'autoGrantScopes',
  } as const;
  const dropped = new Set<string>();
  checkClient(client, '', (code, pointer, found, _expected, hint) => {
    const [, member = '', index = ''] = pointer.split('/');
    if ((code !== 'redirect-uri' && code !== 'scope') || !(member in fields)) return;
    dropped.add(pointer);
    item.add(
      'missing',
      `${fields[member as keyof typeof fields]}/${index}`,
      `${found} is refused (${hint}). It is not brought over.`,
    );
  });
  const kept = (member: keyof typeof fields) =>
    (client[member] ?? []).filter((_value, index) => !dropped.has(`/${member}/${index}`));
  return {
    ...client,
    redirectUris: kept('redirectUris'),
    scopes: kept('scopes'),
    autoApproveScopes: kept('autoApproveScopes'),
    autoGrantScopes: kept('autoGrantScopes'),
  };
}

function isBroughtOver(field: string): boolean {
  const rule = clientFields.find((each) => each.field === field);
  return rule !== undefined && rule.outcome !== 'missing' && !/^(pid|nodeId|moduleId)$/.test(field);
}

/** What a person would not notice in a report of single fields. */
function checkSense(item: SeedItem, client: ClientDocument): ClientDocument {
  const { grantTypes, redirectUris = [] } = client;
  if (grantTypes.includes('authorization_code') && redirectUris.length === 0) {
    item.add(
      'missing',
      'registeredRedirectUris',
      'No redirect URI is left, so that AUTHORIZATION_CODE was taken away.',
    );
    return checkSense(item, { ...client, grantTypes: grantTypes.filter((grant) => grant !== 'authorization_code') });
  }
  if (grantTypes.length === 0)
    item.add('differs', 'allowedGrantTypes', 'No grant is left: the client can do nothing but introspect, if it may.');
  return client;
}

/** @returns undefined for a client that is not brought over. */
export function importClient(
  context: ImportContext,
  draft: Draft,
  item: SeedItem,
  encoding: string | undefined,
): ClientDocument | undefined {
  const clientId = item.text('clientId');
  if (clientId === undefined || !/^[\x21-\x7e]{1,200}$/.test(clientId)) {
    item.fault('clientId', 'It is no client id: up to 200 characters of ASCII without spaces.');
    return undefined;
  }
  item.checkFields(clientFields);
  if (item.text('archivedAt') !== undefined) {
    item.add('differs', 'archivedAt', `The client ${clientId} is archived and is not brought over.`);
    return undefined;
  }
  const secrets = secretsOf(context, draft, item, clientId, encoding);
  const keys = addPublicKeys(context, draft, item, clientId);
  const grantTypes = grantTypesOf(item);
  const methods = methodsOf(item, {
    hasSecrets: secrets.length > 0 || (item.items('clientSecrets').length > 0 && !keys),
    hasKeys: keys !== undefined,
    actsAlone: grantTypes.includes('client_credentials'),
  });
  if (methods.includes('client_secret_basic') && secrets.length === 0) {
    const reason = `the secret of the client ${clientId}, which is in no file.`;
    secrets.push({ value: placeholder(context, draft, `${nameOf(clientId, 'client')}_SECRET`, reason) });
    item.add(
      'missing',
      'clientSecrets',
      `No secret of the client ${clientId} can be used, though it must have one: set a new one.`,
    );
  }
  for (const field of [
    'fixedScope',
    'secretClientCanChange',
    'canReissueTokens',
    'attestationAccepted',
    'createdByAppSphere',
  ])
    if (item.flag(field)) item.add('missing', field, clientFields.find((rule) => rule.field === field)?.text ?? '');
  const [access, refresh] = [
    seconds(item, 'accessTokenValiditySeconds', 86_400),
    seconds(item, 'refreshTokenValiditySeconds', 157_680_000),
  ];
  const scopes = [...item.texts('scopes')];
  const client: ClientDocument = {
    clientId,
    clientName: item.text('clientName') ?? clientId,
    enabled: item.flag('enabled') ?? true,
    // Without FHIR there is nothing that `aud` could name.
    ...(scopes.some((scope) => /^(patient|user|system)\/|^launch/.test(scope)) ? {} : { profile: 'oidc' as const }),
    tokenEndpointAuthMethods: methods,
    ...(secrets.length > 0 ? { secrets } : {}),
    ...keys,
    grantTypes,
    redirectUris: [...item.texts('registeredRedirectUris')],
    scopes,
    autoApproveScopes: [...item.texts('autoApproveScopes')],
    autoGrantScopes: [...item.texts('autoGrantScopes')],
    alwaysRequireApproval: item.flag('alwaysRequireApproval') ?? false,
    rememberApprovedScopes: item.flag('rememberApprovedScopes') ?? false,
    permissions: permissionsOf(item, 'permissions'),
    canIntrospectAnyTokens: item.flag('canIntrospectAnyTokens') ?? false,
    canIntrospectOwnTokens: item.flag('canIntrospectOwnTokens') ?? false,
    ...(access === undefined ? {} : { accessTokenSeconds: access }),
    ...(refresh === undefined ? {} : { refreshTokenSeconds: refresh }),
  };
  item.add('carried', '', `The client ${clientId} (${Object.keys(item.item).filter(isBroughtOver).join(', ')}).`);
  return checkSense(item, withoutRefused(item, client));
}
