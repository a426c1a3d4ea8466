/** The signing keys of a module: `keystore`, with the private keys in a file that only its owner reads. */
import { calculateJwkThumbprint } from 'jose';
import { KeyError } from '../../../engine/key/error.ts';
import { readMaterial } from '../../../engine/key/material.ts';
import type { Jwk, SigningAlgorithm } from '../../../engine/tenant/tenant.ts';
import { addFile, type At, type Draft, findFile, type ImportContext, resolveSetting } from './draft.ts';
import { readKeys } from './key-text.ts';
import type { Module, Setting } from './modules.ts';
import { keystoreFields } from './rules/fields.ts';
import type { SeedItem } from './seed-file.ts';

/** Ships with Smile CDR for everybody: whoever has it can sign tokens. */
const publicKeystore = 'default-keystore';
const generated = 'Keys are generated at the first start, and resource servers fetch the new ones.';

interface KeyText extends At {
  readonly text: string;
}

async function fromKeystore(
  context: ImportContext,
  id: string,
  setting: Setting,
  keystores: readonly SeedItem[],
): Promise<KeyText | undefined> {
  const missing = (text: string) => context.report.add('missing', setting.source.name, setting.place, text);
  const item = keystores.find((keystore) => keystore.text('keystoreId') === id);
  if (id === publicKeystore) {
    missing(`The keystore ${id} is Smile CDR's own example, whose private key is known to everybody. ${generated}`);
    return undefined;
  }
  if (!item) {
    missing(
      `The keystore ${id} is in none of the seed files. ${generated} To keep the keys, give their file, or import them by \`npx sallyport keys\`.`,
    );
    return undefined;
  }
  item.checkFields(keystoreFields);
  const path = item.text('filePath');
  if (path !== undefined) {
    const source = await findFile(context, { value: path, ...item.at('filePath') });
    return source && { ...item.at('filePath'), text: source.bytes.toString('utf8') };
  }
  const text = item.text('jsonKeys');
  if (text === undefined) item.fault('jsonKeys', 'The keystore has neither jsonKeys nor filePath.');
  return text === undefined ? undefined : { ...item.at('jsonKeys'), text };
}

async function keyTextOf(
  context: ImportContext,
  module: Module,
  keystores: readonly SeedItem[],
): Promise<KeyText | undefined> {
  const [id, file, text] = ['openid.signing.keystore_id', 'openid.signing.jwks_file', 'openid.signing.jwks_text'].map(
    (key) => module.config.get(key),
  );
  const chosen = id ?? file ?? text;
  for (const setting of [file, text])
    if (setting && setting !== chosen)
      context.report.add(
        'differs',
        setting.source.name,
        setting.place,
        'It is not read: another property names the keys.',
      );
  if (id) {
    const name = resolveSetting(context, id)?.trim();
    return name === undefined ? undefined : fromKeystore(context, name, id, keystores);
  }
  if (file) {
    const source = await findFile(context, file);
    return source && { source: file.source, place: file.place, text: source.bytes.toString('utf8') };
  }
  const resolved = text && resolveSetting(context, text);
  return text && resolved !== undefined ? { source: text.source, place: text.place, text: resolved } : undefined;
}

/** The key with what an imported one must have; undefined where it cannot sign here. */
async function complete(context: ImportContext, key: Jwk, at: At): Promise<Jwk | undefined> {
  const tell = (outcome: 'differs' | 'missing', text: string) =>
    context.report.add(outcome, at.source.name, at.place, text);
  const kid =
    typeof key.kid === 'string' && key.kid !== ''
      ? key.kid
      : await calculateJwkThumbprint({ ...key } as never).catch(() => '');
  // RSA keys of Smile CDR may be meant for RS512 and the like; the key itself signs RS256 just as well.
  const isOther = key.kty === 'RSA' && key.alg !== undefined && !/^(RS256|RS384|PS256)$/.test(key.alg);
  const { alg: _alg, ...bare } = key;
  try {
    const { algorithm } = await readMaterial({ ...(isOther ? bare : key), kid } as Jwk);
    if (isOther) tell('differs', `The key ${kid} was for ${key.alg}, which is not offered: it signs ${algorithm}.`);
    return { ...key, kid, alg: algorithm, use: 'sig' };
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    tell('missing', `${error.message} ${error.hint ?? ''} It is not brought over.`);
    return undefined;
  }
}

/** Writes the module's private keys into the folder; where there are none, keys are generated at the first start. */
export async function importKeys(
  context: ImportContext,
  draft: Draft,
  module: Module,
  keystores: readonly SeedItem[],
): Promise<void> {
  const first = module.config.get('openid.signing.key_id');
  const text = await keyTextOf(context, module, keystores);
  if (text === undefined) {
    if (first) context.report.add('missing', first.source.name, first.place, 'No keys were brought over.');
    return;
  }
  const read = readKeys(text.text);
  if (read === undefined)
    return context.report.fault(text.source.name, text.place, 'It is no JSON Web Key Set (RFC 7517).');
  const keys: Jwk[] = [];
  for (const key of read) {
    const whole = await complete(context, key, text);
    if (whole && !keys.some(({ kid }) => kid === whole.kid)) keys.push(whole);
  }
  if (keys.length === 0) return context.report.fault(text.source.name, text.place, 'None of its keys can sign here.');
  const wanted = first && resolveSetting(context, first)?.trim();
  const ordered = first ? sortFirst(context, keys, wanted, first) : keys;
  const algorithms = [...new Set(ordered.map(({ alg }) => alg))] as [SigningAlgorithm, ...SigningAlgorithm[]];
  const content = `${JSON.stringify({ keys: ordered }, undefined, 2)}\n`;
  const jwksFile = addFile(draft, 'keys', 'signing', '.jwks.json', { content, isSecret: true });
  draft.document.keystore = { algorithms, jwksFile };
  const named = ordered.map(({ kid, alg }) => `${kid} (${alg})`).join(', ');
  context.report.add(
    'carried',
    text.source.name,
    text.place,
    `\`keystore\`: the keys ${named}, in ${jwksFile}, which only its owner reads. ${ordered[0]?.kid} signs.`,
  );
  const by = module.config.get('openid.signing.keystore_id');
  if (by) context.report.add('carried', by.source.name, by.place, `\`keystore\`, from ${text.source.name}.`);
}

function sortFirst(
  context: ImportContext,
  keys: readonly Jwk[],
  wanted: string | undefined,
  at: Setting,
): readonly Jwk[] {
  const key = keys.find(({ kid }) => kid === wanted);
  if (key) context.report.add('carried', at.source.name, at.place, 'This key stands first, so that it signs.');
  else
    context.report.add(
      'differs',
      at.source.name,
      at.place,
      'There is no key of this id among those brought over: the first one signs.',
    );
  return key ? [key, ...keys.filter((other) => other !== key)] : keys;
}
