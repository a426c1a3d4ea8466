// A log-in at the provider that asks for a second factor. Whether it did, its ID token says.
import type { GetUserName, OnAuthenticateSuccess } from 'sallyport';
import { remember } from './lib/log-in.ts';

export const getUserName: GetUserName = (theOidcUserInfoMap, theServerInfo) => {
  const name = theOidcUserInfoMap.upn;
  if (typeof name !== 'string' || name === '') deny('the account has no name');
  return `${theServerInfo.id}:${name.toLowerCase()}`;
};

export const onAuthenticateSuccess: OnAuthenticateSuccess = (theUserSession, theOutcomeFactory, theContext) => {
  const said = theContext.getStringArrayClaim(Environment.getEnv('STRENGTH_CLAIM') ?? 'amr');
  const strong = (Environment.getEnv('STRENGTH_VALUES') ?? '').split(' ').filter((value) => value !== '');
  // The provider was asked for a second factor, but its word counts, not our wish.
  const strength = said.some((value) => strong.includes(value)) ? 'second-factor' : 'password';
  remember(theUserSession, strength, theContext.startTime);
  return theUserSession;
};
