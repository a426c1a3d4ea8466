/** Properties of a scripted inbound module (`SECURITY_IN_SCRIPTED`), which becomes the tenant's log-in module. */
import { alike, type PropertyRule } from './rule.ts';

export const scriptedRules: readonly PropertyRule[] = [
  ...['callback_script.file', 'callback_script.text'].map((key): PropertyRule => ({
    key,
    outcome: 'carried',
    text: '`inbound[].script`, unchanged: its `authenticate` checks user names and passwords.',
    apply: 'taken',
  })),
  ...alike(
    ['authentication_cache_duration', 'cache_successful_credentials'],
    'differs',
    'No credentials are cached: the script is asked at each log-in.',
  ),
];
