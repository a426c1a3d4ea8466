/** `sallyport/jwt`: JSON Web Tokens of others. The engine verifies, with keys it fetches and keeps. */
import { ask } from 'sallyport:host';

export interface Jwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface VerifyOptions {
  /** Where the keys are, or the keys themselves. The host must be one the tenant allows. */
  readonly jwksUri?: string;
  readonly jwks?: { readonly keys: readonly object[] };
  readonly issuer: string;
  readonly audience: string | readonly string[];
  /** RS256, RS384, PS256, ES256 and ES384 unless given. */
  readonly algorithms?: readonly string[];
  /** How long ago `iat` may be. */
  readonly maximumAgeSeconds?: number;
  /** 10 unless given, at most 60. */
  readonly clockToleranceSeconds?: number;
}

/** The token is not what it should be; `code` says why, e.g. `expired`, `signature`, `audience`. */
export class JwtError extends Error {
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.name = 'JwtError';
    this.code = code;
  }
}

function part(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const bytes = Uint8Array.from(atob((text ?? '').replaceAll('-', '+').replaceAll('_', '/')), (character) =>
      character.charCodeAt(0),
    );
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below like any other malformed token.
  }
  throw new JwtError('this is no JWT', 'malformed');
}

/** What a token says, NOT verified. */
export function decode(token: string): Jwt {
  const parts = String(token).split('.');
  if (parts.length !== 3) throw new JwtError('this is no JWT', 'malformed');
  return { header: part(parts[0]), claims: part(parts[1]) };
}

/** What a token says, once signature, issuer, audience and times are right. */
export async function verify(token: string, options: VerifyOptions): Promise<Jwt> {
  const answer = await ask({ service: 'jwt', token: String(token), ...options });
  if (!answer.ok) throw new JwtError(answer.message ?? 'the token is not valid', answer.code ?? 'invalid');
  return { header: answer['header'] as Jwt['header'], claims: answer['claims'] as Jwt['claims'] };
}
