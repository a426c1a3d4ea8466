/** The one secret outside the database: it encrypts the private signing keys in it. */
import { hkdfSync, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyError } from './error.ts';

const KEY_BYTES = 32;
const PASSPHRASE_CHARACTERS = 32;

/** The master key that a text stands for: 32 bytes in hex or base64url, else a passphrase. */
function parse(text: string): Buffer {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  if (/^[A-Za-z0-9_-]{43}=?$/.test(text)) return Buffer.from(text, 'base64url');
  if (text.length < PASSPHRASE_CHARACTERS) {
    throw new KeyError(
      'master-key-malformed',
      `The master key is too short: it has ${text.length} characters.`,
      'Give 32 random bytes in hex or base64url, e.g. from "openssl rand -hex 32", or at least 32 characters.',
    );
  }
  return Buffer.from(hkdfSync('sha256', text, 'sallyport', 'master key', KEY_BYTES));
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}

/** Writes the whole file before it gets its name: of two processes that start together, both read the same key. */
async function generate(path: string): Promise<void> {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${randomBytes(KEY_BYTES).toString('base64url')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * The master key, 32 bytes.
 * @param options.value the configured text; without it the key comes from `<dataFolder>/master.key`, which is made
 *   once, readable by its owner only.
 * @throws KeyError `master-key-malformed`.
 */
export async function loadMasterKey(options: {
  readonly value?: string;
  readonly dataFolder: string;
}): Promise<Buffer> {
  if (options.value !== undefined) return parse(options.value.trim());
  const path = join(options.dataFolder, 'master.key');
  const text = await readFile(path, 'utf8').catch(async (error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error;
    await mkdir(options.dataFolder, { recursive: true, mode: 0o700 });
    await generate(path);
    return readFile(path, 'utf8');
  });
  return parse(text.trim());
}
