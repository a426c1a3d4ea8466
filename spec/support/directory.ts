/** A real OpenLDAP server of a test's own on loopback, with certificates of an authority of its own. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './server.ts';

const run = promisify(execFile);
export const suffix = 'dc=clinic,dc=example';
export const servicePassword = 'the service secret';
export const serviceDn = `cn=sallyport,${suffix}`;

export interface TestDirectory {
  /** Plain and StartTLS. */
  readonly url: string;
  readonly secureUrl: string;
  readonly folder: string;
  /** PEM of the authority that signed its certificate, which is for `localhost` alone. */
  readonly ca: string;
  readonly port: number;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Changes entries as the administrator. */
  modify(ldif: string): Promise<void>;
  close(): Promise<void>;
}

/** Loads entries into a directory's database, and serves it in the foreground on a plain port of loopback. */
export async function serveDirectory(
  configurationFile: string,
  entriesFile: string,
  port: number,
): Promise<ChildProcess> {
  const at = ['-f', configurationFile];
  await run('/usr/sbin/slapadd', [...at, '-q', '-l', entriesFile]);
  const child = spawn('/usr/sbin/slapd', [...at, '-h', `ldap://127.0.0.1:${port}`, '-d', '0'], { stdio: 'ignore' });
  await answering(port, child);
  return child;
}

/** A certificate authority and a certificate of it for a name. */
export async function makeCertificates(folder: string, name = 'localhost'): Promise<void> {
  const openssl = (...arguments_: string[]) => run('openssl', arguments_, { cwd: folder });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test CA');
  await openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', `/CN=${name}`);
  await writeFile(join(folder, 'names.cnf'), `subjectAltName=DNS:${name}\n`);
  const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names.cnf', '-days', '2'];
  await openssl('x509', '-req', '-in', 'server.csr', '-out', 'server.pem', ...signing);
}

function configuration(folder: string): string {
  return `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile ${folder}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile ${folder}/ca.pem
TLSCertificateFile ${folder}/server.pem
TLSCertificateKeyFile ${folder}/server.key
# Searches that are not paged end here.
sizelimit size.soft=20 size.hard=20 size.pr=unlimited size.prtotal=unlimited
database mdb
suffix "${suffix}"
rootdn "cn=admin,${suffix}"
rootpw admin
directory ${folder}/data
dbnosync
maxsize 16777216
access to attrs=userPassword by anonymous auth by * none
access to dn.base="uid=blind,ou=people,${suffix}" by * none
access to * by users read by anonymous none
`;
}

/**
 * @param entries LDIF below the suffix; it, `ou=people`, `ou=groups` and the service account are there already.
 * @param names whom the certificate is for.
 */
export async function startDirectory(entries: string, names?: string): Promise<TestDirectory> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-directory-'));
  await chmod(folder, 0o700);
  await mkdir(join(folder, 'data'));
  await makeCertificates(folder, names);
  await writeFile(join(folder, 'slapd.conf'), configuration(folder));
  await writeFile(
    join(folder, 'entries.ldif'),
    `dn: ${suffix}
objectClass: dcObject
objectClass: organization
dc: clinic
o: Clinic

dn: ou=people,${suffix}
objectClass: organizationalUnit
ou: people

dn: ou=groups,${suffix}
objectClass: organizationalUnit
ou: groups

dn: ${serviceDn}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: sallyport
userPassword: ${servicePassword}

${entries}`,
  );
  const at = ['-f', join(folder, 'slapd.conf')];
  await run('/usr/sbin/slapadd', [...at, '-q', '-l', join(folder, 'entries.ldif')]);
  const [port, securePort] = [await freePort(), await freePort()];
  const addresses = `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${securePort}`;
  let child: ChildProcess | undefined;
  const directory: TestDirectory = {
    url: `ldap://localhost:${port}`,
    secureUrl: `ldaps://localhost:${securePort}`,
    folder,
    ca: await readFile(join(folder, 'ca.pem'), 'utf8'),
    port,
    async start() {
      // With a level of debugging it stays in the foreground.
      const started = spawn('/usr/sbin/slapd', [...at, '-h', addresses, '-d', '0'], { stdio: 'ignore' });
      child = started;
      await answering(port, started);
    },
    async stop() {
      const gone = new Promise((resolve) => child?.once('exit', resolve));
      if (!child || child.exitCode !== null) return;
      child.kill('SIGINT');
      await gone;
    },
    async modify(ldif) {
      const file = join(folder, 'change.ldif');
      await writeFile(file, ldif);
      const who = ['-x', '-H', `ldap://127.0.0.1:${port}`, '-D', `cn=admin,${suffix}`, '-w', 'admin'];
      await run('ldapmodify', [...who, '-f', file]);
    },
    async close() {
      await directory.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await directory.start();
  return directory;
}

async function answering(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`slapd ended with ${child.exitCode}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1' }, () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('slapd does not answer');
}

/** LDIF of somebody below `ou=people`. */
export function personEntry(uid: string, password: string, more = ''): string {
  return `dn: uid=${uid},ou=people,${suffix}
objectClass: inetOrgPerson
uid: ${uid}
cn: ${uid}
sn: Surname of ${uid}
givenName: ${uid[0]?.toUpperCase()}${uid.slice(1)}
mail: ${uid}@clinic.example
userPassword: ${password}
${more}
`;
}

/** LDIF of a group below `ou=groups`. */
export function groupEntry(cn: string, ...members: readonly string[]): string {
  return `dn: cn=${cn},ou=groups,${suffix}
objectClass: groupOfNames
cn: ${cn}
${members.map((member) => `member: ${member}`).join('\n')}

`;
}
