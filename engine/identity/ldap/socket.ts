/**
 * Connects to a directory, encrypted where its address asks for it. StartTLS (RFC 4511 section 4.14) is done here and not
 * by the library: it keeps bytes that came before the encryption and would read them together with those that come
 * under it, so that somebody in the middle could put the beginning of an answer in front of the real one.
 */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { BerReader } from 'ldapts';

export interface DirectoryAddress {
  readonly url: string;
  /** For `ldap:` addresses: whether the connection is encrypted before anything else is said. */
  readonly startTls: boolean;
  /** PEM of the authorities that are trusted in place of the system's. */
  readonly ca?: string;
}

export type DirectoryProblem =
  'unreachable' | 'timeout' | 'certificate' | 'starttls' | 'service-account' | 'busy' | 'search' | 'entry';

/** The directory cannot be asked, or its answer cannot be used. */
export class DirectoryError extends Error {
  readonly problem: DirectoryProblem;
  constructor(problem: DirectoryProblem, message: string) {
    super(message);
    this.problem = problem;
  }
}

const startTlsRequest = Buffer.concat([
  // Message 1, ExtendedRequest, requestName.
  Buffer.from([0x30, 0x1d, 0x02, 0x01, 0x01, 0x77, 0x18, 0x80, 0x16]),
  Buffer.from('1.3.6.1.4.1.1466.20037'),
]);
const extendedResponse = 0x78;
/** Bytes. An answer to StartTLS is some twenty of them. */
const longestStartTlsAnswer = 2048;

/**
 * @returns a connected socket on which nothing was said yet, within TLS where the address asks for it.
 * @throws DirectoryError where that does not succeed within the time.
 */
export async function openSocket(address: DirectoryAddress, milliseconds: number): Promise<Socket> {
  const { protocol, hostname, port } = new URL(address.url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const encrypted = protocol === 'ldaps:';
  const tls: ConnectionOptions = {
    host,
    // A name for SNI must not be an address (RFC 6066 section 3); the certificate is compared with the host either way.
    ...(isIP(host) ? {} : { servername: host }),
    minVersion: 'TLSv1.2',
    // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
    rejectUnauthorized: true,
    ...(address.ca === undefined ? {} : { ca: address.ca }),
  };
  const raw = connect({ host, port: Number(port) || (encrypted ? 636 : 389), keepAlive: true, noDelay: true });
  const deadline = setTimeout(
    () => raw.destroy(new DirectoryError('timeout', 'the directory does not answer')),
    milliseconds,
  );
  let socket: Socket = raw;
  try {
    await settled(raw, 'connect');
    if (!encrypted && address.startTls) await askForTls(raw);
    if (encrypted || address.startTls) {
      const secure = connectTls({ ...tls, socket: raw });
      // An error of the one below reaches the one above as its own.
      raw.on('error', (error) => secure.destroy(error));
      socket = secure;
      await settled(secure, 'secureConnect');
    }
    return socket;
  } catch (error) {
    socket.destroy();
    raw.destroy();
    throw problemOf(error);
  } finally {
    clearTimeout(deadline);
  }
}

function settled(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = () => reject(new DirectoryError('unreachable', 'the directory closed the connection'));
    socket.once(event, () => {
      socket.off('error', reject).off('close', closed);
      resolve();
    });
    socket.once('error', reject).once('close', closed);
  });
}

/** Asks for StartTLS. More than the one answer in plain text is refused. */
function askForTls(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0);
    const refuse = (message: string) => reject(new DirectoryError('starttls', message));
    const closed = () => refuse('the directory closed the connection instead of encrypting it');
    const read = (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      if (seen.length > longestStartTlsAnswer) return refuse('the answer to StartTLS is too long');
      const reader = new BerReader(seen);
      if (seen[0] !== 0x30) return refuse('the answer to StartTLS is not LDAP');
      if (reader.readSequence() === null || reader.remain < reader.length) return;
      if (reader.remain > reader.length) return refuse('the directory said more than the answer to StartTLS');
      if (reader.readInt() !== 1 || reader.readSequence() !== extendedResponse || reader.readEnumeration() !== 0)
        return refuse('the directory refuses StartTLS');
      socket.pause();
      socket.off('data', read).off('error', reject).off('close', closed);
      resolve();
    };
    socket.on('data', read).once('error', reject).once('close', closed);
    socket.write(startTlsRequest);
  });
}

function problemOf(error: unknown): DirectoryError {
  if (error instanceof DirectoryError) return error;
  const { code = '', message } = error as { readonly code?: string; readonly message: string };
  const tls = /CERT|ALTNAME|SIGNATURE|SSL|TLS|SELF_SIGNED|UNABLE_TO_|EPROTO/.test(code);
  return new DirectoryError(tls ? 'certificate' : 'unreachable', `${code} ${message}`.trim());
}
