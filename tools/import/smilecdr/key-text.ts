/** Keys in seed files: a JWKS or a single JWK as text. */
import { createPublicKey } from 'node:crypto';
import type { ClientDocument } from '../../../engine/tenant/document.ts';
import { publicPart } from '../../../engine/tenant/files.ts';
import type { Jwk } from '../../../engine/tenant/tenant.ts';
import { addFile, type Draft, type ImportContext, nameOf } from './draft.ts';
import type { SeedItem } from './seed-file.ts';

/** The keys of a JWKS or of one JWK; undefined where it is neither. */
export function readKeys(text: string): readonly Jwk[] | undefined {
  try {
    const document = JSON.parse(text) as { readonly keys?: unknown } | null;
    const keys = Array.isArray(document?.keys) ? document.keys : [document];
    const isKey = (key: unknown): key is Jwk => typeof (key as Jwk | null)?.kty === 'string';
    return keys.length > 0 && keys.every(isKey) ? keys : undefined;
  } catch {
    return undefined;
  }
}

function isPublicKey(key: Jwk): boolean {
  try {
    return (
      /^(RSA|EC)$/.test(key.kty) && createPublicKey({ key: { ...publicPart(key) }, format: 'jwk' }).type === 'public'
    );
  } catch {
    return false;
  }
}

/** Where a client's public keys are; `publicJwks` wins over `jwksUrl`, as it cannot change behind anybody's back. */
export function addPublicKeys(
  context: ImportContext,
  draft: Draft,
  item: SeedItem,
  clientId: string,
): Pick<ClientDocument, 'jwksFile'> | Pick<ClientDocument, 'jwksUri'> | undefined {
  const [text, url] = [item.text('publicJwks'), item.text('jwksUrl')];
  if (text !== undefined) {
    const keys = readKeys(text)?.filter(isPublicKey);
    if (keys === undefined || keys.length === 0)
      item.add(
        'missing',
        'publicJwks',
        'It holds no RSA or EC key (RFC 7517): the client cannot prove itself by keys.',
      );
    else {
      if (keys.some(({ d }) => d !== undefined))
        item.add(
          'differs',
          'publicJwks',
          'It holds private keys, which nobody but the client should have: only their public parts are brought over. Have new keys made.',
        );
      if (url !== undefined)
        item.add('differs', 'jwksUrl', 'The keys of publicJwks are used, not those at the address.');
      const content = `${JSON.stringify({ keys: keys.map(publicPart) }, undefined, 2)}\n`;
      const file = addFile(draft, 'keys', nameOf(clientId, 'client'), '.jwks.json', { content, isSecret: false });
      return { jwksFile: file };
    }
  }
  if (url === undefined) return undefined;
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) {
    allowPrivate(context, draft, url, item, 'jwksUrl');
    return { jwksUri: url };
  }
  item.add('missing', 'jwksUrl', 'It is no web address. Nothing was made of it.');
  return undefined;
}

/** Addresses of private networks are closed unless the tenant opens them: that is for a person to decide. */
export function allowPrivate(
  { report }: ImportContext,
  draft: Draft,
  url: string,
  item: SeedItem,
  field: string,
): void {
  const { host, hostname, protocol } = new URL(url);
  const { id, outboundHttp } = draft.document;
  const isPrivate =
    /^(localhost|.*\.(local|internal|lan|localhost)|10\..*|127\..*|192\.168\..*|172\.(1[6-9]|2\d|3[01])\..*|\[(::1|f[cd].*|fe80.*)\])$/.test(
      hostname,
    ) || !hostname.includes('.');
  if (!isPrivate && protocol === 'https:') return;
  if (outboundHttp?.allow?.includes(host) && outboundHttp.allowPrivate) return;
  item.add(
    'differs',
    field,
    `The server does not call private or unencrypted addresses unless told: add "${host}" to \`outboundHttp.allow\` and set \`outboundHttp.allowPrivate\`.`,
  );
  report.step(
    `If the tenant ${id} may call ${host}: add "${host}" to \`outboundHttp.allow\`, and set \`outboundHttp.allowPrivate\` to true.`,
  );
}
