/** The modules of a configuration, from properties files or from what the JSON admin API answers at `/module-config`. */
import { decodeProperties, readProperties } from './properties.ts';
import type { Report } from './report.ts';
import type { Source } from './sources.ts';

export interface Setting {
  readonly value: string;
  readonly source: Source;
  /** The property's whole name, or a JSON pointer. */
  readonly place: string;
}

export interface Module {
  readonly id: string;
  readonly type: string;
  readonly typeAt: Setting;
  readonly config: ReadonlyMap<string, Setting>;
  /** Ids of other modules by dependency type. */
  readonly requires: ReadonlyMap<string, Setting>;
}

export interface Configuration {
  readonly modules: readonly Module[];
  /** Properties of the node itself, such as `node.propertysource`. */
  readonly node: ReadonlyMap<string, Setting>;
}

interface Draft {
  type?: Setting;
  readonly config: Map<string, Setting>;
  readonly requires: Map<string, Setting>;
}

/** Collects settings; a later one of the same name wins, as in Java, and that is told. */
export class ModuleReader {
  readonly #drafts = new Map<string, Draft>();
  readonly #node = new Map<string, Setting>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  #draft(id: string): Draft {
    const draft = this.#drafts.get(id) ?? { config: new Map(), requires: new Map() };
    this.#drafts.set(id, draft);
    return draft;
  }

  #set(into: Map<string, Setting>, key: string, setting: Setting): void {
    if (into.has(key))
      this.#report.add(
        'differs',
        setting.source.name,
        setting.place,
        'It stands there more than once; the last one counts.',
      );
    into.set(key, setting);
  }

  readProperties(source: Source): void {
    const { entries, faults } = readProperties(decodeProperties(source.bytes));
    for (const { line, message } of faults)
      this.#report.fault(source.name, `line ${line}`, `It is malformed: ${message}.`);
    for (const { key, value } of entries) {
      const setting = { value, source, place: key };
      const [, id = '', what, name = ''] = /^module\.([^.]+)\.(type$|config\.|requires\.)(.*)$/.exec(key) ?? [];
      if (what === 'type') this.#draft(id).type = setting;
      else if (what === 'config.' && name !== '') this.#set(this.#draft(id).config, name, setting);
      else if (what === 'requires.' && name !== '') this.#set(this.#draft(id).requires, name, setting);
      else if (key.startsWith('node.')) this.#set(this.#node, key, setting);
      else
        this.#report.add(
          'missing',
          source.name,
          key,
          'It is not known: neither module.<id>.type, .config.<key> or .requires.<type>, nor node.<key>. Nothing was made of it.',
        );
    }
  }

  /** @returns false where the document is no module configuration. */
  readJson(source: Source, document: unknown): boolean {
    const found = modulesIn(document, '');
    for (const [pointer, { moduleId, moduleType, options = [], dependencies = [] }] of found) {
      const at = (place: string, value: string) => ({ value, source, place: `${pointer}${place}` });
      const draft = this.#draft(moduleId);
      draft.type = at('/moduleType', moduleType);
      options.forEach(({ key, value }, index) => {
        if (value !== undefined && value !== null) this.#set(draft.config, key, at(`/options/${index}`, String(value)));
      });
      dependencies.forEach(({ type, moduleId: id }, index) =>
        this.#set(draft.requires, type, at(`/dependencies/${index}`, id)),
      );
    }
    return found.length > 0;
  }

  /** A module without a type configures nothing that is known; its properties are told as such. */
  finish(): Configuration {
    const modules: Module[] = [];
    for (const [id, { type, config, requires }] of this.#drafts) {
      // The cluster manager is the one module that needs no type.
      const first = [...config.values(), ...requires.values()][0];
      const typeAt =
        type ??
        (id === 'clustermgr' && first ? { ...first, value: 'CLUSTERMGR', place: 'module.clustermgr' } : undefined);
      if (typeAt) modules.push({ id, type: typeAt.value.trim(), typeAt, config, requires });
      else if (first)
        this.#report.fault(
          first.source.name,
          `module.${id}.type`,
          'It is missing, so that nobody knows what this module is.',
        );
    }
    return { modules, node: this.#node };
  }
}

interface ModuleJson {
  readonly moduleId: string;
  readonly moduleType: string;
  readonly options?: readonly { readonly key: string; readonly value?: unknown }[];
  readonly dependencies?: readonly { readonly type: string; readonly moduleId: string }[];
}

function isModule(value: object): value is ModuleJson {
  const { moduleId, moduleType, options, dependencies } = value as Readonly<Record<string, unknown>>;
  const listOf = (list: unknown, ...names: readonly string[]) =>
    list === undefined ||
    (Array.isArray(list) &&
      list.every((item) =>
        names.every((name) => typeof (item as Record<string, unknown> | null)?.[name] === 'string'),
      ));
  return (
    typeof moduleId === 'string' &&
    typeof moduleType === 'string' &&
    listOf(options, 'key') &&
    listOf(dependencies, 'type', 'moduleId')
  );
}

/** One module, `{modules: […]}`, or `{nodes: [{modules: […]}]}`. */
function modulesIn(document: unknown, pointer: string): readonly (readonly [pointer: string, module: ModuleJson])[] {
  if (typeof document !== 'object' || document === null) return [];
  if (isModule(document)) return [[pointer, document]];
  const { nodes, modules } = document as { readonly nodes?: unknown; readonly modules?: unknown };
  return [
    ['nodes', nodes],
    ['modules', modules],
  ].flatMap(([name, list]) =>
    Array.isArray(list) ? list.flatMap((item, index) => modulesIn(item, `${pointer}/${String(name)}/${index}`)) : [],
  );
}
