/**
 * What a `secret` or `password` of a seed file is: the secret itself, a variable, a mask, or a hash in a form that is known.
 * Smile CDR keeps the name of the scheme beside a hash and does not say how it writes either down. Known are bcrypt's own
 * form, and the hexadecimal salt and key of Spring Security's PBKDF2 encoder, whose cost stands in the scheme's name.
 */
import { isForeignHash } from '../../../engine/store/foreign-hash.ts';
import { substitute, type Variables, wholeVariable } from './substitution.ts';

export type SecretText =
  | { readonly kind: 'plain'; readonly text: string }
  | { readonly kind: 'hash'; readonly hash: string; readonly scheme: string; readonly doubt?: string }
  | { readonly kind: 'variable'; readonly name: string }
  /** It has to be set anew, for this reason. */
  | { readonly kind: 'unusable'; readonly why: string };

const saltBytes: Readonly<Record<number, number>> = { 80: 8, 96: 16 };
const doubt =
  'Smile CDR does not say which digest it was made with: SHA-256 and SHA-1 are both tried. If the right secret is refused, set a new one.';
/** As the JSON admin API answers it. */
const masked = /^.?\*{3,}$/;
const unknownForm = 'it is a hash in a form that is not known here';

/** PBKDF2 of Spring Security: salt and key as one hexadecimal text. */
function derived(text: string, digest: string, iterations: number): string | undefined {
  const salt = saltBytes[text.length];
  if (salt === undefined || !/^[0-9a-f]+$/i.test(text)) return undefined;
  const bytes = Buffer.from(text, 'hex');
  const encode = (part: Buffer) => part.toString('base64').replace(/=+$/, '');
  return `$pbkdf2-${digest}$i=${iterations}$${encode(bytes.subarray(0, salt))}$${encode(bytes.subarray(salt))}`;
}

function fromScheme(scheme: string, text: string): SecretText {
  const rounds = /^PBKDF2_256_(\d+)_RND$/i.exec(scheme)?.[1];
  if (rounds !== undefined) {
    const hash = derived(text, 'any', Number(rounds));
    return hash === undefined
      ? { kind: 'unusable', why: unknownForm }
      : { kind: 'hash', hash, scheme: 'PBKDF2', doubt };
  }
  // The two sets of parameters that Spring Security itself gives these names.
  const spring = /^pbkdf2$/i.test(scheme)
    ? text.length === 80 && derived(text, 'sha1', 185_000)
    : /^pbkdf2@SpringSecurity_v5_8$/i.test(scheme) && text.length === 96 && derived(text, 'sha256', 310_000);
  if (spring) return { kind: 'hash', hash: spring, scheme: 'PBKDF2' };
  if (/^noop$/i.test(scheme)) return { kind: 'plain', text };
  if (/^bcrypt/i.test(scheme) && isForeignHash(text)) return { kind: 'hash', hash: text, scheme: 'bcrypt' };
  return { kind: 'unusable', why: unknownForm };
}

/** A secret that is sent to somebody else, and so never a hash. */
export function readSentSecret(raw: string, variables: Variables): SecretText {
  const variable = wholeVariable(raw);
  if (variable !== undefined) return { kind: 'variable', name: variable };
  const { text, unset } = substitute(raw, variables);
  if (unset.length > 0) return { kind: 'unusable', why: `it refers to ${unset.join(' and ')}, unset here` };
  return masked.test(text) ? { kind: 'unusable', why: 'it is masked' } : { kind: 'plain', text };
}

/**
 * @param encoding the module's `client_secret.encoding` or `password_encoding_type`, by which a hash without a name is read.
 */
export function readSecret(raw: string, encoding: string | undefined, variables: Variables): SecretText {
  const read = readSentSecret(raw, variables);
  if (read.kind !== 'plain') return read;
  const { text } = read;
  const named = /^\{([A-Za-z0-9_@.-]+)\}(.+)$/s.exec(text);
  if (named?.[1] !== undefined && named[2] !== undefined) return fromScheme(named[1], named[2]);
  if (isForeignHash(text)) return { kind: 'hash', hash: text, scheme: text.startsWith('$2') ? 'bcrypt' : 'PBKDF2' };
  if (/^\$(2[abxy]?|argon2(id|i|d)|scrypt|s0|pbkdf2[^$]*|[156])\$.{20,}$/.test(text))
    return { kind: 'unusable', why: unknownForm };
  const isHexadecimal = /^([0-9a-f]{2}){32,}$/i.test(text);
  if (isHexadecimal && text.length in saltBytes && /^PBKDF2/i.test(encoding ?? ''))
    return fromScheme(encoding ?? '', text);
  if (isHexadecimal && /^SHA256/i.test(encoding ?? ''))
    return { kind: 'unusable', why: `it looks like a hash by ${encoding}, whose form is not known here` };
  return { kind: 'plain', text };
}
