/** Small helpers to build the page with. Texts go in as texts: nothing here reads markup. */

type Child = Node | string | number | undefined | false;

interface Properties {
  readonly class?: string;
  readonly title?: string;
  readonly id?: string;
  readonly role?: string;
  readonly tabIndex?: number;
  readonly data?: Readonly<Record<string, string>>;
  readonly aria?: Readonly<Record<string, string>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
}

/** Makes an element with its children. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Properties | string = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  const {
    data = {},
    aria = {},
    on = {},
    ...plain
  } = typeof properties === 'string' ? { class: properties } : properties;
  if (plain.class !== undefined) element.className = plain.class;
  if (plain.title !== undefined) element.title = plain.title;
  if (plain.id !== undefined) element.id = plain.id;
  if (plain.role !== undefined) element.setAttribute('role', plain.role);
  if (plain.tabIndex !== undefined) element.tabIndex = plain.tabIndex;
  for (const [key, value] of Object.entries(data)) element.dataset[key] = value;
  for (const [key, value] of Object.entries(aria)) element.setAttribute(`aria-${key}`, value);
  for (const [key, listener] of Object.entries(on)) element.addEventListener(key, listener);
  for (const child of children)
    if (child !== undefined && child !== false) element.append(typeof child === 'number' ? String(child) : child);
  return element;
}

/** An element that the page has. */
export function byId<Element extends HTMLElement = HTMLElement>(id: string): Element {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as Element;
}

export function options(
  select: HTMLSelectElement,
  list: readonly { readonly value: string; readonly label: string }[],
): void {
  const before = select.value;
  select.replaceChildren(
    ...list.map(({ value, label }) => {
      const option = make('option', {}, label);
      option.value = value;
      return option;
    }),
  );
  if (list.some(({ value }) => value === before)) select.value = before;
}

/** A value as JSON that a person can read. */
export function pretty(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value, undefined, 2);
}

/** A short value on one line. */
export function brief(value: unknown): string {
  return JSON.stringify(value);
}

let noticeTimer = 0;

/** Tells something across the page; an error stays until something else is told. */
export function notice(text: string, kind: 'error' | 'done' = 'done'): void {
  const place = byId('notice');
  clearTimeout(noticeTimer);
  place.hidden = text === '';
  place.textContent = text;
  place.dataset['kind'] = kind;
  if (kind === 'done' && text !== '') noticeTimer = window.setTimeout(() => (place.hidden = true), 12_000);
}
