/** `Http`: calls that look synchronous. */
import type { Member, Model } from '../entry.ts';
import { method, model, ours, same } from '../make.ts';

const answerMembers: readonly Member[] = [
  method('isSuccess', '', 'boolean', same, 'Whether the host answered with a status of 2xx.'),
  method('getFailureMessage', '', 'string | null', same, 'Why not; null on success.'),
  method('parseResponseAsJson', '', 'any', same, 'The body, read as JSON. Throws where it is none.'),
  method('getResponseAsJson', '', 'any', same, 'The same as `parseResponseAsJson`.'),
  method('getStatusCode', '', 'number | null', ours, 'The HTTP status; null where there was no answer.'),
  method('getResponseString', '', 'string | null', ours, 'The body as it came; null where there was no answer.'),
  method(
    'getResponseHeader',
    'name: string',
    'string | null',
    ours,
    'A header of the answer, by its name in any case; null where there is none.',
  ),
];

const requestMembers: readonly Member[] = [
  method('addRequestHeader', 'name: string, value: string', 'HttpRequest', same, 'Sends a header.'),
  method('setContentType', 'type: string', 'HttpRequest', same, 'Says what the body is.'),
  method('setContentString', 'text: string', 'HttpRequest', same, 'Sends a body.'),
  method('setRequestBody', 'text: string', 'HttpRequest', same, 'The same as `setContentString`.'),
  method('setContentJson', 'value: any', 'HttpRequest', same, 'Sends any value as JSON, and says so.'),
  method(
    'setBasicAuth',
    'username: string, password: string',
    'HttpRequest',
    ours,
    'Sends a user name and a password (HTTP Basic).',
  ),
  method(
    'setTimeoutMilliseconds',
    'milliseconds: number',
    'HttpRequest',
    ours,
    'How long to wait, instead of as long as the hook may run.',
  ),
  method(
    'execute',
    '',
    'HttpRequest',
    same,
    'Makes the call and waits for the answer, which then stands on the request itself, at most as long as the tenant’s wall clock lets the hook run.',
  ),
];

const verb = (name: string, word: string) =>
  method(name, 'url: string', 'HttpRequest', same, `A ${word} request to be filled in and executed.`);

export const httpModels: readonly Model[] = [
  model(
    'HttpApi',
    same,
    'Calls to the hosts that the tenant allows in `outboundHttp.allow`. Every other host fails, as do private addresses.',
    [
      verb('get', 'GET'),
      verb('post', 'POST'),
      verb('put', 'PUT'),
      verb('patch', 'PATCH'),
      verb('head', 'HEAD'),
      verb('delete', 'DELETE'),
    ],
  ),
  model(
    'HttpRequest',
    same,
    'A call: prepared, executed, and then asked what came back. What came back throws before `execute()`.',
    [...requestMembers, ...answerMembers],
  ),
];
