/** A connection to a directory is encrypted and with the right one, or there is none. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { openConnection } from '../../engine/identity/ldap/connection.ts';
import { createPool } from '../../engine/identity/ldap/pool.ts';
import { DirectoryError } from '../../engine/identity/ldap/socket.ts';
import {
  personEntry,
  serviceDn,
  servicePassword,
  startDirectory,
  suffix,
  type TestDirectory,
} from '../support/directory.ts';

const dn = `uid=anna,ou=people,${suffix}`;
const problemOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: unknown) => (error instanceof DirectoryError ? error.problem : String(error)),
  );
/** An ExtendedResponse to message 1 with a result code. */
const answerTo = (code: number, id = 1) =>
  Buffer.from([0x30, 0x0c, 0x02, 0x01, id, 0x78, 0x07, 0x0a, 0x01, code, 0x04, 0x00, 0x04, 0x00]);
/** A BindResponse that says yes, to whatever message comes next. */
const bindAccepted = Buffer.from([0x30, 0x0c, 0x02, 0x01, 2, 0x61, 0x07, 0x0a, 0x01, 0, 0x04, 0x00, 0x04, 0x00]);

describe('a connection to a directory', function () {
  this.timeout(60_000);
  let directory: TestDirectory;
  const servers: Server[] = [];
  before(async () => {
    directory = await startDirectory(personEntry('anna', 'anna secret'));
  });
  after(async () => {
    for (const server of servers) server.close();
    await directory?.close();
  });

  /** Something on a port that is no directory, or not a good one. */
  async function fake(serve: (socket: Socket) => void): Promise<string> {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      serve(socket);
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `ldap://localhost:${(server.address() as AddressInfo).port}`;
  }
  const ways = () => [
    { url: directory.url, startTls: true, ca: directory.ca },
    { url: directory.secureUrl, startTls: true, ca: directory.ca },
  ];

  it('checks passwords by StartTLS and by LDAPS', async () => {
    for (const way of ways()) {
      const connection = await openConnection(way, 3000);
      expect(await connection.bind(dn, 'anna secret')).to.equal(true);
      expect(await connection.bind(dn, 'wrong')).to.equal(false);
      connection.close();
    }
  });

  it('sends no bind without a password or a name, nor one by SASL (RFC 4513)', async () => {
    const [way] = ways();
    if (!way) return;
    const connection = await openConnection(way, 3000);
    for (const [name, password] of [
      [dn, ''],
      ['', 'x'],
      ['', ''],
      ['EXTERNAL', 'x'],
      ['PLAIN', 'x'],
    ] as const)
      expect(await connection.bind(name, password), `${name} ${password}`).to.equal(false);
    connection.close();
  });

  it('refuses a certificate of an unknown authority, and one for another name', async () => {
    for (const { ca: _ca, ...way } of ways())
      expect(await problemOf(openConnection(way, 3000))).to.equal('certificate');
    for (const way of ways()) {
      const elsewhere = { ...way, url: way.url.replace('localhost', '127.0.0.1') };
      expect(await problemOf(openConnection(elsewhere, 3000))).to.equal('certificate');
    }
  });

  const cheats: readonly (readonly [string, string, (socket: Socket) => void])[] = [
    ['refuses StartTLS', 'starttls', (socket) => socket.once('data', () => socket.write(answerTo(2)))],
    ['answers another message', 'starttls', (socket) => socket.once('data', () => socket.write(answerTo(0, 7)))],
    ['hangs up', 'starttls', (socket) => socket.once('data', () => socket.end())],
    [
      'speaks no LDAP',
      'starttls',
      (socket) => socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')),
    ],
    ['says nothing', 'timeout', () => undefined],
    [
      'says yes to a bind before the encryption',
      'starttls',
      (socket) => socket.once('data', () => socket.write(Buffer.concat([answerTo(0), bindAccepted]))),
    ],
    [
      'begins an answer before the encryption',
      'starttls',
      (socket) => socket.once('data', () => socket.write(Buffer.concat([answerTo(0), Buffer.from([0x30, 0x84])]))),
    ],
    [
      'goes on in plain text',
      'certificate',
      (socket) =>
        socket.once('data', () => {
          socket.write(answerTo(0));
          socket.once('data', () => socket.write(bindAccepted));
        }),
    ],
  ];
  for (const [what, problem, serve] of cheats)
    it(`is none where the other side ${what}`, async () => {
      const url = await fake(serve);
      expect(await problemOf(openConnection({ url, startTls: true }, 300))).to.equal(problem);
    });

  it('reads an answer to StartTLS that comes in pieces', async () => {
    const url = await fake((socket) =>
      socket.once('data', () => {
        const answer = answerTo(2);
        socket.setNoDelay(true);
        for (const byte of answer) socket.write(Buffer.from([byte]));
      }),
    );
    expect(await problemOf(openConnection({ url, startTls: true }, 1000))).to.equal('starttls');
  });

  it('ends with an answer that does not come, and is never opened anew by itself', async () => {
    let connections = 0;
    const url = await fake(() => (connections += 1));
    const connection = await openConnection({ url, startTls: false }, 200);
    expect(await problemOf(connection.bind(dn, 'anna secret'))).to.equal('timeout');
    expect(connection.usable).to.equal(false);
    expect(await problemOf(connection.bind(dn, 'anna secret'))).to.equal('unreachable');
    expect(connections).to.equal(1);
  });

  const bindAnswer = (code: number) =>
    Buffer.from([0x30, 0x0c, 0x02, 0x01, 2, 0x61, 0x07, 0x0a, 0x01, code, 0x04, 0x00, 0x04, 0x00]);
  const codes: readonly (readonly [number, string])[] = [
    [10, 'search'], // referral
    [8, 'search'], // strongerAuthRequired
    [13, 'search'], // confidentialityRequired
    [51, 'busy'],
    [52, 'busy'],
    [80, 'search'],
    [53, 'none'], // unwillingToPerform: the account is disabled
    [19, 'none'], // constraintViolation: the account is locked
    [49, 'none'],
  ];
  for (const [code, problem] of codes)
    it(`takes result ${code} of a bind for ${problem === 'none' ? 'a refusal' : 'no answer'}`, async () => {
      const url = await fake((socket) => socket.once('data', () => socket.write(bindAnswer(code))));
      const connection = await openConnection({ url, startTls: false }, 1000);
      const answer = connection.bind(dn, 'anna secret');
      if (problem === 'none') expect(await answer).to.equal(false);
      else expect(await problemOf(answer)).to.equal(problem);
      connection.close();
    });

  it('of the service account is lent again, and made anew where the directory closed it', async () => {
    let opened = 0;
    const pool = createPool(async () => {
      opened += 1;
      const connection = await openConnection({ url: directory.url, startTls: true, ca: directory.ca }, 3000);
      await connection.bind(serviceDn, servicePassword);
      return connection;
    });
    const look = () =>
      pool.use((connection) =>
        connection.search({ base: suffix, scope: 'sub', filter: '(uid=anna)', attributes: ['uid'], most: 2 }),
      );
    for (let count = 0; count < 3; count += 1) expect(await look()).to.have.length(1);
    expect(opened).to.equal(1);
    await Promise.all(Array.from({ length: 30 }, look));
    expect(opened).to.be.below(10);
    await directory.stop();
    expect(await problemOf(look())).to.equal('unreachable');
    await directory.start();
    expect(await look()).to.have.length(1);
  });
});
