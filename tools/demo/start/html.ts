/** Markup made from data: whatever is put into a template is escaped, unless it is markup made here. */

export interface Markup {
  readonly markup: string;
}

type Part = string | number | Markup | readonly Markup[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function render(part: Part): string {
  if (typeof part === 'object') return 'markup' in part ? part.markup : part.map(({ markup }) => markup).join('');
  return String(part).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** A template tag: `` html`<p>${anything}</p>` ``. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return {
    markup: texts.map((text, index) => text + (index < parts.length ? render(parts[index] ?? '') : '')).join(''),
  };
}

export const NOTHING: Markup = { markup: '' };

/** The frame of every page of the demo; it has no script and no inline style, which its policy forbids. */
export function page(title: string, content: Markup): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="icon" href="/app/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/app/style.css" />
        <link rel="stylesheet" href="/app/data.css" />
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        <header class="top">
          <div class="page">
            <a class="brand" href="/">Sallyport</a>
            <nav aria-label="Site">
              <a href="/app/">Sample app</a><a href="/demo/traces">Flows</a><a href="/mail">Mail</a>
            </nav>
          </div>
        </header>
        <main id="main" class="page" tabindex="-1">${content}</main>
      </body>
    </html>`.markup;
}
