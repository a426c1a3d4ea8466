/**
 * Runs one command line after the other in one process, each as if it had a process of its own: with its own arguments,
 * environment, input, output and exit code. To start a process and load the engine takes longer than most commands.
 * Started by `support.ts`, which sends a command at a time and gets what it said.
 */
import { Readable } from 'node:stream';

export interface HostedCommand {
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly input: string;
  readonly folder: string;
}

export interface HostedOutcome {
  readonly code: number;
  readonly output: string;
}

const endProcess = process.exit.bind(process);
process.once('disconnect', () => endProcess(0));

/** What `process.exit` throws here, so that nothing after it runs. */
const exit = Symbol('exit');
const program = new URL('../../tools/cli/main.ts', import.meta.url);
let said = '';
let commands = 0;

async function run(command: HostedCommand): Promise<HostedOutcome> {
  said = '';
  process.argv = [process.execPath, program.pathname, ...command.arguments];
  process.env = { ...command.environment };
  process.chdir(command.folder);
  Object.defineProperty(process, 'stdin', {
    configurable: true,
    value: Readable.from(command.input === '' ? [] : [Buffer.from(command.input)]),
  });
  commands += 1;
  const code = await new Promise<number>((resolve) => {
    process.exit = (status) => {
      resolve(Number(status ?? 0));
      throw exit;
    };
    const failed = (error: unknown) => {
      if (error === exit) return;
      said += `${error instanceof Error ? error.stack : String(error)}\n`;
      resolve(1);
    };
    ended = failed;
    // The file is read anew for each command, for it runs when it is read; what it imports stays loaded.
    import(`${program.href}?${commands}`).then(() => resolve(Number(process.exitCode ?? 0)), failed);
  });
  return { code, output: said };
}

let ended: (error: unknown) => void = () => undefined;
process.on('unhandledRejection', (error) => ended(error));
process.on('uncaughtException', (error) => ended(error));

for (const stream of [process.stdout, process.stderr])
  stream.write = ((chunk: string | Uint8Array) => {
    said += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    return true;
  }) as typeof stream.write;

process.on('message', (command: HostedCommand) => void run(command).then((outcome) => process.send?.(outcome)));
