/** An outgoing call is bounded in time and size, whatever the server does. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { createOutboundClient } from '../../engine/outbound/guarded-client.ts';
import type { OutboundResult } from '../../engine/outbound/client.ts';
import { openStage, outcomeOf, type Stage } from './stage.ts';

describe('the bounds of outgoing calls', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await openStage();
  });
  afterEach(() => stage.close());

  const timed = async (call: Promise<OutboundResult>) => {
    const began = performance.now();
    return { outcome: outcomeOf(await call), milliseconds: performance.now() - began };
  };

  describe('size', () => {
    it('a body at the limit is read, one byte more is not', async () => {
      stage.answer = (request, response) => response.end('x'.repeat(Number(request.url?.slice(1))));
      const at = await stage.call('/1000', { maximumBytes: 1000 });
      expect(at.ok && at.response.body.length).to.equal(1000);
      expect(outcomeOf(await stage.call('/1001', { maximumBytes: 1000 }))).to.equal('too-large');
    });

    it('bytes are counted, not characters', async () => {
      stage.answer = (_request, response) => response.end('ä'.repeat(600));
      expect(outcomeOf(await stage.call('/', { maximumBytes: 1000 }))).to.equal('too-large');
    });

    it('a body without end is cut off soon after the limit', async () => {
      let sent = 0;
      stage.answer = (_request, response) => {
        const more = () => {
          while (!response.destroyed && response.write('x'.repeat(65_536))) sent += 65_536;
        };
        response.on('drain', more);
        more();
      };
      expect(outcomeOf(await stage.call('/', { maximumBytes: 100_000 }))).to.equal('too-large');
      expect(sent).to.be.below(50_000_000);
    });

    it('a compressed bomb stays compressed', async () => {
      const bomb = gzipSync(Buffer.alloc(50_000_000));
      stage.answer = (_request, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/plain' });
        response.end(bomb);
      };
      const before = process.memoryUsage().rss;
      const result = await stage.call('/', { headers: { 'accept-encoding': 'gzip' }, maximumBytes: 100_000 });
      expect(result.ok && result.response.body.length).to.be.below(100_000);
      expect(process.memoryUsage().rss - before).to.be.below(40_000_000);
      expect(outcomeOf(await stage.call('/', { maximumBytes: bomb.length - 1 }))).to.equal('too-large');
    });

    it('headers are bounded, too', async () => {
      stage.answer = (_request, response) => {
        response.writeHead(
          200,
          Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`x-${n}`, 'y'.repeat(1000)])),
        );
        response.end();
      };
      expect(outcomeOf(await stage.call('/'))).to.equal('too-large');
    });

    it('a length that is a lie is not believed', async () => {
      stage.answer = (_request, response) => {
        response.socket?.end('HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\nshort');
      };
      expect(outcomeOf(await stage.call('/', { maximumBytes: 1000 }))).to.be.oneOf(['unreachable', 'too-large']);
    });
  });

  describe('time', () => {
    const limit = { timeoutMilliseconds: 400 };

    it('an answer that does not come', async () => {
      stage.answer = () => undefined;
      const { outcome, milliseconds } = await timed(stage.call('/', limit));
      expect(outcome).to.equal('timeout');
      expect(milliseconds).to.be.within(350, 5000);
    });

    it('an answer that drips: the whole of it counts, not the pause between drops', async () => {
      stage.answer = (_request, response) => {
        const drip = setInterval(() => response.write('x'), 50);
        response.on('close', () => clearInterval(drip));
      };
      const { outcome, milliseconds } = await timed(stage.call('/', limit));
      expect(outcome).to.equal('timeout');
      expect(milliseconds).to.be.below(5000);
    });

    it('headers that drip', async () => {
      stage.answer = (_request, response) => {
        const socket = response.socket as Socket;
        socket.write('HTTP/1.1 200 OK\r\n');
        const drip = setInterval(() => socket.write('x-a: b\r\n'), 50);
        socket.on('close', () => clearInterval(drip));
      };
      const { outcome, milliseconds } = await timed(stage.call('/', limit));
      expect(outcome).to.equal('timeout');
      expect(milliseconds).to.be.below(5000);
    });

    it('a name that does not resolve', async () => {
      const client = createOutboundClient({ resolve: () => new Promise(() => undefined) });
      try {
        const { outcome, milliseconds } = await timed(client.request({ url: 'http://slow.example/', ...limit }));
        expect(outcome).to.equal('timeout');
        expect(milliseconds).to.be.below(5000);
      } finally {
        await client.close();
      }
    });

    for (const timeoutMilliseconds of [0.5, 0, -1, 1.5, Number.MAX_VALUE])
      it(`${timeoutMilliseconds} ms is a time like others`, async () => {
        if (timeoutMilliseconds < 10) stage.answer = () => undefined;
        expect(outcomeOf(await stage.call('/', { timeoutMilliseconds }))).to.be.oneOf(['timeout', '200']);
      });
  });

  describe('servers that speak no HTTP', () => {
    let server: Server;
    const sockets = new Set<Socket>();
    const speak = async (greet: (socket: Socket) => void): Promise<number> => {
      server = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined);
        greet(socket);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as { port: number }).port;
    };
    afterEach(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });

    const greetings: Readonly<Record<string, (socket: Socket) => void>> = {
      'end at once': (socket) => socket.destroy(),
      'say nothing': () => undefined,
      'say something else': (socket) => socket.write('220 mail.example ESMTP\r\n'),
      'send bytes without end': (socket) => {
        const pour = () => {
          while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
        };
        socket.on('drain', pour);
        pour();
      },
      'send interim answers without end': (socket) => {
        const pour = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n'), 5);
        socket.on('close', () => clearInterval(pour));
      },
      'send two lengths': (socket) =>
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx'),
      'send a wrong chunk': (socket) =>
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nxx\r\n'),
    };
    for (const [what, greet] of Object.entries(greetings))
      it(`those that ${what} are a failed call`, async () => {
        const port = await speak(greet);
        const { outcome, milliseconds } = await timed(
          stage.call('/', {
            url: `http://server.example:${port}/`,
            allow: [`server.example:${port}`],
            timeoutMilliseconds: 800,
          }),
        );
        expect(outcome).to.be.oneOf(['unreachable', 'timeout', 'too-large']);
        expect(milliseconds).to.be.below(6000);
        expect(outcomeOf(await stage.call('/'))).to.equal('200');
      });

    it('where nobody listens the host is unreachable', async () => {
      const port = await speak(() => undefined);
      await new Promise((closed) => server.close(closed));
      const result = await stage.call('/', {
        url: `http://server.example:${port}/`,
        allow: [`server.example:${port}`],
      });
      expect(result).to.deep.include({ ok: false, code: 'unreachable' });
      expect(result.ok ? '' : result.message).not.to.match(/127\.0\.0\.1|ECONN|undefined/);
    });
  });

  it('what a server sends stays what it is: names and values of headers are text, a body is a text', async () => {
    stage.answer = (_request, response) => {
      response.socket?.end(
        'HTTP/1.1 200 OK\r\n__proto__: polluted\r\nconstructor: x\r\nset-cookie: a\r\nset-cookie: b\r\ncontent-length: 2\r\n\r\n\xff\xfe',
      );
    };
    const result = await stage.call('/');
    if (!result.ok) throw new Error(result.message);
    const { headers, body } = result.response;
    expect(Object.getPrototypeOf(headers)).to.equal(Object.prototype);
    expect(Object.values(headers).every((value) => typeof value === 'string')).to.equal(true);
    expect(headers['set-cookie']).to.equal('a, b');
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
    expect(typeof body).to.equal('string');
  });
});
