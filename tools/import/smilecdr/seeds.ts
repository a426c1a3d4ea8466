/** All seed items of an import, and which module each belongs to. */
import { type At, type ImportContext, resolveSetting } from './draft.ts';
import type { Configuration, Module, Setting } from './modules.ts';
import { itemsOf, kindsOf, parseJson, type SeedItem, type SeedKind } from './seed-file.ts';
import type { Source } from './sources.ts';

interface SeedDocument {
  readonly source: Source;
  readonly document: unknown;
  /** The modules whose property names the file. */
  readonly namedBy: Set<string>;
}

const ownerTypes: Readonly<Record<Exclude<SeedKind, 'keystores'>, string>> = {
  clients: 'SECURITY_OUT_SMART',
  servers: 'SECURITY_OUT_SMART',
  users: 'SECURITY_IN_LOCAL',
};

export class Seeds {
  readonly #context: ImportContext;
  readonly #documents: SeedDocument[] = [];
  readonly #taken = new Set<object>();
  readonly #unfound: {
    readonly setting: Setting;
    readonly kind: SeedKind;
    readonly why: string;
    readonly module: string;
  }[] = [];

  constructor(context: ImportContext) {
    this.#context = context;
  }

  /** @returns false where a document holds no seeds. */
  add(source: Source, document: unknown): boolean {
    if (kindsOf(document).length === 0) return false;
    if (!this.#documents.some((known) => known.source === source))
      this.#documents.push({ source, document, namedBy: new Set() });
    return true;
  }

  /** Reads the file that a module's property names. That it is nowhere matters once nothing else stands in for it. */
  async addNamed(module: Module, key: string, kind: SeedKind): Promise<void> {
    const setting = module.config.get(key);
    const reference = setting && resolveSetting(this.#context, setting)?.trim();
    if (!setting || !reference) return;
    const found = await this.#context.sources.find(reference, setting.source);
    if (!found.ok) {
      this.#unfound.push({ setting, kind, why: `It names ${reference}: ${found.why}.`, module: module.id });
      return;
    }
    const known = this.#documents.find(({ source }) => source === found.source);
    const document = known?.document ?? parseJson(this.#context, found.source);
    if (document === undefined) return;
    if (!kindsOf(document).includes(kind))
      return this.#context.report.fault(
        found.source.name,
        '',
        `It has no list of ${kind}, though ${setting.place} names it.`,
      );
    const seed = known ?? { source: found.source, document, namedBy: new Set<string>() };
    if (!known) this.#documents.push(seed);
    seed.namedBy.add(module.id);
    const at: At = setting;
    this.#context.report.add('carried', at.source.name, at.place, `The ${kind} of ${found.source.name}.`);
  }

  keystores(): readonly SeedItem[] {
    return this.#documents.flatMap(({ source, document }) => itemsOf(this.#context, source, document, 'keystores'));
  }

  /** The items of a module: those that name it, and those that name none where it is clear whose they are. */
  of(moduleId: string, kind: Exclude<SeedKind, 'keystores'>, candidates: readonly string[]): readonly SeedItem[] {
    const found = this.#documents.flatMap(({ source, document, namedBy }) =>
      itemsOf(this.#context, source, document, kind).filter((item) => {
        const owner = item.text('moduleId');
        return owner === undefined
          ? namedBy.has(moduleId) || (namedBy.size === 0 && candidates.length === 1)
          : owner === moduleId;
      }),
    );
    for (const item of found) this.#taken.add(item.item);
    for (const { setting, why } of this.#unfound.filter((each) => each.module === moduleId && each.kind === kind)) {
      if (found.length === 0)
        this.#context.report.fault(setting.source.name, setting.place, `${why} Without it there are no ${kind}.`);
      else
        this.#context.report.add(
          'differs',
          setting.source.name,
          setting.place,
          `${why} The ${kind} of other files are brought over.`,
        );
    }
    return found;
  }

  /** Tells of items that no module took. */
  reportUntaken(configuration: Configuration): void {
    for (const { source, document } of this.#documents)
      for (const kind of ['clients', 'servers', 'users'] as const)
        for (const item of itemsOf(this.#context, source, document, kind)) {
          if (this.#taken.has(item.item)) continue;
          const owner = item.text('moduleId');
          const type = configuration.modules.find(({ id }) => id === owner)?.type;
          const why =
            owner === undefined
              ? 'It names no module, and there is not exactly one that it could be of.'
              : type === undefined
                ? `It belongs to the module ${owner}, which is in none of the files.`
                : type === ownerTypes[kind]
                  ? `It belongs to the module ${owner}, whose ${kind} no tenant uses.`
                  : `It belongs to the module ${owner} of type ${type}, which does not come over.`;
          item.add('missing', '', `${why} It is not brought over.`);
        }
  }
}
