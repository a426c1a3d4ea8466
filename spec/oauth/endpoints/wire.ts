/** HTTP as it is sent: no cookie jar, no redirect followed, no address made tidy on the way. */
import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { createConnection } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import type { TestServer } from '../../support/server.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** A form, sent with its content type unless `headers` has another. */
  readonly form?: string | Readonly<Record<string, string>>;
  /** The Host header; the server's own unless given. */
  readonly host?: string;
}

/** Sends one request; `path` goes out character by character. */
export async function send(server: TestServer, method: string, path: string, sent: Sent = {}): Promise<Answer> {
  const form = typeof sent.form === 'object' ? new URLSearchParams(sent.form).toString() : sent.form;
  const body = form ?? sent.body;
  const outgoing = request({
    host: '127.0.0.1',
    port: server.port,
    method,
    path,
    agent: false,
    headers: {
      host: sent.host ?? `localhost:${server.port}`,
      ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
      ...sent.headers,
    },
  });
  // An answer may come before a large body is read; what the socket then says is of no interest.
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  outgoing.end(body);
  const [incoming] = await answered;
  outgoing.on('error', () => undefined);
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: await text(incoming) };
}

/** Sends bytes that no HTTP library would, and reads the status line of the answer. */
export async function sendBytes(server: TestServer, bytes: string): Promise<string> {
  const socket = createConnection(server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.end(Buffer.from(bytes, 'latin1'));
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer.split('\r\n')[0] ?? '';
}

export function jsonOf({ body }: Answer): Record<string, unknown> {
  return JSON.parse(body) as Record<string, unknown>;
}

/** RFC 6749 section 5.2, with the headers that every answer of the token endpoint has. */
export function expectOAuthError(answer: Answer, status: number, error: string, what = ''): void {
  expect(`${answer.status} ${String(jsonOf(answer)['error'])}`, `${what} ${answer.body}`).to.equal(
    `${status} ${error}`,
  );
  expect(jsonOf(answer)).to.have.all.keys('error', 'error_description');
  expect(String(jsonOf(answer)['error_description'])).to.match(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
  expectNotStored(answer);
  expect(answer.headers['content-type']).to.match(/^application\/json/);
}

export function expectNotStored({ headers }: Answer): void {
  expect(headers['cache-control']).to.equal('no-store');
  expect(headers['pragma']).to.equal('no-cache');
}

/** A page for a person that no other site can frame, script or cache. */
export function expectPage(answer: Answer, status: number, what = ''): void {
  expect(answer.status, `${what} ${answer.body.slice(0, 400)}`).to.equal(status);
  expect(answer.headers['location']).to.equal(undefined);
  expect(answer.headers['content-type']).to.equal('text/html; charset=utf-8');
  const policy = String(answer.headers['content-security-policy']);
  expect(policy).to.include("default-src 'none'").and.include("frame-ancestors 'none'");
  expect(policy).not.to.include('unsafe').and.not.to.include('*');
  expect(answer.headers['x-frame-options']).to.equal('DENY');
  expect(answer.headers['x-content-type-options']).to.equal('nosniff');
  expect(answer.headers['referrer-policy']).to.equal('no-referrer');
  expect(answer.headers['access-control-allow-origin']).to.equal(undefined);
  expectNotStored(answer);
}

/** The query of a redirect back to the app; fails when it goes anywhere else. */
export function backOf(answer: Answer, redirectUri: string, what = ''): URLSearchParams {
  expect(answer.status, `${what} ${answer.body.slice(0, 400)}`).to.equal(303);
  const location = String(answer.headers['location']);
  const separator = redirectUri.includes('?') ? '&' : '?';
  expect(location.startsWith(`${redirectUri}${separator}`), `${what} ${location}`).to.equal(true);
  expect(location).not.to.include('#');
  expect(answer.headers['referrer-policy']).to.equal('no-referrer');
  expect(answer.headers['access-control-allow-origin']).to.equal(undefined);
  expectNotStored(answer);
  return new URLSearchParams(location.slice(redirectUri.length + 1));
}
