/** The server's own settings: environment variables over a server file over defaults. */
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ServerDocument } from './document.ts';
import { didYouMean, problem, type Problem } from './problem.ts';
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
  readonly adminSecret?: string;
  readonly masterKey?: string;
}

const variables = [
  'SALLYPORT_CONFIG',
  'SALLYPORT_DATA',
  'SALLYPORT_WORKERS',
  'SALLYPORT_ADMIN_SECRET',
  'SALLYPORT_MASTER_KEY',
];
const examples = resolve(import.meta.dirname, '../../scripts-examples');

/** Answers the settings, or every problem of the environment and the server file. */
export async function loadServerSettings(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<
  | { readonly ok: true; readonly settings: ServerSettings }
  | { readonly ok: false; readonly problems: readonly Problem[] }
> {
  const problems: Problem[] = [];
  for (const name of Object.keys(environment)) {
    if (name.startsWith('SALLYPORT_') && !variables.includes(name)) {
      problems.push(
        problem(
          'unknown-variable',
          'environment',
          '',
          `the unknown variable ${name}`,
          'a known one',
          didYouMean(name, variables) || variables.join(', '),
        ),
      );
    }
  }
  const path = resolve(environment['SALLYPORT_CONFIG'] || examples);
  const { document, folder, config } = await readServerFile(path, problems);
  const values: ServerDocument = {
    ...document,
    ...(environment['SALLYPORT_DATA'] ? { data: environment['SALLYPORT_DATA'] } : {}),
    ...(environment['DATABASE_URL'] ? { databaseUrl: environment['DATABASE_URL'] } : {}),
    ...(environment['HOST'] ? { host: environment['HOST'] } : {}),
    ...(environment['SALLYPORT_ADMIN_SECRET'] ? { adminSecret: environment['SALLYPORT_ADMIN_SECRET'] } : {}),
    ...(environment['SALLYPORT_MASTER_KEY'] ? { masterKey: environment['SALLYPORT_MASTER_KEY'] } : {}),
    ...wholeNumber('port', environment['PORT']),
    ...wholeNumber('workers', environment['SALLYPORT_WORKERS']),
  };
  problems.push(...validateDocument('server', values, document ? path : 'environment'));
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    settings: {
      config: values.tenants ? resolve(folder, values.tenants) : config,
      data: environment['SALLYPORT_DATA']
        ? resolve(environment['SALLYPORT_DATA'])
        : resolve(values.data ? folder : '.', values.data ?? 'data'),
      ...(values.databaseUrl ? { databaseUrl: values.databaseUrl } : {}),
      port: values.port ?? 9200,
      host: values.host ?? '127.0.0.1',
      workers: values.workers ?? 2,
      ...(values.adminSecret ? { adminSecret: values.adminSecret } : {}),
      ...(values.masterKey ? { masterKey: values.masterKey } : {}),
    },
  };
}

/** Text that is no number is left to the schema, which says what is wrong with it. */
function wholeNumber(name: string, text: string | undefined): object {
  if (!text) return {};
  return { [name]: /^\d{1,9}$/.test(text) ? Number(text) : text };
}

/** SALLYPORT_CONFIG names a server file, or a folder of tenants. */
async function readServerFile(
  path: string,
  problems: Problem[],
): Promise<{ document?: ServerDocument; folder: string; config: string }> {
  const found = await stat(path).catch(() => undefined);
  if (!found)
    problems.push(
      problem('config-missing', path, '', 'nothing', 'a server file or a folder of tenants', 'set SALLYPORT_CONFIG'),
    );
  if (!found?.isFile()) return { folder: process.cwd(), config: path };
  const folder = dirname(path);
  try {
    return {
      document: JSON.parse(await readFile(path, 'utf8')) as ServerDocument,
      folder,
      config: join(folder, 'tenants'),
    };
  } catch {
    problems.push(problem('json', path, '', 'malformed JSON', 'JSON'));
    return { folder, config: folder };
  }
}
