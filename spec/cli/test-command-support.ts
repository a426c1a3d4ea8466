/** Cases in a folder of their own, replayed by `sallyport test` as a process. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { folderOf, type Outcome, sallyport, tenantDocument } from './support.ts';

type Files = Readonly<Record<string, unknown>>;

export interface Ran extends Outcome {
  /** The lines of one case: what it failed by, and the code around the place; none where it held. */
  of(name: string): string;
  readonly junit: string;
}

/** Replays the cases of these files, in a folder of their own. */
export async function ran(files: Files, environment: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const folder = await folderOf(files);
  try {
    const file = join(folder.path, 'junit.xml');
    const outcome = await sallyport(['test', folder.path, '--junit', file], { environment });
    const junit = await readFile(file, 'utf8').catch(() => '');
    const blocks = outcome.output.split(/^(?=ok {5}|FAILED )/m);
    return {
      ...outcome,
      junit,
      of(name) {
        const block = blocks.find((each) => each.split('\n')[0]?.endsWith(`: ${name}`));
        if (block === undefined) throw new Error(`there is no case ${name} in\n${outcome.output}`);
        return block.startsWith('ok') ? '' : block;
      },
    };
  } finally {
    await folder.remove();
  }
}

export interface CaseFile {
  readonly name: string;
  readonly [member: string]: unknown;
}

/** A tenant with one script of callbacks and its cases. */
export function tenant(
  id: string,
  script: string,
  cases: readonly CaseFile[],
  document: object = {},
  file = 'callbacks.js',
) {
  return {
    [`${id}/tenant.json`]: tenantDocument(id, { scripts: { callbacks: file }, ...document }),
    [`${id}/${file}`]: script,
    ...Object.fromEntries(
      cases.map((each, index) => [
        `${id}/cases/${index}.case.json`,
        { hook: 'onTokenGenerating', expect: {}, ...each },
      ]),
    ),
  };
}
