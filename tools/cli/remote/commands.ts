/** The commands that work on a running server: one for each command of the admin API's routes. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Route, RouteCommand } from '../../../engine/admin/route.ts';
import { routes } from '../../../engine/admin/routes.ts';
import { type BodyOptions, bodyOf, askedMembers, UsageError } from './body.ts';
import { printAnswer, printProblem } from './print.ts';
import { readScript } from './script-files.ts';
import { askSecret } from './secret-prompt.ts';

interface Options extends BodyOptions {
  readonly server: string;
  readonly secretFile: string;
  readonly tenant?: string;
  readonly raw?: boolean;
  readonly ask?: readonly string[];
  readonly script?: string;
  readonly [query: string]: unknown;
}

const groups: Readonly<Record<string, string>> = {
  client: 'the apps of a tenant and their secrets',
  user: 'the people of a tenant, what they allowed, and where they are logged in',
  registration: 'the accounts that people asked for and an administrator approves',
  provider: 'the foreign providers people log in with',
  keys: 'the signing keys of a tenant',
  launch: 'launch handles for an EHR launch',
  script: 'the versions of the scripts: upload, try, activate, go back',
  audit: 'the audit trail',
  trace: 'the traces of flows',
  admin: 'tenants and the tokens of the admin API',
};

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Adds the commands to the program; each one ends the process with its exit code. */
/** Whether a command of this name is one of the admin API's. */
export function isRemote(name: string): boolean {
  return routes.some(({ commands }) => commands.some((command) => command.name.split(' ')[0] === name));
}

export function addRemoteCommands(program: Command, write: (line: string) => void): void {
  const parents = new Map<string, Command>();
  for (const route of routes) {
    for (const command of route.commands) {
      const [group = '', name = ''] = command.name.split(' ');
      const parent = parents.get(group) ?? program.command(group).description(groups[group] ?? group);
      parents.set(group, parent);
      parent.addCommand(make(route, command, name, write));
    }
  }
}

