/** Properties of the Local Inbound Security module (`SECURITY_IN_LOCAL`), which becomes the tenant's log-in module. */
import { alike, type PropertyRule } from './rule.ts';

export const localRules: readonly PropertyRule[] = [
  { key: 'seed.users.file', outcome: 'carried', text: '`users`.', apply: 'taken' },
  ...['callback_script.file', 'callback_script.text'].map((key): PropertyRule => ({
    key,
    outcome: 'carried',
    text: '`inbound[].script`, unchanged.',
    apply: 'taken',
  })),
  ...alike(
    ['password_encoding_type'],
    'differs',
    'New passwords are kept by argon2id. Hashes made by bcrypt or PBKDF2 hold until the first log-in.',
  ),
  ...alike(
    ['max_failed_logins_until_lock'],
    'differs',
    'After five failures in a row an account waits a minute, doubled with each further one, at most a day; it unlocks by itself.',
  ),
  ...alike(
    ['authentication_cache_duration', 'cache_successful_credentials'],
    'differs',
    'No credentials are cached: a change holds at once.',
  ),
  ...alike(
    ['tfa.totp.issuer_name', 'tfa.totp.lock_after_failed_attempts'],
    'differs',
    'Write `secondFactor.issuerName`. After five wrong codes the second factor waits a minute, doubled with each further one. Everybody sets it up anew.',
  ),
];
