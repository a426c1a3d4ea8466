/** The command line. Each command is a file of its own. */
import { Command, type CommanderError } from 'commander';
import { check } from './check.ts';
import { addImportCommand } from './import.ts';
import { migrate } from './migrate.ts';
import { addRemoteCommands } from './remote/commands.ts';
import { serve } from './serve.ts';

const write = (line: string) => void process.stdout.write(`${line}\n`);
const program = new Command('sallyport')
  .description('A scriptable SMART on FHIR authorization server')
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 refused or something is wrong, 2 the command itself was wrong. docs/configuration.md tells more.',
  );

program
  .command('serve')
  .description('start the server')
  .action(async () => {
    const code = await serve(write);
    if (code !== undefined) process.exit(code);
  });

program
  .command('check')
  .argument('[path]', "a tenant's folder, a folder of them, or a server file; what serve would take where absent")
  .description('find everything that is wrong with a configuration')
  .action(async (path: string | undefined) => process.exit(await check(path, write)));

program
  .command('migrate')
  .description('bring the database to this version')
  .action(async () => process.exit(await migrate(write)));

addImportCommand(program, write);
addRemoteCommands(program, write);

/** Whoever asks for help did nothing wrong; any other reason to end before a command runs is a wrong command. */
function wrongUseEndsWith2(command: Command): void {
  command.exitOverride(({ exitCode }: CommanderError) => process.exit(exitCode === 0 ? 0 : 2));
  command.commands.forEach(wrongUseEndsWith2);
}

wrongUseEndsWith2(program);
await program.parseAsync();
