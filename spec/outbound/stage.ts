/** A real server on loopback, a client whose name resolution is invented, and what the server saw. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OutboundClient, OutboundRequest, OutboundResult } from '../../engine/outbound/client.ts';
import { createOutboundClient, type Resolve } from '../../engine/outbound/guarded-client.ts';

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

export interface Stage {
  readonly port: number;
  readonly seen: Seen[];
  /** Names that were looked up, in order. */
  readonly looked: string[];
  /** Addresses by name, or what answers the first, second … look-up. */
  readonly names: Map<string, readonly string[] | (() => readonly string[])>;
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  readonly client: OutboundClient;
  /** As a tenant that lists this server by name, private addresses included. */
  call(path: string, changes?: Partial<OutboundRequest>): Promise<OutboundResult>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const seen: Seen[] = [];
  const looked: string[] = [];
  const names: Stage['names'] = new Map([['server.example', ['127.0.0.1']]]);
  const resolve: Resolve = async (host) => {
    looked.push(host);
    const found = names.get(host);
    const addresses = typeof found === 'function' ? found() : found;
    if (!addresses) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      seen.push({ method, url, headers, body: Buffer.concat(parts).toString() });
      stage.answer(request, response);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const client = createOutboundClient({ resolve });
  const stage: Stage = {
    port,
    seen,
    looked,
    names,
    answer: (_request, response) => response.end('fine'),
    client,
    call: (path, changes = {}) =>
      client.request({
        url: `http://server.example:${port}${path}`,
        allow: [`server.example:${port}`],
        allowPrivate: true,
        timeoutMilliseconds: 5000,
        ...changes,
      }),
    async close() {
      await client.close();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
  return stage;
}

/** `200`, or the code of the failure. */
export const outcomeOf = (result: OutboundResult): string => (result.ok ? String(result.response.status) : result.code);
