import type { UserSessionModel } from '../../script/model.ts';
import type { Ports } from '../ports.ts';

/** What a provider's claims say of the person, as far as they say anything (OpenID Connect Core section 5.1). */
export function personalOf(
  claims: Readonly<Record<string, unknown>>,
): Pick<UserSessionModel, 'givenName' | 'familyName' | 'email'> {
  const text = (name: string) => (typeof claims[name] === 'string' ? claims[name] : undefined);
  const [givenName, familyName, email] = [text('given_name'), text('family_name'), text('email')];
  return {
    ...(givenName ? { givenName } : {}),
    ...(familyName ? { familyName } : {}),
    ...(email ? { email } : {}),
  };
}

/**
 * The claims of the scope `phone` (OpenID Connect Core section 5.4): the number that the person's account has by now.
 * Nobody verifies numbers yet, which the second claim says.
 */
export async function phoneClaims(
  scopes: readonly string[],
  userId: string | undefined,
  ports: Pick<Ports, 'user'>,
): Promise<{ readonly phone_number?: string; readonly phone_number_verified?: boolean }> {
  if (!scopes.includes('phone') || userId === undefined) return {};
  const phone = (await ports.user(userId))?.phone;
  return phone === undefined ? {} : { phone_number: phone, phone_number_verified: false };
}
