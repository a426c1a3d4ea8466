// The hospital's staff system knows the passwords. It is asked at each log-in, and what it says of a person is all that the
// account here holds.
import type { Authenticate } from 'sallyport';
import { post } from 'sallyport/http';
import { secret } from 'sallyport/secrets';
import { rightsOf } from './lib/rights.ts';

interface Employee {
  readonly number: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly positions: readonly string[];
}

export const authenticate: Authenticate = async (theRequest, theOutcomeFactory) => {
  const answer = await post(Environment.getEnv('STAFF_SYSTEM') ?? '', {
    headers: { authorization: `Bearer ${secret('staffKey')}` },
    json: { account: theRequest.username, password: theRequest.password },
  });

  const failure = theOutcomeFactory.newFailure();
  if (answer.status === 404) {
    // Not one of theirs: the local module is asked next.
    failure.unknownUsername = true;
    return failure;
  }
  if (answer.status === 403) {
    failure.incorrectPassword = true;
    return failure;
  }
  // Anything else says nothing of the password: nobody gets in, and nobody is counted as having guessed.
  if (!answer.ok) throw new Error(`the staff system answers ${answer.status}`);

  const { number, givenName, familyName, positions } = answer.json() as Employee;
  const rights = positions.flatMap(rightsOf);
  if (rights.length === 0) {
    failure.message = 'no position with rights here';
    return failure;
  }
  const session = theOutcomeFactory.newSuccess();
  // The number and not what was typed: it stays when somebody marries, and has one spelling.
  session.username = `staff-${number}`;
  session.givenName = givenName;
  session.familyName = familyName;
  session.fhirUserUrl = `Practitioner/${number}`;
  for (const [permission, argument] of rights) session.addAuthority(permission, argument);
  Log.info(`rights of ${positions.join(', ')}`);
  return session;
};
