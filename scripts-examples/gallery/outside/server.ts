/**
 * A stand-in for what hospitals have around their authorization server: two FHIR servers, an EHR's context service, a
 * directory, a staff system, a collector of audit events, and an app. Made-up people only; nothing here checks what a real one must.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { createApp } from './app.ts';
import { answerFhir } from './fhir.ts';

export interface LaunchContext {
  readonly user: string;
  readonly patient?: string;
  readonly encounter?: string;
  readonly images?: readonly string[];
}

export interface OutsideOptions {
  readonly port: number;
  /** Where Sallyport serves the gallery. */
  readonly sallyport: string;
}

export interface Outside {
  readonly url: string;
  /** What the collector was told, oldest first. */
  readonly events: readonly unknown[];
  /** A launch handle as the EHR makes them: good for once. */
  launch(context: LaunchContext): string;
  /** From now on everything below this path answers 503; with none, all is well again. */
  fail(path?: string): void;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const employees: Readonly<Record<string, object>> = {
  ada: { number: '4711', givenName: 'Ada', familyName: 'King', positions: ['physician', 'choir'] },
  gus: { number: '12', givenName: 'Gus', familyName: 'Green', positions: ['gardener'] },
};
const tooManyForAToken: Readonly<Record<string, readonly string[]>> = { grace: ['ehr-nurses', 'choir', 'canteen'] };

export async function startOutside({ port, sallyport }: OutsideOptions): Promise<Outside> {
  const url = `http://localhost:${port}`;
  const events: unknown[] = [];
  const handles = new Map<string, LaunchContext>();
  let failing: string | undefined;

  const launch = (context: LaunchContext) => {
    const handle = randomUUID();
    handles.set(handle, context);
    return handle;
  };
  const app = createApp({ url, sallyport, launch });

  async function answer(request: IncomingMessage): Promise<Answer> {
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    const bearer = request.headers.authorization ?? '';
    const refused: Answer = { status: 401, body: { error: 'the key is wrong' } };
    if (failing !== undefined && pathname.startsWith(failing)) return { status: 503, body: { error: 'out of order' } };
    const [, server, ...rest] = pathname.split('/');
    switch (server) {
      case 'fhir':
      case 'research':
        return answerFhir(server, rest.map(decodeURIComponent), searchParams, bearer);
      case 'context': {
        if (bearer !== 'Bearer a-made-up-context-key') return refused;
        const { launch: handle } = JSON.parse(await text(request)) as { readonly launch: string };
        const context = handles.get(handle);
        handles.delete(handle);
        return context ? { status: 200, body: context } : { status: 404 };
      }
      case 'directory': {
        if (bearer !== 'Bearer a-made-up-directory-key') return refused;
        return { status: 200, body: { groups: tooManyForAToken[rest[1] ?? ''] ?? [] } };
      }
      case 'staff': {
        if (bearer !== 'Bearer a-made-up-staff-key') return refused;
        const { account, password } = JSON.parse(await text(request)) as Readonly<Record<string, string>>;
        const employee = employees[account?.toLowerCase() ?? ''];
        if (!employee) return { status: 404 };
        return password === 'demo-password' ? { status: 200, body: employee } : { status: 403 };
      }
      case 'audit':
        if (request.method === 'GET') return { status: 200, body: events };
        if (bearer !== 'Bearer a-made-up-collector-key') return refused;
        events.push(JSON.parse(await text(request)));
        return { status: 202 };
      default:
        return app(pathname, searchParams);
    }
  }

  const listener = createServer((request, response) => {
    answer(request).then(
      (done) => send(response, done),
      () => send(response, { status: 500, body: { error: 'the stand-in failed' } }),
    );
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, '127.0.0.1', resolve);
  });
  return {
    url,
    events,
    launch,
    fail: (path) => void (failing = path),
    async close() {
      listener.closeAllConnections();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  const page = typeof body === 'string';
  response.writeHead(status, {
    'content-type': page ? 'text/html; charset=utf-8' : 'application/json',
    ...headers,
  });
  response.end(page || body === undefined ? body : JSON.stringify(body));
}
