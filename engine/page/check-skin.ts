/** Finds what is wrong with the templates and messages of a skin, without a server. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import mustache from 'mustache';
import { didYouMean } from '../tenant/problem.ts';
import { formFields, type PageName } from './view.ts';

export interface SkinFault {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** An error loses people their way; a warning is probably not meant. */
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly hint: string;
}

type Messages = Readonly<Record<string, unknown>>;

/** Keys that skins make up by what they name: scopes, errors, types of records. */
const open = /^((scope|scope-detail|scope-warning|type|kind|sex|group|error)\.|context\.title-)/;

/**
 * Holds a folder of templates and messages against what the pages need. What the folder does not have comes from the
 * default skin and is not looked at.
 * @param folder the skin's own.
 * @param defaultFolder the default skin's, which has every message in English.
 */
export function checkSkin(folder: string, defaultFolder: string): readonly SkinFault[] {
  const faults: SkinFault[] = [];
  const known = new Set(Object.keys(readMessages(join(defaultFolder, 'messages/en.json')) ?? {}));
  const used = new Set<string>();
  const messageFiles = namesIn(join(folder, 'messages'), '.json').map((name) => join(folder, 'messages', name));
  const own = new Set(messageFiles.flatMap((file) => Object.keys(readMessages(file) ?? {})));
  for (const name of namesIn(folder, '.mustache')) {
    const file = join(folder, name);
    const text = readFileSync(file, 'utf8');
    const add = (at: number, message: string, hint = '', severity: SkinFault['severity'] = 'error') =>
      faults.push({ file, line: lineAt(text, at), severity, message, hint });
    for (const [, key = ''] of text.matchAll(messageTag)) used.add(key);
    checkTemplate(name.replace('.mustache', ''), text, new Set([...known, ...own]), add);
  }
  for (const file of messageFiles) {
    const text = readFileSync(file, 'utf8');
    const messages = readMessages(file);
    if (messages === undefined) {
      const message = 'is no JSON object of texts, so none of its messages are used';
      faults.push({ file, line: 1, severity: 'error', message, hint: '' });
      continue;
    }
    for (const key of Object.keys(messages)) {
      if (known.has(key) || used.has(key) || open.test(key)) continue;
      const message = `nothing shows the message ${JSON.stringify(key)}`;
      const line = lineAt(text, text.indexOf(JSON.stringify(key)));
      faults.push({ file, line, severity: 'warning', message, hint: didYouMean(key, [...known]) });
    }
  }
  return faults;
}

const messageTag = /\{\{\{?\s*[#^&]?\s*t\.([A-Za-z0-9_.-]+)\s*\}?\}\}/g;

/** Templates that are no page. */
const others = ['layout', 'mail'];

type Add = (at: number, message: string, hint?: string, severity?: SkinFault['severity']) => void;

function checkTemplate(name: string, text: string, keys: ReadonlySet<string>, add: Add): void {
  const isPage = Object.hasOwn(formFields, name);
  if (!isPage && !others.includes(name)) {
    add(0, `no page is called ${name}`, didYouMean(name, [...Object.keys(formFields), ...others]), 'warning');
    return;
  }
  try {
    mustache.parse(text);
  } catch (error) {
    const told = error instanceof Error ? error.message : 'it cannot be read';
    add(
      Number(/ at (\d+)$/.exec(told)?.[1] ?? 0),
      told.replace(/ at \d+$/, ''),
      'the default template is used instead',
    );
    return;
  }
  for (const match of text.matchAll(messageTag)) {
    const key = match[1] ?? '';
    if (!keys.has(key)) add(match.index, `there is no message ${key}`, didYouMean(key, [...keys]));
  }
  const inline = /<(?:script(?![^>]*\ssrc="\{\{script\}\}")|style)\b|<[a-z][^>]*\s(?:style|on[a-z]+)\s*=/gi;
  for (const { index } of text.matchAll(inline))
    add(index, 'scripts and styles within a page are not run', 'put styles into a .css file of the skin', 'warning');
  if (name === 'layout') {
    if (!/\{\{>\s*content\s*\}\}/.test(text)) add(0, 'the page itself is not shown', 'add {{> content}}');
  } else if (isPage) checkForms(text, formFields[name as PageName], add);
}

function checkForms(text: string, fields: readonly string[], add: Add): void {
  if (fields.length === 0) return;
  const forms = [...text.matchAll(/<form\b[^>]*>/gi)];
  const posts = forms.filter(([tag]) => /\bmethod\s*=\s*["']?post\b/i.test(tag));
  if (posts.length === 0)
    add(forms[0]?.index ?? 0, 'there is no form that posts', 'add <form method="post" action="{{action}}">');
  for (const match of forms)
    if (!/\baction\s*=\s*["']\{\{action\}\}["']/.test(match[0]))
      add(match.index, 'the form does not lead to the page’s action', 'write action="{{action}}"');
  for (const { index } of posts) {
    const end = text.indexOf('</form', index);
    const body = text.slice(index, end < 0 ? undefined : end);
    if (!tagsOf(body).some((tag) => hasField(tag, 'csrf') && tag.includes('{{csrf}}')))
      add(index, 'the form does not send csrf', 'add <input type="hidden" name="csrf" value="{{csrf}}">');
  }
  const place = posts[0]?.index ?? 0;
  const tags = tagsOf(text);
  for (const field of fields.filter((one) => one !== 'csrf'))
    if (!tags.some((tag) => hasField(tag, field))) {
      const [nameOf = '', value] = field.split('=', 2);
      const what = value === undefined ? `the field ${nameOf}` : `a button ${field}`;
      add(
        place,
        `the page cannot send ${what}`,
        `it needs name="${nameOf}"${value === undefined ? '' : ` value="${value}"`}`,
      );
    }
}

function tagsOf(text: string): readonly string[] {
  return text.replace(/<!--[\s\S]*?-->/g, '').match(/<(?:input|button|select|textarea)\b[^>]*>/gi) ?? [];
}

function hasField(tag: string, field: string): boolean {
  const [name = '', value] = field.split('=', 2);
  const attribute = (key: string, text: string) =>
    new RegExp(`\\s${key}\\s*=\\s*(["']?)${text}\\1[\\s/>]`, 'i').test(tag);
  return attribute('name', name) && (value === undefined || attribute('value', value));
}

function namesIn(folder: string, ending: string): readonly string[] {
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith(ending))
        .sort()
    : [];
}

function readMessages(file: string): Messages | undefined {
  try {
    const messages = JSON.parse(readFileSync(file, 'utf8')) as Messages | null;
    const fits = typeof messages === 'object' && messages !== null && !Array.isArray(messages);
    return fits && Object.values(messages).every((text) => typeof text === 'string') ? messages : undefined;
  } catch {
    return undefined;
  }
}

function lineAt(text: string, index: number): number {
  return text.slice(0, Math.max(0, index)).split('\n').length;
}
