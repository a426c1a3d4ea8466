/** Renders pages from a skin: mustache templates, messages by language, a stylesheet. What a skin lacks comes from `default`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import mustache from 'mustache';
import { dress } from './dress.ts';
import type { PageRenderer } from './view.ts';
import { say, sayDuration, sayInstant, type Words } from './words.ts';

type TenantLook = Parameters<PageRenderer['render']>[0];
type Messages = Words['messages'];

interface File {
  readonly path: string;
  readonly body: Buffer;
}

const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  woff2: 'font/woff2',
};

/**
 * A file of a skin that cannot be used is passed over for the one below it, so that a slip of the pen locks nobody out.
 * @param options.skinsFolder Holds `default` and the other shipped skins.
 * @param options.warn Hears of files that cannot be used.
 */
export function createPageRenderer(options: {
  readonly skinsFolder: string;
  readonly warn?: (message: string, details: Readonly<Record<string, unknown>>) => void;
}): PageRenderer {
  const reported = new LRUCache<string, true>({ max: 1_000, ttl: 60_000 });
  const files = new LRUCache<string, { readonly body: Buffer | undefined }>({ max: 2_000, ttl: 5_000 });

  function read(path: string): Buffer | undefined {
    const known = files.get(path);
    if (known) return known.body;
    const body = existsSync(path) ? readFileSync(path) : undefined;
    files.set(path, { body });
    return body;
  }

  /** The tenant's own skin first, then the shipped one of that name, then the default. */
  function placesOf(tenant: Pick<TenantLook, 'skin' | 'folder'>, name: string): readonly string[] {
    const own = /^[A-Za-z0-9_/-]+$/.test(tenant.skin)
      ? [join(tenant.folder, tenant.skin, name), join(options.skinsFolder, tenant.skin, name)]
      : [];
    return [...new Set([...own, join(options.skinsFolder, 'default', name)])];
  }

  function layers(tenant: Pick<TenantLook, 'skin' | 'folder'>, name: string): readonly File[] {
    return placesOf(tenant, name).flatMap((path) => {
      const body = read(path);
      return body ? [{ path, body }] : [];
    });
  }

  function use<Value>({ path, body }: File, parse: (text: string) => Value): Value | undefined {
    try {
      return parse(body.toString('utf8'));
    } catch (error) {
      if (!reported.has(path)) options.warn?.('a file of a skin cannot be used', { path, error: String(error) });
      reported.set(path, true);
      return undefined;
    }
  }

  function template(tenant: TenantLook, name: string): string {
    const checked = (text: string) => {
      mustache.parse(text);
      return text;
    };
    for (const file of layers(tenant, `${name}.mustache`)) {
      const text = use(file, checked);
      if (text !== undefined) return text;
    }
    return '';
  }

  /** A skin may replace single messages, so its file is laid over the default's, and any language over English. */
  function wordsOf(tenant: TenantLook, languages: readonly string[]): Words {
    const laid = (name: string): Messages | undefined => {
      const found = layers(tenant, `messages/${name}.json`).map((file) => use(file, parseMessages));
      const usable = found.filter((messages) => messages !== undefined);
      return usable.length > 0 ? (Object.assign({}, ...usable.toReversed()) as Messages) : undefined;
    };
    const english = laid('en') ?? {};
    for (const wanted of languages) {
      const language = wanted.split('-')[0]?.toLowerCase() ?? '';
      const messages = /^[a-z]{2,3}$/.test(language) ? laid(language) : undefined;
      if (messages) return { language, messages: { ...english, ...messages } };
    }
    return { language: 'en', messages: english };
  }

  return {
    render(tenant, page, view, languages) {
      const words = wordsOf(tenant, languages);
      const dressed = dress(page, view, words);
      const data = {
        ...dressed,
        page,
        t: nest(words.messages),
        language: words.language,
        tenantName: tenant.name,
        issuer: tenant.issuer,
        pageTitle: dressed['title'] ?? words.messages[`${page}.title`] ?? tenant.name,
      };
      return mustache.render(template(tenant, 'layout'), data, { content: template(tenant, page) });
    },
    mail(tenant, name, { seconds, at, change, ...given }, languages) {
      const words = wordsOf(tenant, languages);
      const gaps = {
        ...given,
        ...(seconds === undefined ? {} : { duration: sayDuration(words, Number(seconds)) }),
        ...(at === undefined ? {} : { time: sayInstant(words, Number(at)) }),
        ...(change === undefined ? {} : { change: say(words, `mail.change-${change}`) }),
      };
      const subject = say(words, `mail.${name}-subject`, gaps).replace(/\s+/g, ' ');
      // A gap that is empty leaves no paragraph behind.
      const text = say(words, `mail.${name}-text`, gaps).replace(/\n{3,}/g, '\n\n');
      const paragraphs = text.split(/\n{2,}/).map((paragraph) => ({
        text: paragraph,
        link: /^https?:\/\/\S+$/.test(paragraph),
      }));
      const html = mustache.render(template(tenant, 'mail'), {
        language: words.language,
        subject,
        paragraphs,
        tenantName: tenant.name,
      });
      return { subject, text: `${text}\n`, html };
    },
    asset(tenant, name) {
      const type = types[/^[A-Za-z0-9_-]+\.([a-z0-9]+)$/.exec(name)?.[1] ?? ''];
      const body = type ? layers(tenant, name)[0]?.body : undefined;
      return type && body ? { type, body } : undefined;
    },
    languages(tenant) {
      const names = placesOf(tenant, 'messages').flatMap((path) => (existsSync(path) ? readdirSync(path) : []));
      return [...new Set(names.flatMap((name) => /^([a-z]{2,3})\.json$/.exec(name)?.[1] ?? []))].sort();
    },
  };
}

function parseMessages(text: string): Messages {
  const messages = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
  if (
    messages === null ||
    typeof messages !== 'object' ||
    Object.values(messages).some((one) => typeof one !== 'string')
  )
    throw new Error('messages are an object of texts');
  return messages as Messages;
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
