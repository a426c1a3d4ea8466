/** A mail server that keeps what it is given, and refuses it where a test wants that. */
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export interface Received {
  readonly to: readonly string[];
  readonly from: string;
  readonly raw: string;
  readonly user: string | undefined;
  readonly secure: boolean;
}

export type MailServer = Awaited<ReturnType<typeof startMailServer>>;

export async function startMailServer() {
  const mails: Received[] = [];
  const state = { refuse: false };
  const server = new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    onAuth: (auth, _session, done) =>
      auth.password === 'the-mail-secret'
        ? done(undefined, { user: auth.username ?? '' })
        : done(new Error('wrong password')),
    onRcptTo: (_address, _session, done) => (state.refuse ? done(new Error('no such mailbox')) : done()),
    onData(stream, session, done) {
      let raw = '';
      stream.on('data', (chunk: Buffer) => (raw += chunk.toString()));
      stream.on('end', () => {
        const { rcptTo, mailFrom } = session.envelope;
        mails.push({
          to: rcptTo.map(({ address }) => address),
          from: mailFrom === false ? '' : mailFrom.address,
          raw: raw.replace(/=\r\n/g, '').replace(/=3D/g, '='),
          user: session.user,
          secure: session.secure,
        });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    mails,
    state,
    port: (server.server.address() as AddressInfo).port,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
