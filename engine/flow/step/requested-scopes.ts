/** The `scope` parameter, wherever an app asks for scopes (RFC 6749 section 3.3). */
import { parseScope } from '../../smart/scope.ts';
import { reject, type Rejection } from '../table.ts';

/** The scopes of a list separated by spaces, or the rejection that a malformed one deserves: it is never just left out. */
export function readScopes(text: string | undefined, status?: number): readonly string[] | Rejection {
  const scopes = (text ?? '').split(' ').filter((scope) => scope !== '');
  const malformed = scopes.find((scope) => parseScope(scope).kind === 'malformed');
  return malformed === undefined
    ? scopes
    : reject(
        'invalid_scope',
        `The scope ${malformed.slice(0, 80)} is malformed`,
        'scope-malformed',
        status === undefined ? {} : { status },
      );
}
