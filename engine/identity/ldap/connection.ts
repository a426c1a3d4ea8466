/** One connection to a directory, through `ldapts`. It lives once: the library's own way of connecting anew is shut. */
import type { Socket } from 'node:net';
import { Client, ResultCodeError } from 'ldapts';
import { type DirectoryAddress, DirectoryError, openSocket } from './socket.ts';

/** An entry with the values of its attributes, the names of these in lower case. */
export interface DirectoryEntry {
  readonly dn: string;
  values(attribute: string): readonly Buffer[];
}

export interface DirectoryConnection {
  readonly usable: boolean;
  /**
   * A simple bind (RFC 4513 section 5.1.3). An empty name or password would be an anonymous or unauthenticated one, which
   * succeeds for everybody (sections 5.1.1 and 5.1.2): such a bind is refused before it is sent.
   * @returns whether the directory takes the password.
   * @throws DirectoryError where it does not say.
   */
  bind(dn: string, password: string): Promise<boolean>;
  /** Entries below a base. References to other servers are not followed. @throws DirectoryError */
  search(query: DirectoryQuery): Promise<readonly DirectoryEntry[]>;
  close(): void;
}

export interface DirectoryQuery {
  readonly base: string;
  readonly scope: 'base' | 'one' | 'sub';
  readonly filter: string;
  readonly attributes: readonly string[];
  /** No more than these are wanted. */
  readonly most: number;
  /** Asked for in pages of this size (RFC 2696) where it is given. */
  readonly pageSize?: number;
}

/** Bytes that one answer may have. */
const longestAnswer = 8 * 1024 * 1024;

/** Results of a bind that are about the person: RFC 4511 appendix A, and what servers say of expired or locked accounts. */
const refusals: ReadonlySet<number> = new Set([
  19, // constraintViolation
  32, // noSuchObject
  34, // invalidDNSyntax
  48, // inappropriateAuthentication
  49, // invalidCredentials
  50, // insufficientAccessRights
  53, // unwillingToPerform
]);
const noSuchObject = 32;
const busy: ReadonlySet<number> = new Set([51, 52]);

/** @throws DirectoryError */
export async function openConnection(address: DirectoryAddress, milliseconds: number): Promise<DirectoryConnection> {
  const socket = await openSocket(address, milliseconds);
  // One that is kept for later does not keep the process from ending.
  socket.unref();
  let given = false;
  const client = new Client({
    // Only the socket counts: the address was used already.
    url: 'ldap://directory.invalid',
    timeout: milliseconds,
    createConnection: ((): Socket => {
      if (given) throw new Error('the connection is closed');
      given = true;
      return socket;
    }) as never,
  });
  let read = 0;
  const count = (chunk: Buffer | string) => {
    read += chunk.length;
    if (read > longestAnswer) socket.destroy(new Error('the answer is too long'));
  };

  async function ask<Value>(work: () => Promise<Value>): Promise<Value> {
    read = 0;
    try {
      const answer = work();
      if (socket.listenerCount('data') > 0 && !socket.listeners('data').includes(count)) socket.on('data', count);
      return await answer;
    } catch (error) {
      if (error instanceof ResultCodeError)
        throw new DirectoryError(busy.has(error.code) ? 'busy' : 'search', `the directory answers code ${error.code}`);
      socket.destroy();
      const timeout = error instanceof Error && /timed out/.test(error.message);
      throw new DirectoryError(timeout ? 'timeout' : 'unreachable', 'the directory does not answer');
    }
  }

  return {
    get usable() {
      return !socket.destroyed && socket.writable;
    },
    async bind(dn, password) {
      // The library takes the bare name of a SASL mechanism for a wish to use it.
      if (password === '' || !dn.includes('=')) return false;
      return ask(() =>
        client.bind(dn, password).then(
          () => true,
          (error: unknown) => {
            if (error instanceof ResultCodeError && refusals.has(error.code)) return false;
            throw error;
          },
        ),
      );
    },
    async search({ base, scope, filter, attributes, most, pageSize }) {
      const options = {
        scope,
        filter,
        attributes: [...attributes],
        explicitBufferAttributes: [],
        ...(pageSize === undefined ? { sizeLimit: most } : { paged: { pageSize } }),
      };
      return ask(async () => {
        const found: DirectoryEntry[] = [];
        try {
          if (pageSize === undefined) found.push(...(await client.search(base, options)).searchEntries.map(entryOf));
          else
            for await (const { searchEntries } of client.searchPaginated(base, options)) {
              found.push(...searchEntries.map(entryOf));
              if (found.length >= most) break;
            }
        } catch (error) {
          if (!(error instanceof ResultCodeError && error.code === noSuchObject)) throw error;
        }
        return found.slice(0, most);
      });
    },
    close() {
      client.unbind().catch(() => socket.destroy());
    },
  };
}

function entryOf(entry: { readonly dn: string } & Readonly<Record<string, unknown>>): DirectoryEntry {
  const { dn, ...attributes } = entry;
  const named = new Map(Object.entries(attributes).map(([name, value]) => [name.toLowerCase(), [value].flat()]));
  return {
    dn,
    values: (attribute) =>
      (named.get(attribute.toLowerCase()) ?? [])
        .map((value) => (Buffer.isBuffer(value) ? value : Buffer.from(String(value))))
        .filter(({ length }) => length > 0),
  };
}
