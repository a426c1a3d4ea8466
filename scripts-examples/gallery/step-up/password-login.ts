// A log-in by password. It replaces what an earlier log-in left behind, which may have been stronger.
import type { OnAuthenticateSuccess } from 'sallyport';
import { remember } from './lib/log-in.ts';

export const onAuthenticateSuccess: OnAuthenticateSuccess = (theUserSession, theOutcomeFactory, theContext) => {
  remember(theUserSession, 'password', theContext.startTime);
  return theUserSession;
};
