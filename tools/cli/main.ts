/** The command line. Each command is a file of its own. */
import { Command } from 'commander';
import { check } from './check.ts';
import { migrate } from './migrate.ts';
import { addRemoteCommands } from './remote/commands.ts';
import { serve } from './serve.ts';

const write = (line: string) => void process.stdout.write(`${line}\n`);
const program = new Command('sallyport').description('A scriptable SMART on FHIR authorization server');

program
  .command('serve')
  .description('start the server')
  .action(async () => {
    const code = await serve(write);
    if (code !== undefined) process.exit(code);
  });

program
  .command('check')
  .argument('<folder>', 'a tenant folder, or a folder of them')
  .description('find everything that is wrong with a configuration')
  .action(async (folder: string) => process.exit(await check(folder, write)));

program
  .command('migrate')
  .description('bring the database to this version')
  .action(async () => process.exit(await migrate(write)));

addRemoteCommands(program, write);

await program.parseAsync();
