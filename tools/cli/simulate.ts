/** `sallyport simulate`: a whole flow, or one callback, of a tenant's files, without server, browser or app. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import type { OutboundClient } from '../../engine/outbound/client.ts';
import { createOutboundClient } from '../../engine/outbound/guarded-client.ts';
import { createScriptRunner } from '../../engine/script/pool.ts';
import { caseOf } from '../../engine/simulator/case.ts';
import { readPlan } from '../../engine/simulator/plan.ts';
import type { SimulatedRun } from '../../engine/simulator/run.ts';
import type { ScriptRunner } from '../../engine/script/runner.ts';
import { createSimulator, type Simulator } from '../../engine/simulator/simulator.ts';
import type { Problem } from '../../engine/tenant/problem.ts';
import type { Tenant } from '../../engine/tenant/tenant.ts';
import { loadWithMadeUpSecrets, loadWithRealSecrets } from './made-up.ts';
import { askPlan } from './simulate/ask.ts';
import { givenBy, type GivenOptions } from './simulate/given.ts';
import { type HookOptions, hookRunLines, runHook } from './simulate/hook.ts';
import { paint } from './simulate/paint.ts';
import { runLines } from './simulate/print.ts';
import { watchForEver } from './watch.ts';

interface Options extends GivenOptions, Partial<HookOptions> {
  readonly tenant?: string;
  readonly all?: boolean;
  readonly json?: boolean;
  readonly watch?: boolean;
  readonly record?: boolean;
  readonly save?: string;
  readonly pages?: string;
  readonly inspect?: boolean;
  readonly inspectPort?: string;
}

type Write = (line: string) => void;

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** @param end is given the exit code. */
export function addSimulateCommand(program: Command, write: Write, end: (code: number) => void = process.exit): void {
  program
    .command('simulate')
    .argument('<folder>', "a tenant's folder, or a folder of them")
    .description('run a whole flow, or one callback, and see everything that happens in it')
    .option('--tenant <id>', 'which tenant of a folder of several')
    .option('--flow <flow>', 'interactive, federated, client-credentials, backend-services or codap')
    .option('--client <id>', 'the app; the first that may use the flow unless given')
    .option('--user <name>', 'the person; the first one unless given')
    .option('--provider <id>', 'the provider of a federated log-in')
    .option('--subject <sub>', 'whom the provider says the person is')
    .option('--claims <json>', 'what the provider says of the person; with CODAP the claims of the authorization token')
    .option('--scope <scopes>', 'the scopes the app asks for')
    .option('--launch <context>', 'an EHR launch: context such as patient=jane (may be repeated), or a handle', collect)
    .option('--request <name=value>', 'a parameter of the first request; no value leaves it out', collect)
    .option('--decide <state=word>', 'what the person does, such as consent=decline', collect)
    .option('--wrong-credentials', "the app's secret or signature is wrong")
    .option('--now <instant>', 'where the clock stands')
    .option('--given <file>', 'a JSON file with all of these as a case says them, and what HTTP and FHIR answer')
    .option('--hook <name>', 'run one callback alone')
    .option('--slot <slot>', 'with --hook: whose script')
    .option('--input <file>', 'with --hook: what it is given, laid over a plain input; or a case of it')
    .option('--all', 'show what every state changes, not the callbacks alone')
    .option('--json', 'write the whole run as JSON')
    .option('--pages <folder>', 'write the pages that the person sees as HTML')
    .option(
      '--record',
      'really make the requests that nothing in the plan answers; with --save the case keeps the answers',
    )
    .option('--save <file>', 'write the run as a case for `sallyport test`')
    .option('--watch', 'run again whenever a file changes')
    .option('--inspect', 'wait for Chrome DevTools or VS Code, stop at the first statement, without limits of time')
    .option('--inspect-port <port>', 'with --inspect: the port, 9229 unless given')
    .action(async (folder: string, options: Options) => end(await simulate(folder, options, write)));
}

/** @returns the exit code: 0 when the flow ended well, 1 when it did not, 2 for a wrong use. */
export async function simulate(folder: string, options: Options, write: Write): Promise<number> {
  if (!(await stat(folder).catch(() => undefined))) {
    write(`There is no file or folder ${folder}.`);
    return 2;
  }
  const read = await givenBy(options);
  if (!read.ok) {
    write(read.why);
    return 2;
  }
  let { given } = read;
  if (mayAsk(options)) {
    const { tenants } = await loadWithMadeUpSecrets(folder);
    const tenant = tenants.find(({ id }) => id === (options.tenant ?? tenants[0]?.id));
    if (tenant) given = await askPlan(tenant, write);
  }
  const inspecting = await inspect(folder, options, write);
  if (typeof inspecting === 'string') {
    write(inspecting);
    return 2;
  }
  const outbound = createOutboundClient();
  const runner = createScriptRunner({
    outbound,
    trialsOnly: true,
    ...(inspecting ? { inspector: inspecting.port } : {}),
  });
  const outside = options.record ? outbound : undefined;
  const once =
    options.hook === undefined
      ? flowRunner(given, options, runner, outside, write)
      : hookRunner(options.hook, options, runner, outside, write);
  const again = async () => {
    const tenant = await tenantOf(folder, options, write);
    if (typeof tenant === 'number') return tenant;
    inspecting?.show(tenant);
    return once.run(tenant);
  };
  try {
    const code = await again();
    if (!options.watch) return code;
    await watchForEver([folder], again, write);
    return code;
  } finally {
    await once.close();
    await runner.close();
    await outbound.close();
    await inspecting?.close();
  }
}

