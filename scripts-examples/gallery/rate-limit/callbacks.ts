// So many tokens an hour for each app and user: an app that logs in again and again is told so, and nobody else notices.
import type { OnTokenGenerating } from 'sallyport';
import { sha256 } from 'sallyport/crypto';
import { increment } from 'sallyport/kv';

export const onTokenGenerating: OnTokenGenerating = async (theUserSession, _theRequest, theClientDetails) => {
  const most = Number(Environment.getEnv('TOKENS_PER_HOUR'));
  // A limit that cannot be read must not become none.
  if (!Number.isInteger(most) || most < 1) throw new Error('TOKENS_PER_HOUR is no whole number above 0');

  const hour = new Date().toISOString().slice(0, 13);
  // Names are as long as they like, and keys are not; and a key says nothing of who it is for.
  const who = await sha256(`${theClientDetails.clientId} ${theUserSession?.username ?? ''}`);
  // One step, even where several nodes count at once. It outlives its hour by a little, and is gone.
  const count = await increment(`tokens:${hour}:${who}`, 1, { ttlSeconds: 3_900 });
  if (count > most) deny(`more than ${most} tokens in the hour ${hour}`);
};
