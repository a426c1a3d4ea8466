import type { UserSessionModel } from '../../script/model.ts';

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
