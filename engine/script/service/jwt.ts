/** Verifies tokens of others for scripts, with keys the engine fetches and keeps. */
import { decodeProtectedHeader, errors, importJWK, type JWK, jwtVerify } from 'jose';
import type { Jwk } from '../../tenant/tenant.ts';
import type { Json } from '../runner.ts';
import { refusal, type Service, targetOf } from './context.ts';

const known = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const standard = ['RS256', 'RS384', 'PS256', 'ES256', 'ES384'];
const longestToken = 16_384;

function texts(value: unknown): readonly string[] | undefined {
  const list = Array.isArray(value) ? value : [value];
  return list.length > 0 && list.length <= 20 && list.every((each) => typeof each === 'string')
    ? (list as string[])
    : undefined;
}

/** Only public members: a symmetric key handed in as a JWKS would let a token be verified by what it was not signed with. */
function publicKey(key: Jwk): JWK | undefined {
  const { kty, crv, x, y, n, e } = key as Jwk & Record<string, string>;
  if (kty === 'RSA') return { kty, n: n as string, e: e as string };
  if (kty === 'EC' || kty === 'OKP')
    return { kty, crv: crv as string, x: x as string, ...(y === undefined ? {} : { y }) } as JWK;
  return undefined;
}

function codeOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.claim === 'aud' ? 'audience' : error.claim === 'iss' ? 'issuer' : 'claim';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature';
  return 'malformed';
}

/** `{service: 'jwt', token, jwksUri? | jwks?, issuer, audience, algorithms?, maximumAgeSeconds?, clockToleranceSeconds?}`. */
export const jwtService: Service = async (request, { invocation, services }) => {
  const { token, jwksUri, jwks, issuer, maximumAgeSeconds, clockToleranceSeconds = 10 } = request;
  const audience = texts(request['audience']);
  const algorithms = request['algorithms'] === undefined ? standard : texts(request['algorithms']);
  const target = typeof jwksUri === 'string' ? targetOf('GET', jwksUri) : 'jwt';
  const malformed = (message: string) => refusal(target, 'malformed', message);
  if (typeof token !== 'string' || token.length > longestToken) return malformed('this is no JWT');
  if (typeof issuer !== 'string' || issuer === '') return malformed('verify needs the issuer');
  if (!audience) return malformed('verify needs the audience');
  if (!algorithms || !algorithms.every((name) => known.includes(name)))
    return malformed(`algorithms are among ${known.join(', ')}`);
  if ((jwksUri === undefined) === (jwks === undefined)) return malformed('verify needs either jwksUri or jwks');
  if (typeof clockToleranceSeconds !== 'number' || !(clockToleranceSeconds >= 0 && clockToleranceSeconds <= 60))
    return malformed('clockToleranceSeconds is from 0 to 60');
  if (maximumAgeSeconds !== undefined && !(typeof maximumAgeSeconds === 'number' && maximumAgeSeconds > 0))
    return malformed('maximumAgeSeconds is a number of seconds');
  let header: ReturnType<typeof decodeProtectedHeader>;
  try {
    header = decodeProtectedHeader(token);
  } catch {
    return malformed('this is no JWT');
  }
  if (!algorithms.includes(String(header.alg))) return refusal(target, 'algorithm', 'the algorithm is not accepted');

  const { allow, allowPrivate } = invocation.outboundHttp;
  let keys: readonly Jwk[];
  if (typeof jwksUri === 'string') {
    const host = URL.canParse(jwksUri) ? new URL(jwksUri) : undefined;
    if (!host || !(allow.includes(host.host) || allow.includes(host.hostname)))
      return refusal(target, 'blocked', 'the host of jwksUri is not on the allow-list');
    if (!services.jwks) return refusal(target, 'unavailable', 'keys cannot be fetched here');
    const found = await services.jwks.keys({ jwksUri, allow, allowPrivate }, header.kid);
    if (!found.ok) return refusal(target, 'keys', found.reason);
    keys = found.keys;
  } else {
    const given = (jwks as { readonly keys?: unknown } | null)?.keys;
    if (!Array.isArray(given) || given.length > 100) return malformed('jwks is a JSON Web Key Set');
    keys = given as Jwk[];
  }
  const candidates = keys.filter((key) => header.kid === undefined || key.kid === header.kid);
  const [key, ...others] = candidates.map(publicKey).filter((each) => each !== undefined);
  if (!key) return refusal(target, 'key', 'no key has the kid of the token');
  if (others.length > 0) return refusal(target, 'key', 'several keys could have signed the token');
  try {
    const { payload, protectedHeader } = await jwtVerify(token, await importJWK(key, header.alg), {
      algorithms: [...algorithms],
      issuer,
      audience: [...audience],
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ['exp'],
      ...(invocation.world?.now === undefined ? {} : { currentDate: new Date(invocation.world.now) }),
      ...(typeof maximumAgeSeconds === 'number' ? { maxTokenAge: maximumAgeSeconds } : {}),
    });
    return {
      target,
      outcome: 'verified',
      body: { ok: true, header: protectedHeader as unknown as Json, claims: payload as Json },
    };
  } catch (error) {
    const code = codeOf(error);
    return refusal(target, code, `the token is not valid (${code})`);
  }
};
