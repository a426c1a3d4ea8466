/**
 * Where debuggers connect: a WebSocket on the loopback interface, found by `/json/list` as that of `node --inspect` is.
 * Pages of the web are kept out: the server answers to the names of this machine alone, so that no name of the outside
 * leads here (DNS rebinding), and takes no WebSocket that a page opens. The path is another one at each start.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { Debugger } from './debugger.ts';

export interface InspectServer {
  /** Host and port. */
  readonly host: string;
  /** The WebSocket's address, without its scheme. */
  readonly address: string;
  close(): Promise<void>;
}

const loopback = '127.0.0.1';
const ourNames = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;
const longestMessage = 4 * 1024 * 1024;
/** For a debugger to take its leave, milliseconds. */
const patience = 500;

/**
 * @param port 0 for any that is free.
 * @throws when the port is taken.
 */
export async function startInspectServer(debug: Debugger, title: string, port: number): Promise<InspectServer> {
  const path = randomUUID();
  const sockets = new WebSocketServer({ noServer: true, maxPayload: longestMessage, perMessageDeflate: false });
  const server = createServer((request, response) => {
    const answer = isOurs(request) ? answerTo(request) : undefined;
    if (answer !== undefined) return writeJson(response, answer);
    response.writeHead(isOurs(request) ? 404 : 403).end();
  });
  function answerTo({ method, url = '' }: IncomingMessage): unknown {
    if (method !== 'GET') return undefined;
    switch (url.split('?')[0]) {
      case '/json':
      case '/json/list':
        return [
          {
            id: path,
            type: 'node',
            title,
            description: 'callbacks of Sallyport',
            url: 'file://',
            devtoolsFrontendUrl: frontendOf(address),
            webSocketDebuggerUrl: `ws://${address}`,
          },
        ];
      case '/json/version':
        return { Browser: `node.js/${process.version}`, 'Protocol-Version': '1.1' };
      default:
        return undefined;
    }
  }

  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => undefined);
    const refuse = (status: string) =>
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    if (!isOurs(request)) return void refuse('403 Forbidden');
    if (request.url !== `/${path}`) return void refuse('404 Not Found');
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => webSocket.terminate());
      const client = { send: (message: string) => webSocket.send(message), close: () => webSocket.close() };
      if (!debug.attach(client)) return webSocket.close(1013, 'another debugger is attached');
      webSocket.on('message', (data) => debug.receive(client, String(data)));
      webSocket.on('close', () => debug.detach(client));
    });
  });

  await new Promise<void>((done, failed) => server.once('error', failed).listen(port, loopback, done));
  const host = `${loopback}:${(server.address() as AddressInfo).port}`;
  const address = `${host}/${path}`;
  return {
    host,
    address,
    close: () =>
      new Promise((done) => {
        for (const webSocket of sockets.clients) webSocket.close(1001);
        const late = setTimeout(() => sockets.clients.forEach((each) => each.terminate()), patience);
        server.close(() => {
          clearTimeout(late);
          done();
        });
        server.closeAllConnections();
      }),
  };
}

/** Chrome's own page for it. */
export function frontendOf(address: string): string {
  return `devtools://devtools/bundled/js_app.html?experiments=true&v8only=true&ws=${address}`;
}

/** Whether who asks is neither a page of the web nor led here by another name than this machine's. */
function isOurs({ headers }: IncomingMessage): boolean {
  const { host = '', origin } = headers;
  return ourNames.test(host) && (origin === undefined || origin.startsWith('devtools://'));
}

function writeJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8', 'cache-control': 'no-cache' });
  response.end(JSON.stringify(value, undefined, 2));
}
