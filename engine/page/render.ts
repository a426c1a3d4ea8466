/** Renders pages from a skin: mustache templates, messages by language, a stylesheet. What a skin lacks comes from `default`. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import mustache from 'mustache';
import type { PageName, PageRenderer, PageViews } from './view.ts';

type TenantLook = Parameters<PageRenderer['render']>[0];
type Messages = Readonly<Record<string, string>>;

const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  woff2: 'font/woff2',
};

/** @param options.skinsFolder Holds `default` and the other shipped skins. */
export function createPageRenderer(options: { readonly skinsFolder: string }): PageRenderer {
  const files = new LRUCache<string, { readonly body: Buffer | undefined }>({ max: 2_000, ttl: 5_000 });

  function read(path: string): Buffer | undefined {
    const known = files.get(path);
    if (known) return known.body;
    const body = existsSync(path) ? readFileSync(path) : undefined;
    files.set(path, { body });
    return body;
  }

  /** The tenant's own skin first, then the shipped one of that name, then the default. */
  function layers(tenant: Pick<TenantLook, 'skin' | 'folder'>, name: string): readonly Buffer[] {
    const own = /^[A-Za-z0-9_/-]+$/.test(tenant.skin)
      ? [join(tenant.folder, tenant.skin, name), join(options.skinsFolder, tenant.skin, name)]
      : [];
    const paths = new Set([...own, join(options.skinsFolder, 'default', name)]);
    return [...paths].map(read).filter((body) => body !== undefined);
  }

  const find = (tenant: Pick<TenantLook, 'skin' | 'folder'>, name: string): Buffer | undefined =>
    layers(tenant, name)[0];

  /** A skin may replace single messages, so its file is laid over the default's, and any language over English. */
  function messagesOf(
    tenant: TenantLook,
    languages: readonly string[],
  ): { readonly language: string; readonly messages: Messages } {
    const flat = (name: string): Messages =>
      Object.assign({}, ...layers(tenant, `messages/${name}.json`).toReversed().map(parseMessages)) as Messages;
    const english = flat('en');
    for (const wanted of languages) {
      const language = wanted.split('-')[0]?.toLowerCase() ?? '';
      if (!/^[a-z]{2,3}$/.test(language) || !find(tenant, `messages/${language}.json`)) continue;
      return { language, messages: { ...english, ...flat(language) } };
    }
    return { language: 'en', messages: english };
  }

  return {
    render(tenant, page, view, languages) {
      const template = find(tenant, `${page}.mustache`)?.toString('utf8') ?? '';
      const layout = find(tenant, 'layout.mustache')?.toString('utf8') ?? '{{> content}}';
      const { language, messages } = messagesOf(tenant, languages);
      const data = {
        ...dress(page, view),
        t: nest(messages),
        language,
        tenantName: tenant.name,
        issuer: tenant.issuer,
        pageTitle: messages[`${page}.title`] ?? tenant.name,
      };
      return mustache.render(layout, data, { content: template });
    },
    asset(tenant, name) {
      const type = types[/^[A-Za-z0-9_-]+\.([a-z0-9]+)$/.exec(name)?.[1] ?? ''];
      const body = type ? find({ skin: tenant.skin, folder: tenant.folder }, name) : undefined;
      return type && body ? { type, body } : undefined;
    },
  };
}

function parseMessages(body: Buffer): Messages {
  return JSON.parse(body.toString('utf8')) as Messages;
}

/** Mustache reads a dot as a path, so `login.title` becomes `{ login: { title } }`. */
function nest(messages: Messages): Record<string, Record<string, string>> {
  const nested: Record<string, Record<string, string>> = {};
  for (const [key, text] of Object.entries(messages)) {
    const [page, name] = key.split('.', 2);
    if (page && name) nested[page] = { ...nested[page], [name]: text };
  }
  return nested;
}

/** What mustache cannot ask by itself: whether a list has entries, which error it is. */
function dress<P extends PageName>(page: P, view: PageViews[P]): Record<string, unknown> {
  const dressed: Record<string, unknown> = { ...view, [`is-${page}`]: true };
  for (const [name, value] of Object.entries(view))
    if (Array.isArray(value)) dressed[`has${name[0]?.toUpperCase()}${name.slice(1)}`] = value.length > 0;
  if ('error' in view && typeof view.error === 'string') dressed[`error-${view.error}`] = true;
  if (page === 'context') {
    const { choices, total } = view as PageViews['context'];
    dressed['more'] = total > choices.length;
    dressed['shown'] = choices.length;
  }
  return dressed;
}
