/** Starts `oidc-provider` in a process of its own. */
import { join } from 'node:path';
import { freePort, startChild, untilReady } from './child.ts';
import type { Target } from './load.ts';
import { authorization, clientId, clientSecret } from './tenants.ts';

export interface PeerServer {
  readonly target: Target;
  close(): Promise<void>;
}

export async function startPeer(): Promise<PeerServer> {
  const port = await freePort();
  const child = startChild(join(import.meta.dirname, 'peer-child.ts'), {
    arguments: [JSON.stringify({ port, clientId, clientSecret })],
    environment: { NODE_ENV: 'production' },
  });
  try {
    await untilReady(`http://localhost:${port}/health/ready`, child);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return {
    target: {
      url: `http://localhost:${port}/token`,
      authorization,
      body: 'grant_type=client_credentials&scope=system%2F*.rs',
    },
    close: () => child.stop(),
  };
}

/** One token, its header and its claims: that both contestants do the same work is checked before any figure. */
export async function inspectToken(
  target: Target,
): Promise<{ readonly header: Record<string, unknown>; readonly claims: Record<string, unknown> }> {
  const answer = await fetch(target.url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: target.authorization },
    body: target.body,
  });
  const body = (await answer.json()) as { access_token?: unknown };
  if (!answer.ok || typeof body.access_token !== 'string')
    throw new Error(`${target.url} answered ${answer.status}: ${JSON.stringify(body)}`);
  const [header = {}, claims = {}] = body.access_token
    .split('.', 2)
    .map((segment) => JSON.parse(Buffer.from(segment, 'base64url').toString('utf8')) as Record<string, unknown>);
  return { header, claims };
}
