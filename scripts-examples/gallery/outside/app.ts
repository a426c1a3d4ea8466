/** The app: asks for a token of each example, and shows what came. It keeps nothing, and nobody should copy it. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt, importJWK, SignJWT } from 'jose';
import { escapeHtml, page } from './html.ts';
import { tries, type Try } from './tries.ts';

type Of<Kind extends Try['kind']> = Extract<Try, { readonly kind: Kind }>;

interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface AppOptions {
  readonly url: string;
  readonly sallyport: string;
  launch(context: { readonly user: string; readonly patient: string }): string;
}

interface Waiting {
  readonly tried: Of<'person'>;
  readonly verifier: string;
}

const notFound: Answer = { status: 404, body: page('Nothing here', '<p>There is nothing at this address.</p>') };

export function createApp({ url, sallyport, launch }: AppOptions) {
  const waiting = new Map<string, Waiting>();
  const redirectUri = `${url}/app/callback`;
  const issuerOf = ({ tenant }: Try) => `${sallyport}/${tenant}`;

  /** Sends the person to the authorization endpoint (RFC 6749 section 4.1, RFC 7636). */
  function start(tried: Of<'person'>): Answer {
    const verifier = randomBytes(32).toString('base64url');
    const state = randomUUID();
    waiting.set(state, { tried, verifier });
    const parameters = new URLSearchParams({
      response_type: 'code',
      client_id: tried.client,
      redirect_uri: redirectUri,
      scope: tried.scope,
      aud: `${url}/${tried.server ?? 'fhir'}`,
      state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...(tried.launch ? { launch: launch(tried.launch) } : {}),
      ...(tried.prompt ? { prompt: tried.prompt } : {}),
    });
    return { status: 302, headers: { location: `${issuerOf(tried)}/oauth/authorize?${parameters}` } };
  }

  async function callback(query: URLSearchParams): Promise<Answer> {
    const known = waiting.get(query.get('state') ?? '');
    waiting.delete(query.get('state') ?? '');
    if (!known) return { status: 400, body: page('Not asked for', '<p>The app did not ask for this answer.</p>') };
    const { tried, verifier } = known;
    const code = query.get('code');
    if (code === null) return shown(tried, Object.fromEntries(query));
    return ask(tried, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
      client_id: tried.client,
    });
  }

  async function service(tried: Of<'service'>): Promise<Answer> {
    const form = { grant_type: 'client_credentials' };
    if (tried.keys === undefined) return ask(tried, form, `${tried.client}:${tried.secret ?? ''}`);
    return ask(tried, { ...form, ...(await assertionOf(tried.client, tried.keys, tried)) });
  }

  async function partner(tried: Of<'partner'>): Promise<Answer> {
    const coding = [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0360', code: tried.qualification }];
    const assertion = await signed(tried.issuerKeys, {
      iss: tried.issuer,
      sub: 'north-1',
      aud: `${issuerOf(tried)}/oauth/token`,
      acr: `${tried.issuer}/assurance/3`,
      requested_scopes: 'patient/*.rs',
      requested_record: {
        resourceType: 'Patient',
        identifier: [{ system: 'urn:national:health-number', value: 'N-840602' }],
        birthDate: '1984-06-02',
      },
      requesting_practitioner: {
        resourceType: 'Practitioner',
        id: 'north-1',
        qualification: [{ code: { coding } }],
      },
      reason_for_request: tried.reason,
    });
    return ask(tried, {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion,
      ...(await assertionOf(tried.client, tried.keys, tried)),
    });
  }

  /** A client proves who it is by a JWT (RFC 7523). */
  async function assertionOf(client: string, keys: string, tried: Try): Promise<Record<string, string>> {
    const claims = { iss: client, sub: client, aud: `${issuerOf(tried)}/oauth/token` };
    return {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await signed(keys, claims),
    };
  }

  async function ask(tried: Try, form: Record<string, string>, basic?: string): Promise<Answer> {
    const answer = await fetch(`${issuerOf(tried)}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: basic === undefined ? {} : { authorization: `Basic ${Buffer.from(basic).toString('base64')}` },
    }).catch(() => undefined);
    if (!answer) {
      const sentence = `Nobody answers at ${sallyport}. Start it: SALLYPORT_CONFIG=scripts-examples/gallery npm start`;
      return { status: 502, body: page('Sallyport is not there', `<p>${escapeHtml(sentence)}</p>`) };
    }
    return shown(tried, (await answer.json()) as Record<string, unknown>);
  }

  return async (path: string, query: URLSearchParams): Promise<Answer> => {
    if (path === '/') return { status: 200, body: startPage(sallyport) };
    if (path === '/app/callback') return callback(query);
    const tried = path === '/app/start' ? tries[Number(query.get('try') ?? NaN)] : undefined;
    if (!tried) return notFound;
    if (tried.kind === 'person') return start(tried);
    return tried.kind === 'service' ? service(tried) : partner(tried);
  };
}

/** A JWT signed with the first key of a set of the gallery. */
async function signed(keys: string, claims: Readonly<Record<string, unknown>>): Promise<string> {
  const file = await readFile(join(import.meta.dirname, '..', keys), 'utf8');
  const [key] = (JSON.parse(file) as { keys: { alg: string; kid: string }[] }).keys;
  if (!key) throw new Error(`there is no key in ${keys}`);
  return new SignJWT({ ...claims, jti: randomUUID() })
    .setProtectedHeader({ alg: key.alg, kid: key.kid })
    .setIssuedAt()
    .setExpirationTime('4m')
    .sign(await importJWK(key as never, key.alg));
}

function startPage(sallyport: string): string {
  const items = tries.map(
    ({ tenant, client, hint }, index) =>
      `<li><a href="/app/start?try=${index}">${tenant}</a> with ${client}: ${escapeHtml(hint)}</li>`,
  );
  return page(
    'The gallery',
    `<p>Each link asks the tenant at ${escapeHtml(sallyport)} for a token. Everybody's password is <code>demo-password</code>.</p>
<ul>${items.join('\n')}</ul>
<p><a href="/audit/events">What the collector was told</a></p>`,
  );
}

/** What the app was answered, with what stands in the tokens. */
function shown({ tenant, hint }: Try, answer: Readonly<Record<string, unknown>>): Answer {
  const section = (title: string, value: unknown) =>
    `<h2>${title}</h2><pre>${escapeHtml(JSON.stringify(value, undefined, 2))}</pre>`;
  const tokens = ['access_token', 'id_token'].flatMap((name) => {
    const token = answer[name];
    return typeof token === 'string' ? [section(`What the ${name} says`, decodeJwt(token))] : [];
  });
  return {
    status: 200,
    body: page(
      tenant,
      `<p>${escapeHtml(hint)}. <a href="/">Back</a></p>${section('The answer', answer)}${tokens.join('')}`,
    ),
  };
}
