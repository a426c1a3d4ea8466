/** The guard against calls to where no tenant has business: by name, by number, by redirect, by a name that changes. */
import { expect } from 'chai';
import { createOutboundClient } from '../../engine/outbound/guarded-client.ts';
import { openStage, outcomeOf, type Stage } from './stage.ts';

/** Routed nowhere: of the public part of IPv6, but never given to anybody. */
const publicButNowhere = '2d00::1';

describe('the guard of outgoing calls', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await openStage();
  });
  afterEach(() => stage.close());

  it('calls a listed private host, connects to what it resolved, and says so to the server', async () => {
    const result = await stage.call('/path?q=1', { method: 'POST', body: 'text', headers: { 'x-own': 'yes' } });
    expect(result).to.deep.include({ ok: true });
    expect(stage.looked).to.deep.equal(['server.example']);
    expect(stage.seen).to.have.length(1);
    expect(stage.seen[0]).to.include({ method: 'POST', url: '/path?q=1', body: 'text' });
    expect(stage.seen[0]?.headers).to.include({ host: `server.example:${stage.port}`, 'x-own': 'yes' });
  });

  describe('hosts that stand for a private address', () => {
    const hosts = [
      '127.0.0.1',
      '127.1',
      '127.0.1',
      '2130706433',
      '0x7f000001',
      '0x7f.1',
      '0177.0.0.1',
      '017700000001',
      '0',
      '0.0.0.0',
      '127.0.0.1.',
      '１２７.0.0.1',
      '127。0。0。1',
      '①②⑦.0.0.1',
      '%31%32%37.0.0.1',
      '[::1]',
      '[::]',
      '[0:0:0:0:0:0:0:1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[::127.0.0.1]',
      '[64:ff9b::7f00:1]',
      '[fe80::1]',
      '[fd00:ec2::254]',
      '169.254.169.254',
      '0xa9fea9fe',
      '2852039166',
      '[::ffff:a9fe:a9fe]',
      '10.0.0.1',
      '192.168.0.1',
      '172.16.0.1',
      '100.64.0.1',
      '255.255.255.255',
      '224.0.0.1',
    ];
    for (const host of hosts)
      it(`http://${host}/ is refused to whom lists nothing`, async () => {
        const result = await stage.client.request({ url: `http://${host}:${stage.port}/` });
        expect(outcomeOf(result)).to.equal('blocked');
        expect(stage.seen).to.deep.equal([]);
      });
    for (const host of hosts)
      it(`http://${host}/ is refused even if it is listed, while private addresses are not allowed`, async () => {
        const url = `http://${host}:${stage.port}/`;
        const result = await stage.client.request({ url, allow: [new URL(url).host], allowPrivate: false });
        expect(outcomeOf(result)).to.equal('blocked');
        expect(stage.seen).to.deep.equal([]);
      });

    for (const address of ['169.254.169.254', '[fd00:ec2::254]', '[::ffff:a9fe:a9fe]', '0.0.0.0', '[::]', '224.0.0.1'])
      it(`${address} is refused even to whom may call private addresses`, async () => {
        const url = `http://${address}/latest/meta-data/`;
        const result = await stage.client.request({ url, allow: [new URL(url).host], allowPrivate: true });
        expect(outcomeOf(result)).to.equal('blocked');
      });
  });

  describe('names that lead to a private address', () => {
    const cases: Readonly<Record<string, readonly string[]>> = {
      loopback: ['127.0.0.1'],
      'loopback of IPv6': ['::1'],
      'a private network': ['10.1.2.3'],
      'link-local': ['169.254.1.1', 'fe80::1%lo'],
      metadata: ['169.254.169.254'],
      'IPv4 in IPv6': ['::ffff:127.0.0.1'],
      'a translated address': ['64:ff9b::7f00:1'],
      'the unspecified address': ['0.0.0.0', '::'],
      'no address at all': ['localhost'],
      'no answer': [],
    };
    for (const [what, addresses] of Object.entries(cases))
      it(`${what}: refused`, async () => {
        stage.names.set('evil.example', addresses);
        const url = `http://evil.example:${stage.port}/`;
        expect(outcomeOf(await stage.client.request({ url }))).to.equal('blocked');
        expect(outcomeOf(await stage.client.request({ url, allow: [new URL(url).host] }))).to.equal('blocked');
        expect(stage.seen).to.deep.equal([]);
      });

    for (const addresses of [['169.254.169.254'], ['0.0.0.0'], ['::ffff:a9fe:a9fe'], ['fd00:ec2::254']])
      it(`${addresses.join()} behind a listed name: refused to whom may call private addresses, too`, async () => {
        stage.names.set('server.example', addresses);
        expect(outcomeOf(await stage.call('/'))).to.equal('blocked');
        expect(stage.seen).to.deep.equal([]);
      });

    it('a public address first and a private one next: the name is resolved once, and that is what is called', async () => {
      let count = 0;
      stage.names.set('rebind.example', () => ((count += 1) === 1 ? [publicButNowhere] : ['127.0.0.1']));
      const url = `http://rebind.example:${stage.port}/`;
      const result = await stage.client.request({ url, timeoutMilliseconds: 3000 });
      expect(outcomeOf(result)).to.be.oneOf(['unreachable', 'timeout']);
      expect(count).to.equal(1);
      // Whoever calls again gets the new answer, and the new refusal.
      expect(outcomeOf(await stage.client.request({ url }))).to.equal('blocked');
      expect(stage.seen).to.deep.equal([]);
    });

    it('a public and a private address at once: the private one is never tried', async () => {
      stage.names.set('both.example', [publicButNowhere, '127.0.0.1', '::1']);
      const url = `http://both.example:${stage.port}/`;
      const result = await stage.client.request({ url, timeoutMilliseconds: 3000 });
      expect(outcomeOf(result)).to.be.oneOf(['unreachable', 'timeout']);
      expect(stage.seen).to.deep.equal([]);
    });

    it('connections of those who may call private addresses are not lent to those who may not', async () => {
      expect(outcomeOf(await stage.call('/warm'))).to.equal('200');
      const same = { allowPrivate: false, url: `http://server.example:${stage.port}/` };
      expect(outcomeOf(await stage.call('/', same))).to.equal('blocked');
      expect(outcomeOf(await stage.client.request({ url: same.url }))).to.equal('blocked');
      expect(stage.seen.map(({ url }) => url)).to.deep.equal(['/warm']);
    });

    it('without an invented resolver the system’s is asked, and localhost is refused', async () => {
      const client = createOutboundClient();
      try {
        for (const host of ['localhost', 'LOCALHOST', 'localhost.'])
          expect(outcomeOf(await client.request({ url: `http://${host}:${stage.port}/` }))).to.be.oneOf([
            'blocked',
            'unreachable',
          ]);
        expect(stage.seen).to.deep.equal([]);
      } finally {
        await client.close();
      }
    });
  });

  describe('redirects', () => {
    for (const status of [301, 302, 303, 307, 308])
      it(`${status} is an answer, and not followed`, async () => {
        stage.answer = (_request, response) => {
          response.writeHead(status, { location: `http://127.0.0.1:${stage.port}/private` });
          response.end('elsewhere');
        };
        const result = await stage.call('/');
        expect(outcomeOf(result)).to.equal(String(status));
        expect(stage.seen.map(({ url }) => url)).to.deep.equal(['/']);
      });
    it('refresh headers and other hints are not followed either', async () => {
      stage.answer = (_request, response) => {
        response.writeHead(200, {
          refresh: `0;url=http://127.0.0.1:${stage.port}/x`,
          link: '</y>; rel=preload',
          'alt-svc': `h2="127.0.0.1:${stage.port}"`,
        });
        response.end();
      };
      expect(outcomeOf(await stage.call('/'))).to.equal('200');
      expect(outcomeOf(await stage.call('/'))).to.equal('200');
      expect(stage.seen.map(({ url }) => url)).to.deep.equal(['/', '/']);
    });
  });

  describe('the list of hosts', () => {
    const listed = (url: string, allow: readonly string[]) =>
      stage.client.request({ url, allow, allowPrivate: true, timeoutMilliseconds: 3000 });
    const own = () => `server.example:${stage.port}`;

    it('an empty list allows nothing, no list any public host', async () => {
      expect(outcomeOf(await listed(`http://${own()}/`, []))).to.equal('blocked');
      expect(outcomeOf(await stage.client.request({ url: `http://${own()}/` }))).to.equal('blocked');
    });

    it('host and port are what the URL calls, in any spelling of it', async () => {
      for (const url of [`http://${own()}/`, `http://SERVER.Example:${stage.port}/`, `http:\\\\${own()}\\`])
        expect(outcomeOf(await listed(url, [own()])), url).to.equal('200');
      expect(outcomeOf(await listed(`http://${own()}/`, [own().toUpperCase()]))).to.equal('200');
    });

    it('a name of another alphabet is the same in both its spellings', async () => {
      stage.names.set('xn--bcher-kva.example', ['127.0.0.1']);
      for (const host of ['bücher.example', 'xn--bcher-kva.example', 'BÜCHER.example'])
        for (const entry of ['bücher.example', 'xn--bcher-kva.example'])
          expect(outcomeOf(await listed(`http://${host}:${stage.port}/`, [`${entry}:${stage.port}`]))).to.equal('200');
    });

    const strangers: readonly [name: string, url: (port: number) => string, allow: (port: number) => string][] = [
      ['another port', (port) => `http://server.example:${port}/`, () => 'server.example:1'],
      ['a port where the entry names none', (port) => `http://server.example:${port}/`, () => 'server.example'],
      ['a subdomain', (port) => `http://a.server.example:${port}/`, (port) => `server.example:${port}`],
      ['a longer name', (port) => `http://server.example.evil.example:${port}/`, (port) => `server.example:${port}`],
      ['a prefix', (port) => `http://evilserver.example:${port}/`, (port) => `server.example:${port}`],
      ['a dot at the end', (port) => `http://server.example.:${port}/`, (port) => `server.example:${port}`],
      ['a wildcard', (port) => `http://server.example:${port}/`, (port) => `*.example:${port}`],
      ['a star', (port) => `http://server.example:${port}/`, () => '*'],
      ['an entry with a path', (port) => `http://server.example:${port}/`, (port) => `server.example:${port}/`],
      ['an entry with a scheme', (port) => `http://server.example:${port}/`, (port) => `http://server.example:${port}`],
      ['an empty entry', (port) => `http://server.example:${port}/`, () => ''],
      ['the address of a listed name', (port) => `http://127.0.0.1:${port}/`, (port) => `server.example:${port}`],
      ['a user who looks like a host', (port) => `http://server.example@127.0.0.1:${port}/`, () => 'server.example'],
      [
        'a user and a port that look like one',
        (port) => `http://server.example:80@127.0.0.1:${port}/`,
        (port) => `server.example:${port}`,
      ],
      ['a backslash before the host', (port) => `http://127.0.0.1:${port}\\@server.example/`, () => 'server.example'],
      ['a fragment', (port) => `http://127.0.0.1:${port}#@server.example/`, () => 'server.example'],
    ];
    for (const [name, url, allow] of strangers)
      it(`${name}: refused`, async () => {
        expect(outcomeOf(await listed(url(stage.port), [allow(stage.port)]))).to.equal('blocked');
        expect(stage.seen).to.deep.equal([]);
      });

    it('a host without a port is the standard port of the scheme', async () => {
      // Nobody listens there; the guard lets the call through to where it fails.
      stage.names.set('standard.example', ['127.0.0.1']);
      expect(outcomeOf(await listed('http://standard.example/', ['standard.example']))).not.to.equal('blocked');
      expect(outcomeOf(await listed('https://standard.example/', ['standard.example:443']))).not.to.equal('blocked');
      expect(outcomeOf(await listed('https://standard.example/', ['standard.example:80']))).to.equal('blocked');
      expect(outcomeOf(await listed('http://standard.example:443/', ['standard.example']))).to.equal('blocked');
    });

    it('private addresses are allowed at listed hosts only', async () => {
      stage.names.set('other.example', ['127.0.0.1']);
      const result = await listed(`http://other.example:${stage.port}/`, [own()]);
      expect(outcomeOf(result)).to.equal('blocked');
      expect(outcomeOf(await stage.client.request({ url: `http://${own()}/`, allowPrivate: true }))).to.equal(
        'blocked',
      );
    });
  });

  describe('addresses that are none for us', () => {
    const malformed = [
      '',
      'x',
      '/path',
      '//server.example/',
      'http://',
      'http://[::1',
      'http://a b/',
      'http://x:99999/',
    ];
    for (const url of malformed)
      it(`${JSON.stringify(url)} is malformed`, async () => {
        expect(outcomeOf(await stage.client.request({ url }))).to.equal('malformed');
      });
    const schemes = [
      'file:///etc/passwd',
      'ftp://server.example/',
      'data:text/plain,x',
      'javascript:1',
      'blob:http://server.example/x',
      'ws://server.example/',
      'gopher://server.example/',
      'unix:/var/run/x.sock',
      'about:blank',
    ];
    for (const url of schemes)
      it(`${url} is refused`, async () => {
        expect(outcomeOf(await stage.client.request({ url, allow: ['server.example'] }))).to.equal('blocked');
      });
    it('credentials in an address are refused', async () => {
      for (const credentials of ['user', 'user:pass', ':pass', '%00'])
        expect(
          outcomeOf(await stage.call('/', { url: `http://${credentials}@server.example:${stage.port}/` })),
        ).to.equal('blocked');
      expect(stage.seen).to.deep.equal([]);
    });
  });

  describe('what goes into a request', () => {
    const injected: readonly Readonly<Record<string, string>>[] = [
      { 'x-own': 'a\r\nhost: evil' },
      { 'x-own': 'a\nb' },
      { 'x-own': 'a\0' },
      { 'x-own\r\nhost': 'evil' },
      { 'x own': 'a' },
      { '': 'a' },
      { 'transfer-encoding': 'chunked' },
      { 'content-length': '999' },
    ];
    for (const headers of injected)
      it(`${JSON.stringify(headers)} is malformed, and nothing is sent`, async () => {
        expect(outcomeOf(await stage.call('/', { method: 'POST', body: 'abc', headers }))).to.equal('malformed');
        expect(stage.seen).to.deep.equal([]);
      });
    for (const method of ['CONNECT', 'GET\r\nx: y', 'get / HTTP/1.1', '', 'TRACE', 'OPTIONS', 'PROPFIND'])
      it(`the method ${JSON.stringify(method)} is malformed, and nothing is sent`, async () => {
        expect(outcomeOf(await stage.call('/', { method: method as 'GET' }))).to.equal('malformed');
        expect(stage.seen).to.deep.equal([]);
      });
    it('line breaks in an address do not reach the request', async () => {
      const result = await stage.call('/a\r\nx-evil: 1\r\n');
      expect(outcomeOf(result)).to.equal('200');
      expect(stage.seen[0]?.headers).not.to.have.property('x-evil');
    });
  });
});
