/** Requests to the authorization endpoint, by every method that carries one. */
import { expect } from 'chai';
import { authorizationRequest } from '../../support/oauth.ts';
import type { Page } from '../../support/person.ts';
import type { Stage } from './stage.ts';
import { type Answer, send } from './wire.ts';

export type Change = Readonly<Record<string, string | undefined>>;

/** Where the demo's native app listens. */
export const callback = 'http://127.0.0.1:45678/callback';
export const path = '/demo/oauth/authorize';

/** The page the person sees, or what the app gets: `code` or its error. */
export function seen({ status, url, body }: Page): string {
  const back = new URL(url).searchParams;
  if (status === 302) return back.has('code') ? 'code' : String(back.get('error'));
  const pages = {
    login: 'name="password"',
    context: 'name="choice"',
    terms: 'value="accept"',
    consent: 'value="approve"',
  };
  return Object.entries(pages).find(([, mark]) => body.includes(mark))?.[0] ?? `page ${status}`;
}

export function requestsOf(stage: () => Stage) {
  const get = (query: string) => send(stage().server, 'GET', `${path}?${query}`);
  /** A short form comes back as a GET, which brings the cookies of the person; a long one is answered at once. */
  async function post(form: string): Promise<Answer> {
    const { server } = stage();
    const answer = await send(server, 'POST', path, { form });
    const location = String(answer.headers['location'] ?? '');
    if (!location.startsWith(`${server.issuer}/oauth/authorize?`)) return answer;
    expect(answer.status).to.equal(303);
    return send(server, 'GET', location.slice(server.url.length));
  }
  return {
    get,
    methods: [
      ['GET', get],
      ['POST', post],
      // Padded beyond what is turned into a GET; the parameter is not known, so it changes nothing.
      ['long POST', (query: string) => post(`${query}&padding=${'x'.repeat(6000)}`)],
    ] as const,
    /** A complete request of the native app, with anything changed. `AUD` stands for its FHIR server. */
    queryOf(change: Change): string {
      const audience = `${stage().server.issuer}/fhir/r4`;
      const filled = Object.entries(change).map(([name, value]) => [name, value?.replace('AUD', audience)]);
      return new URL(authorizationRequest(stage().server, Object.fromEntries(filled) as Change).url).search.slice(1);
    },
    /** The server waits for the person to log in, that is, found nothing wrong with the request. */
    expectLogIn(answer: Answer, what = ''): void {
      expect(answer.status, `${what} ${answer.body.slice(0, 300)}`).to.equal(303);
      expect(answer.headers['location']).to.match(new RegExp(`^${stage().server.issuer}/login/[\\w-]{43}$`), what);
    },
  };
}