function argumentsOf(route: Route): readonly string[] {
  return [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name).filter((name) => name !== 'tenant');
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function make(
  route: Route,
  { body, summary, script, problemsIn }: RouteCommand,
  name: string,
  write: (line: string) => void,
): Command {
  const command = new Command(name).description(summary ?? route.summary);
  const names = argumentsOf(route);
  for (const argument of names) command.argument(`<${kebab(argument)}>`);
  if (names.length > 0) command.showHelpAfterError('(an id that begins with - goes behind --, after all options)');
  if (!('serverWide' in route)) command.option('-t, --tenant <id>', 'the tenant; the only one where left out');
  for (const [query, schema] of Object.entries(route.query ?? {}))
    command.option(`--${kebab(query)} <value>`, String(schema['description']));
  if (route.body && !body) {
    command
      .option('--set <member=value>', 'sets one member; may be repeated', collect)
      .option('--json <text>', 'the body as JSON')
      .option('--file <file>', 'a file with the body as JSON; - reads it from the standard input');
    const secrets = askedMembers(route.body).join(' or ');
    if (secrets !== '')
      command.option('--ask <member>', `asks for ${secrets}; piped in, it is the first line`, collect);
  }
  if (script)
    command.requiredOption('--script <file>', 'the script file that holds the hooks; what it imports comes with it');
  command
    .option('--server <url>', 'the server', `http://localhost:${process.env['PORT'] || 9200}`)
    .option(
      '--secret-file <file>',
      "a file with the administrator's secret or token, unless SALLYPORT_ADMIN_SECRET holds it",
      join(process.env['SALLYPORT_DATA'] || 'data', 'admin-secret'),
    )
    .option('--raw', 'print the answer as JSON');
  command.action(async (...given: unknown[]) => {
    const values = given.slice(0, names.length) as readonly string[];
    process.exit(await run(route, values, given[names.length] as Options, { body, problemsIn }, write));
  });
  return command;
}

/** What the server refused before the call itself was made. */
class RefusedError extends Error {
  readonly body: unknown;

  constructor(body: unknown) {
    super('refused');
    this.body = body;
  }
}

/** @returns the exit code: 0 done, 1 refused or done with problems, 2 wrong use or no server. */
async function run(
  route: Route,
  values: readonly string[],
  options: Options,
  { body: fixed, problemsIn }: Pick<RouteCommand, 'body' | 'problemsIn'>,
  write: (line: string) => void,
): Promise<number> {
  try {
    const secret = (process.env['SALLYPORT_ADMIN_SECRET'] || (await readSecret(options.secretFile))).trim();
    if (!/^[\x21-\x7e]+$/.test(secret))
      throw new UsageError("The administrator's secret is empty or holds characters that no secret has.");
    const call = caller(options.server, secret);
    const tenant = 'serverWide' in route ? '' : (options.tenant ?? (await onlyTenant(call)));
    const named = argumentsOf(route);
    const path = route.path
      .replace('{tenant}', encodeURIComponent(tenant))
      .replace(/\{(\w+)\}/g, (_match, name: string) => encodeURIComponent(values[named.indexOf(name)] ?? ''));
    const query = new URLSearchParams();
    for (const name of Object.keys(route.query ?? {})) {
      const value = options[name];
      if (typeof value === 'string') query.set(name, value);
    }
    const script = options.script === undefined ? {} : await readScript(options.script, values[0] ?? '');
    const body =
      fixed ??
      (route.body && (await withSecrets({ ...(await bodyOf(options, route.body)), ...script }, route, options.ask)));
    const answer = await call(route.method, `${path}${query.size > 0 ? `?${query}` : ''}`, body);
    if (!answer.ok) {
      printProblem(answer.body, write);
      return 1;
    }
    printAnswer(answer.body, options.raw ? undefined : route.columns, write);
    const problems = problemsIn === undefined ? [] : (answer.body as Record<string, unknown>)[problemsIn];
    return Array.isArray(problems) && problems.length > 0 ? 1 : 0;
  } catch (error) {
    if (error instanceof RefusedError) {
      printProblem(error.body, write);
      return 1;
    }
    if (!(error instanceof UsageError)) throw error;
    write(error.message);
    return 2;
  }
}

async function readSecret(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => {
    throw new UsageError(
      `The administrator's secret is not in ${file}. Set SALLYPORT_ADMIN_SECRET, or name the file with --secret-file.`,
    );
  });
}

/** Asks for the secrets that the call needs and for those the person wants to give, so that no history holds them. */
async function withSecrets(
  body: Record<string, unknown>,
  { body: schema }: Route,
  wanted: readonly string[] = [],
): Promise<Record<string, unknown>> {
  const secrets = askedMembers(schema);
  const unknown = wanted.find((name) => !secrets.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`--ask takes ${secrets.join(' or ')}, not ${JSON.stringify(unknown)}.`);
  const required = (schema?.['required'] ?? []) as readonly string[];
  const result = { ...body };
  for (const name of secrets)
    if (result[name] === undefined && (required.includes(name) || wanted.includes(name)))
      result[name] = await askSecret(name);
  return result;
}

type Call = (method: string, path: string, body?: object) => Promise<{ readonly ok: boolean; readonly body: unknown }>;

function caller(server: string, secret: string): Call {
  return async (method, path, body) => {
    const answer = await fetch(`${server.replace(/\/$/, '')}/admin/api${path}`, {
      method,
      redirect: 'error',
      headers: { authorization: `Bearer ${secret}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    }).catch(() => {
      throw new UsageError(`No server answers at ${server}. Start it with npm start, or name it with --server.`);
    });
    const text = await answer.text();
    try {
      return { ok: answer.ok, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
    } catch {
      throw new UsageError(`What answers at ${server} is no Sallyport server.`);
    }
  };
}

async function onlyTenant(call: Call): Promise<string> {
  const answer = await call('GET', '/tenants');
  if (!answer.ok) throw new RefusedError(answer.body);
  const items = (answer.body as { readonly items?: readonly { readonly id: string }[] } | undefined)?.items ?? [];
  const [only] = items;
  if (only && items.length === 1) return only.id;
  const names = items.map(({ id }) => id).join(', ');
  throw new UsageError(`Name the tenant with --tenant${names ? `: ${names}` : ''}.`);
}
