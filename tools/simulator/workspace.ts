/** The tenants' folders that the page works on: what is read of them, and the two things that are written. */
import { mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { FlowExpectation } from '../../engine/simulator/case.ts';
import { loadTenant, type LoadResult } from '../../engine/tenant/load.ts';
import type { Problem } from '../../engine/tenant/problem.ts';
import { scriptsOf } from '../../engine/tenant/scripts.ts';
import { loadWithMadeUpSecrets, madeUpSecrets } from '../cli/made-up.ts';
import type { Fault, ScriptFile, ShownScript } from './shown.ts';

export interface Place {
  readonly id: string;
  readonly name: string;
  readonly folder: string;
}

/** Texts of script files as the page's editor has them, by name. */
export type Texts = Readonly<Record<string, string>>;

export interface SavedCase {
  readonly file: string;
  readonly name: string;
  readonly given: unknown;
}

export type Written = { readonly ok: true; readonly file: string } | { readonly ok: false; readonly fault: Fault };

/** Tenants whose scripts the page edits and runs. */
export interface Workspace {
  /** Looks for the tenants again. */
  find(): Promise<{ readonly places: readonly Place[]; readonly faults: readonly Fault[] }>;
  /** Only what was found; nothing that a request names leads elsewhere. */
  placeOf(id: string): Place | undefined;
  /** @param texts laid over the files of these names, as far as the script that is edited has them. */
  load(place: Place, texts: Texts, chosen: Chosen): Promise<LoadResult>;
  /** The files that can be edited, as they are kept. */
  files(place: Place, chosen: Chosen): Promise<readonly ScriptFile[]>;
  cases(place: Place): Promise<readonly SavedCase[]>;
  /** What else there is to be chosen. */
  script(place: Place, chosen: Chosen): Promise<ShownScript | undefined>;
}

/** Which script of a running server is edited; of a folder all are. */
export interface Chosen {
  readonly slot?: string;
  readonly version?: string;
}

export interface FolderWorkspace extends Workspace {
  /** @param before what the page thinks stands there: another's change is not written over. */
  saveFile(place: Place, file: string, text: string, before: string): Promise<Written>;
  /** Never over a case that is there. */
  saveCase(
    place: Place,
    name: string,
    made: { readonly given: object; readonly expect: FlowExpectation },
  ): Promise<Written>;
}

const mostCases = 500;
const schemas = join(import.meta.dirname, '../../schemas/flow-case.schema.json');

/** @param path a tenant's folder, or a folder of them. */
export function createWorkspace(path: string): FolderWorkspace {
  let known: readonly Place[] = [];

  return {
    async find() {
      const { tenants, broken, problems, scripts } = await loadWithMadeUpSecrets(path);
      const sound = tenants.map(({ id, name, folder }) => ({ id, name, folder }));
      // What cannot be loaded may be mended here where it is a script that is at fault.
      const others = [...broken]
        .filter((folder) => scripts.some((each) => resolve(each.folder) === folder))
        .map((folder) => ({ id: basename(folder), name: basename(folder), folder }))
        .filter(({ id }) => !sound.some((each) => each.id === id));
      known = [...sound, ...others];
      return { places: known, faults: faultsOf(problems) };
    },
    placeOf: (id) => known.find((place) => place.id === id),
    load: ({ folder }, texts) => loadTenant(folder, { ...madeUpSecrets, texts: new Map(Object.entries(texts)) }),
    files,
    cases: casesOf,
    script: async () => undefined,
    async saveFile(place, name, text, before) {
      const file = (await files(place)).find((each) => each.name === name);
      const target = join(place.folder, name);
      if (!file || !(await isInside(place.folder, target)))
        return refused(`${name} is no script of this tenant.`, 'only files that its tenant.json names are written');
      if (file.text !== before)
        return refused(
          `${name} was changed by somebody else since it was read.`,
          'load the page again, or copy your text first',
        );
      await writeFile(target, text);
      return { ok: true, file: shown(target) };
    },
    async saveCase(place, name, made) {
      const slug = slugOf(name);
      if (slug === '') return refused('This name has no letter.', 'say in a few words what the case shows');
      const folder = join(place.folder, 'cases');
      await mkdir(folder, { recursive: true });
      const target = join(folder, `${slug}.case.json`);
      if (!(await isInside(place.folder, folder)))
        return refused(`${shown(folder)} leads out of the tenant's folder.`, '');
      const $schema = relative(await realpath(folder), schemas).replaceAll(sep, '/');
      const document = { $schema, name, ...made };
      try {
        await writeFile(target, `${JSON.stringify(document, undefined, 2)}\n`, { flag: 'wx' });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        return refused(`There is a case ${shown(target)} already.`, 'give this one another name');
      }
      return { ok: true, file: shown(target) };
    },
  };

  async function files(place: Place): Promise<readonly ScriptFile[]> {
    const loaded = await loadTenant(place.folder, madeUpSecrets);
    const bound = loaded.ok ? scriptsOf(loaded.tenant) : loaded.scripts;
    const found = new Map<string, { text: string; slots: string[] }>();
    for (const { slot, script } of bound) {
      const file = found.get(script.name) ?? { text: script.source, slots: [] };
      found.set(script.name, { ...file, slots: [...file.slots, slot] });
    }
    for (const { script } of bound)
      for (const { name, source } of script.modules) if (!found.has(name)) found.set(name, { text: source, slots: [] });
    return [...found].map(([name, file]) => ({ name, ...file }));
  }
}

export function faultsOf(problems: readonly Problem[]): readonly Fault[] {
  return problems.map(({ message, hint }) => ({ message, hint }));
}

function refused(message: string, hint: string): Written {
  return { ok: false, fault: { message, hint } };
}

/** As it is named from where the command runs, where that is shorter. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') || isAbsolute(near) ? path : near;
}

/** Links count: what they lead to must be inside, too. */
async function isInside(folder: string, path: string): Promise<boolean> {
  const target = await realpath(path).catch(() => undefined);
  const way = relative(await realpath(folder), target ?? dirname(folder));
  return target !== undefined && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function slugOf(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
}

async function casesOf({ folder }: Place): Promise<readonly SavedCase[]> {
  const names = await readdir(join(folder, 'cases')).catch(() => []);
  const files = names
    .filter((name) => name.endsWith('.case.json'))
    .sort()
    .slice(0, mostCases);
  const read = await Promise.all(files.map((file) => caseIn(join(folder, 'cases', file), file)));
  return read.filter((each) => each !== undefined);
}

/** Undefined for a case of a callback alone, and for what is no case. */
async function caseIn(path: string, file: string): Promise<SavedCase | undefined> {
  try {
    const { name, given } = JSON.parse(await readFile(path, 'utf8')) as {
      readonly name?: string;
      readonly given?: unknown;
    };
    return given === undefined ? undefined : { file, name: name ?? file, given };
  } catch {
    return undefined;
  }
}
