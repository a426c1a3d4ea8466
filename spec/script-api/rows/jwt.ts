/** `sallyport/jwt` against tokens that are signed here. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { does, importing, type Row, type Rows } from './row.ts';

const issuer = 'https://issuer.example';
const audience = 'https://auth.example';
const at = (run: string, expected: unknown): Row => does('onPostAuthorize', run, expected);

export async function jwtRows(): Promise<{ readonly rows: Rows; readonly jwks: object }> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] };
  const sign = (claims: Record<string, unknown>, lifetime: string, issued = Math.floor(Date.now() / 1000)) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(issued)
      .setExpirationTime(lifetime)
      .sign(privateKey);
  const now = Math.floor(Date.now() / 1000);
  const [token, old, late] = await Promise.all([
    sign({ sub: 'jane' }, '1h'),
    sign({ sub: 'jane' }, '2h', now - 600),
    sign({ sub: 'jane' }, '-12s'),
  ]);
  const who = `issuer: '${issuer}', audience: '${audience}'`;
  const verify = (text: string, more: string, whom = who) => `jwt.verify('${text}', { ${whom}, ${more} })`;
  const given = `jwks: ${JSON.stringify(jwks)}`;
  const subject = (text: string, more: string, whom = who) => `(await ${verify(text, more, whom)}).claims.sub`;
  const refusal = (text: string, more: string, whom = who) =>
    `(await ${verify(text, more, whom)}.then(() => 'taken', (error) => error.code))`;
  const rows = importing(`import * as jwt from 'sallyport/jwt';`, {
    'sallyport/jwt.decode': at(
      `{ try { jwt.decode('no token'); } catch (error) { return [jwt.decode('${token}').claims.sub, error.code]; } }`,
      ['jane', 'malformed'],
    ),
    'sallyport/jwt.verify': at(`[${subject(token, given)}, ${refusal(`${token.slice(0, -8)}AAAAAAAA`, given)}]`, [
      'jane',
      'signature',
    ]),
    'sallyport/jwt:Jwt.header': at(`(await ${verify(token, given)}).header`, { alg: 'ES256', kid: 'k1' }),
    'sallyport/jwt:Jwt.claims': at(`(await ${verify(token, given)}).claims.iss`, issuer),
    'sallyport/jwt:VerifyOptions.jwksUri': at(subject(token, `jwksUri: 'https://keys.example/jwks'`), 'jane'),
    'sallyport/jwt:VerifyOptions.jwks': at(`[${subject(token, given)}, ${refusal(token, 'jwks: { keys: [] }')}]`, [
      'jane',
      'key',
    ]),
    'sallyport/jwt:VerifyOptions.issuer': at(
      refusal(token, given, `issuer: 'https://other.example', audience: '${audience}'`),
      'issuer',
    ),
    'sallyport/jwt:VerifyOptions.audience': at(
      `[${subject(token, given, `issuer: '${issuer}', audience: ['a', '${audience}']`)}, ${refusal(token, given, `issuer: '${issuer}', audience: 'a'`)}]`,
      ['jane', 'audience'],
    ),
    'sallyport/jwt:VerifyOptions.algorithms': at(refusal(token, `${given}, algorithms: ['RS256']`), 'algorithm'),
    'sallyport/jwt:VerifyOptions.maximumAgeSeconds': at(
      `[${subject(old, given)}, ${refusal(old, `${given}, maximumAgeSeconds: 60`)} === 'taken']`,
      ['jane', false],
    ),
    'sallyport/jwt:VerifyOptions.clockToleranceSeconds': at(
      `[${refusal(late, given)}, ${subject(late, `${given}, clockToleranceSeconds: 60`)}]`,
      ['expired', 'jane'],
    ),
    'sallyport/jwt:JwtError.code': at(
      `{ try { await ${verify('a.b.c', given)}; } catch (error) { return [error instanceof jwt.JwtError, error.name, error.code]; } }`,
      [true, 'JwtError', 'malformed'],
    ),
  });
  return { rows, jwks };
}
