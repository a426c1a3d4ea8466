/** The server's own settings: environment variables over a server file over defaults. */
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ServerDocument } from './document.ts';
import { didYouMean, malformedJson, problem, type Problem } from './problem.ts';
import { validateDocument } from './validate.ts';

export interface ServerSettings {
  /** Folder of one tenant, or of a folder for each. */
  readonly config: string;
  readonly data: string;
  readonly databaseUrl?: string;
  readonly port: number;
  readonly host: string;
  /** Sandbox processes. */
  readonly workers: number;
  /** Proxies whose word for a caller's address is taken. */
  readonly trustProxy: readonly string[];
  /** How long audit events are kept. */
  readonly auditRetentionDays: number;
  readonly adminSecret?: string;
  readonly masterKey?: string;
}

const variables = [
  'SALLYPORT_CONFIG',
  'SALLYPORT_DATA',
  'SALLYPORT_WORKERS',
  'SALLYPORT_TRUST_PROXY',
  'SALLYPORT_AUDIT_RETENTION_DAYS',
  'SALLYPORT_ADMIN_SECRET',
  'SALLYPORT_MASTER_KEY',
];
/** What each variable says, by its name in the server file. */
const variableOf = {
  data: 'SALLYPORT_DATA',
  databaseUrl: 'DATABASE_URL',
  host: 'HOST',
  port: 'PORT',
  workers: 'SALLYPORT_WORKERS',
  trustProxy: 'SALLYPORT_TRUST_PROXY',
  auditRetentionDays: 'SALLYPORT_AUDIT_RETENTION_DAYS',
  adminSecret: 'SALLYPORT_ADMIN_SECRET',
  masterKey: 'SALLYPORT_MASTER_KEY',
} as const;
/** Days. What HIPAA asks of documentation (45 CFR 164.316(b)(2)(i)). */
const sixYears = 2_192;
const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const examples = resolve(import.meta.dirname, '../../scripts-examples');

/** Answers the settings, or every problem of the environment and the server file. */
export async function loadServerSettings(environment: Readonly<Record<string, string | undefined>>): Promise<
  | { readonly ok: true; readonly settings: ServerSettings }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      /** Where the tenants are nevertheless, so that their problems can be told in the same breath. */
      readonly config?: string;
    }
> {
  const problems: Problem[] = [];
  for (const name of Object.keys(environment)) {
    if (name.startsWith('SALLYPORT_') && !variables.includes(name)) {
      problems.push(
        problem(
          'unknown-variable',
          'the environment',
          '',
          `the unknown variable ${name}`,
          'a known one',
          didYouMean(name, variables) || variables.join(', '),
        ),
      );
    }
  }
  const path = resolve(environment['SALLYPORT_CONFIG'] || examples);
  const { document, folder, config, found } = await readServerFile(path, problems);
  const given = Object.entries(variableOf).filter(([, variable]) => environment[variable]);
  const values: ServerDocument = {
    ...document,
    ...Object.fromEntries(given.map(([name, variable]) => [name, read(name, environment[variable] ?? '')])),
  };
  for (const found of validateDocument('server', values, path)) {
    const [, variable] = given.find(([name]) => found.pointer === `/${name}`) ?? [];
    const { code, found: what, expected, hint } = found;
    problems.push(variable ? problem(code, `the variable ${variable}`, '', what, expected, hint) : found);
  }
  const level = environment['LOG_LEVEL'];
  if (level && !logLevels.includes(level))
    problems.push(
      problem(
        'log-level',
        'the variable LOG_LEVEL',
        '',
        `"${level}"`,
        `one of ${logLevels.join(', ')}`,
        didYouMean(level, logLevels),
      ),
    );
  const tenants = typeof values.tenants === 'string' ? resolve(folder, values.tenants) : config;
  if (problems.length > 0) return { ok: false, problems, ...(found ? { config: tenants } : {}) };
  return {
    ok: true,
    settings: {
      config: tenants,
      data: environment['SALLYPORT_DATA']
        ? resolve(environment['SALLYPORT_DATA'])
        : resolve(values.data ? folder : '.', values.data ?? 'data'),
      ...(values.databaseUrl ? { databaseUrl: values.databaseUrl } : {}),
      port: values.port ?? 9200,
      host: values.host ?? '127.0.0.1',
      workers: values.workers ?? 2,
      trustProxy: values.trustProxy ?? [],
      auditRetentionDays: values.auditRetentionDays ?? sixYears,
      ...(values.adminSecret ? { adminSecret: values.adminSecret } : {}),
      ...(values.masterKey ? { masterKey: values.masterKey } : {}),
    },
  };
}

/** Text that is no number is left to the schema, which says what is wrong with it. */
function read(name: string, text: string): string | number | readonly string[] {
  if (name === 'trustProxy') return text.split(',').map((address) => address.trim());
  return ['port', 'workers', 'auditRetentionDays'].includes(name) && /^\d{1,9}$/.test(text) ? Number(text) : text;
}

interface ServerFile {
  readonly document?: ServerDocument;
  readonly folder: string;
  readonly config: string;
  /** Whether there is anything to look for tenants in. */
  readonly found: boolean;
}

/** SALLYPORT_CONFIG names a server file, or a folder of tenants. */
async function readServerFile(path: string, problems: Problem[]): Promise<ServerFile> {
  const found = await stat(path).catch(() => undefined);
  if (!found)
    problems.push(
      problem('config-missing', path, '', 'nothing', 'a server file or a folder of tenants', 'set SALLYPORT_CONFIG'),
    );
  if (!found?.isFile()) return { folder: process.cwd(), config: path, found: found !== undefined };
  const folder = dirname(path);
  const config = join(folder, 'tenants');
  const text = await readFile(path, 'utf8');
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document === 'object' && document !== null && !Array.isArray(document))
      return { document: document as ServerDocument, folder, config, found: true };
    problems.push(problem('schema-type', path, '', 'something else', 'a JSON object'));
  } catch {
    problems.push(malformedJson(path, text));
  }
  return { folder, config, found: false };
}
