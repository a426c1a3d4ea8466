/** `sallyport import`: turns the configuration of another server into tenant folders. */
import { type Command, InvalidArgumentError } from 'commander';
import { importSmileCdr } from '../import/smilecdr/import.ts';

interface Options {
  readonly into: string;
  readonly force?: true;
  readonly issuer?: string;
  readonly property: Readonly<Record<string, string>>;
}

function addProperty(text: string, known: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const cut = text.indexOf('=');
  if (cut < 1) throw new InvalidArgumentError('Write name=value.');
  return { ...known, [text.slice(0, cut)]: text.slice(cut + 1) };
}

export function addImportCommand(program: Command, write: (line: string) => void): void {
  program
    .command('import')
    .description('turn the configuration of another server into a tenant folder')
    .command('smilecdr')
    .description('of Smile CDR: SMART Outbound Security modules with their seeds, keys and scripts')
    .argument('<files...>', 'properties files, seed files, scripts, and folders that hold them')
    .requiredOption('--into <folder>', 'the folder to make: a tenant, or one folder for each of several')
    .option('--force', 'write over a folder that is there')
    .option('--issuer <url>', 'the issuer, instead of the one in the files')
    .option(
      '--property <name=value>',
      'a Java system property that the files refer to; may be repeated',
      addProperty,
      {},
    )
    .action(async (files: readonly string[], { into, force, issuer, property }: Options) => {
      const result = await importSmileCdr({
        files,
        into,
        force: force === true,
        issuer,
        variables: { environment: process.env, properties: property },
      });
      if (result.ok) {
        write(result.report);
        write(`Written to ${into}, with this report as import-report.md. Next: npx sallyport check ${into}`);
        process.exit(0);
      }
      write(`Nothing was written: ${result.faults.length} ${result.faults.length === 1 ? 'reason' : 'reasons'}.`);
      for (const fault of result.faults) write(`  ${fault}`);
      process.exit(1);
    });
}
