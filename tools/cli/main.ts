/** The command line. Each command is a file of its own, which is read when it is asked for: all of them take a while. */
import { Command, type CommanderError, InvalidArgumentError, Option } from 'commander';
import type { TestOptions } from './test.ts';
import { reporters } from './test/report.ts';

const write = (line: string) => void process.stdout.write(`${line}\n`);
const program = new Command('sallyport')
  .description('A scriptable SMART on FHIR authorization server')
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 refused or something is wrong, 2 wrong use or no server. docs/configuration.md tells more.',
  );

program
  .command('serve')
  .description('start the server')
  .action(async () => {
    const { serve } = await import('./serve.ts');
    const code = await serve(write);
    if (code !== undefined) process.exit(code);
  });

program
  .command('check')
  .argument('[path]', "a tenant's folder, a folder of them, or a server file; what serve would take where absent")
  .description('find everything that is wrong with a configuration')
  .action(async (path: string | undefined) => {
    const { check } = await import('./check.ts');
    process.exit(await check(path, write));
  });

program
  .command('new')
  .argument('<folder>', 'a new folder, whose name becomes the name of the tenant')
  .description('make a tenant to begin with: a typed callback and a case that holds')
  .action(async (folder: string) => {
    const { newTenant } = await import('./new.ts');
    process.exit(await newTenant(folder, write));
  });

program
  .command('test')
  .argument('<paths...>', "tenants' folders, folders of them, or single cases")
  .description('replay the cases (*.case.json) of callbacks and of whole flows')
  .option('--filter <text>', 'only cases with this text in their name or file')
  .addOption(new Option('--reporter <form>', 'how results are told').choices(reporters).default('lines'))
  .option('--junit <file>', 'also write the results as JUnit XML')
  .option('--update', 'write into cases that fail what was found')
  .option('--record', 'really make the requests that cases do not foresee, and write the answers into them')
  .option('--watch', 'run again the cases that a change concerns')
  .option('--coverage', 'tell which lines and branches of the scripts ran')
  .option('--coverage-min <percent>', 'fail where fewer of the lines, or of the branches, ran', percentage)
  .option('--coverage-lcov <file>', 'write coverage as lcov, for editors and build servers')
  .action(async (paths: string[], options: TestOptions) => {
    const { testCases } = await import('./test.ts');
    process.exit(await testCases(paths, options, write));
  });

function percentage(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 100))
    throw new InvalidArgumentError('It is a number from 0 to 100.');
  return value;
}

const asked = process.argv[2] ?? '';
const isLocal = ['serve', 'check', 'new', 'test', 'migrate'].includes(asked);
const remote = isLocal ? undefined : await import('./remote/commands.ts');
/** For help, and to say what was meant by a word that is no command, all of them must be known. */
const isOther = remote !== undefined && !remote.isRemote(asked);

if (isOther) (await import('./simulate.ts')).addSimulateCommand(program, write);

program
  .command('migrate')
  .description('bring the database to this version')
  .action(async () => {
    const { migrate } = await import('./migrate.ts');
    process.exit(await migrate(write));
  });

if (isOther) (await import('./import.ts')).addImportCommand(program, write);
remote?.addRemoteCommands(program, write);

/** Whoever asks for help did nothing wrong; any other reason to end before a command runs is a wrong command. */
function wrongUseEndsWith2(command: Command): void {
  command.exitOverride(({ exitCode }: CommanderError) => process.exit(exitCode === 0 ? 0 : 2));
  command.commands.forEach(wrongUseEndsWith2);
}

wrongUseEndsWith2(program);
await program.parseAsync();
