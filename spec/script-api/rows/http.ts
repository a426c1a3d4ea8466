import { does, type Row, type Rows } from './row.ts';

const at = (run: string, expected: unknown): Row => does('onPostAuthorize', run, expected);
const echo = `'https://api.example/echo'`;
const missing = `Http.get('https://api.example/missing').execute()`;
const down = `Http.get('https://other.example/').execute()`;
const sent = (request: string) => `${request}.execute().parseResponseAsJson()`;
const verb = (name: string, method: string): Rows => ({
  [`HttpApi.${name}`]: at(`${sent(`Http.${name}(${echo})`)}.method`, method),
});

export const httpRows: Rows = {
  ...verb('get', 'GET'),
  ...verb('post', 'POST'),
  ...verb('put', 'PUT'),
  ...verb('patch', 'PATCH'),
  ...verb('head', 'HEAD'),
  ...verb('delete', 'DELETE'),
  'HttpRequest.addRequestHeader': at(`${sent(`Http.get(${echo}).addRequestHeader('X-Me', 'a')`)}.headers`, {
    'X-Me': 'a',
  }),
  'HttpRequest.setContentType': at(`${sent(`Http.post(${echo}).setContentType('text/csv')`)}.headers`, {
    'content-type': 'text/csv',
  }),
  'HttpRequest.setContentString': at(`${sent(`Http.post(${echo}).setContentString('a=1')`)}.body`, 'a=1'),
  'HttpRequest.setContentJson': at(
    `{ const { body, headers } = ${sent(`Http.put(${echo}).setContentJson({ a: [1] })`)}; return [body, headers]; }`,
    ['{"a":[1]}', { 'content-type': 'application/json' }],
  ),
  'HttpRequest.setRequestBody': at(`${sent(`Http.post(${echo}).setRequestBody('a=2')`)}.body`, 'a=2'),
  'HttpRequest.getResponseAsJson': at(`Http.get(${echo}).execute().getResponseAsJson().method`, 'GET'),
  'HttpRequest.setBasicAuth': at(`${sent(`Http.get(${echo}).setBasicAuth('jane', 'pässword')`)}.headers`, {
    authorization: 'Basic amFuZTpww6Rzc3dvcmQ=',
  }),
  'HttpRequest.setTimeoutMilliseconds': at(
    `Http.get(${echo}).setTimeoutMilliseconds(500).execute().getStatusCode()`,
    200,
  ),
  'HttpRequest.execute': at(`typeof Http.get(${echo}).execute().isSuccess`, 'function'),
  'HttpRequest.isSuccess': at(
    `[Http.get(${echo}).execute().isSuccess(), ${missing}.isSuccess(), ${down}.isSuccess()]`,
    [true, false, false],
  ),
  'HttpRequest.getFailureMessage': at(
    `[Http.get(${echo}).execute().getFailureMessage(), ${missing}.getFailureMessage(), ${down}.getFailureMessage()]`,
    [null, 'HTTP status 404', 'nobody answers there'],
  ),
  'HttpRequest.parseResponseAsJson': at(
    `{ let thrown = false; try { ${missing}.parseResponseAsJson(); } catch { thrown = true; }
      return [Http.get(${echo}).execute().parseResponseAsJson().url, thrown]; }`,
    ['https://api.example/echo', true],
  ),
  'HttpRequest.getStatusCode': at(`[${missing}.getStatusCode(), ${down}.getStatusCode()]`, [404, null]),
  'HttpRequest.getResponseString': at(`[${missing}.getResponseString(), ${down}.getResponseString()]`, [
    'nothing here',
    null,
  ]),
  'HttpRequest.getResponseHeader': at(
    `[Http.get(${echo}).execute().getResponseHeader('X-Test'), ${missing}.getResponseHeader('x-test'), ${down}.getResponseHeader('x-test')]`,
    ['Yes', null, null],
  ),
};