/** Read where it is asked for alone; JSON for programs stays nothing but that. */
async function inspect(folder: string, { inspect: asked, inspectPort, json }: Options, write: Write) {
  if (!asked && inspectPort === undefined) return undefined;
  const { startInspecting } = await import('./simulate/inspect/start.ts');
  const tell = json ? (line: string) => void process.stderr.write(`${line}\n`) : write;
  return startInspecting(inspectPort, `sallyport simulate ${basename(resolve(folder))}`, tell);
}

/** Where nothing is said on a terminal, everything is asked. */
function mayAsk(options: Options): boolean {
  const said = Object.keys(options).some(
    (name) => !['tenant', 'all', 'watch', 'pages', 'save', 'record', 'inspect', 'inspectPort'].includes(name),
  );
  return !said && process.stdin.isTTY && process.stdout.isTTY;
}

async function tenantOf(folder: string, { tenant: id, record }: Options, write: Write): Promise<Tenant | number> {
  const { tenants, problems } = await (record ? loadWithRealSecrets : loadWithMadeUpSecrets)(folder);
  // What is wrong with a neighbour is no matter here.
  const tenant = id === undefined ? tenants[0] : tenants.find((each) => each.id === id);
  if (tenant && (id !== undefined || (problems.length === 0 && tenants.length === 1))) return tenant;
  tell(problems, write);
  if (problems.length > 0) return 1;
  write(`Name one with --tenant: ${tenants.map((each) => each.id).join(', ')}.`);
  return 2;
}

function tell(problems: readonly Problem[], write: Write): void {
  for (const { message, hint } of problems) write(`${paint('red', 'error')}  ${message}${hint ? ` ${hint}` : ''}`);
}

interface Once {
  run(tenant: Tenant): Promise<number>;
  close(): Promise<void>;
}

function flowRunner(
  given: object,
  options: Options,
  runner: ScriptRunner,
  outside: OutboundClient | undefined,
  write: Write,
): Once {
  const simulator: Simulator = createSimulator(runner);
  return {
    async run(tenant) {
      const plan = readPlan(tenant, given, options.given);
      if (!plan.ok) {
        tell(plan.problems, write);
        return 2;
      }
      const run = await simulator.run(tenant, plan.plan, outside);
      if (options.json) write(JSON.stringify(run, undefined, 2));
      else for (const line of runLines(run, paint, { all: options.all ?? false })) write(line);
      if (options.pages !== undefined) await writePages(run, options.pages, options.json ? () => undefined : write);
      if (options.save !== undefined) await saveCase(run, options.save, options.json ? () => undefined : write);
      return run.ended === 'success' && run.unforeseen.length + run.unanswered.length === 0 ? 0 : 1;
    },
    close: () => simulator.close(),
  };
}

function hookRunner(
  hook: string,
  options: Options,
  runner: ScriptRunner,
  outside: OutboundClient | undefined,
  write: Write,
): Once {
  return {
    async run(tenant) {
      const run = await runHook(tenant, { ...options, hook }, runner, outside);
      if (!('hook' in run)) {
        for (const line of run) write(`${paint('red', 'error')}  ${line}`);
        return 2;
      }
      if (options.json) write(JSON.stringify(run, undefined, 2));
      else for (const line of hookRunLines(run, paint)) write(line);
      return run.outcome === 'ok' || run.outcome === 'absent' ? 0 : 1;
    },
    close: async () => undefined,
  };
}

async function writePages({ path, errorPage }: SimulatedRun, folder: string, write: Write): Promise<void> {
  await mkdir(folder, { recursive: true });
  const pages = [...path.flatMap(({ page }) => (page ? [page] : [])), ...(errorPage ? [errorPage] : [])];
  for (const [index, page] of pages.entries()) {
    const file = join(folder, `${index + 1}-${page.name}.html`);
    await writeFile(file, page.render());
    write(`Wrote ${file}`);
  }
}

async function saveCase(run: SimulatedRun, file: string, write: Write): Promise<void> {
  const name = basename(file)
    .replace(/(\.case)?\.json$/, '')
    .replaceAll('-', ' ');
  const schema = relative(dirname(resolve(file)), join(import.meta.dirname, '../../schemas/flow-case.schema.json'));
  await mkdir(dirname(file), { recursive: true });
  const document = { $schema: schema.replaceAll('\\', '/'), ...caseOf(name, run) };
  await writeFile(file, `${JSON.stringify(document, undefined, 2)}\n`);
  write(`Wrote ${file}`);
}
