/** A person with a browser that has no JavaScript: keeps cookies, follows redirects, fills in the pages' forms. */
export interface Page {
  readonly url: string;
  readonly status: number;
  readonly body: string;
}

export interface Person {
  readonly cookies: Map<string, string>;
  /** Follows redirects until a page, or an address that is not the server's. */
  open(url: string, form?: URLSearchParams): Promise<Page>;
  /** Sends the page's form with its hidden fields and these values. */
  submit(page: Page, values: Readonly<Record<string, string | readonly string[]>>): Promise<Page>;
  /** Logs in, picks the first context, accepts terms, approves and has that remembered, until the app is reached. */
  walk(
    page: Page,
    options: { readonly username: string; readonly password?: string; readonly choice?: string },
  ): Promise<URL>;
}

/** @param more headers that a proxy in between would add. */
export function createPerson(server: string, more: Readonly<Record<string, string>> = {}): Person {
  const cookies = new Map<string, string>();
  async function open(url: string, form?: URLSearchParams): Promise<Page> {
    let address = url;
    let body = form;
    for (let hop = 0; hop < 20; hop += 1) {
      if (!address.startsWith(`${server}/`) || address.startsWith(`${server}/app/`))
        return { url: address, status: 302, body: '' };
      const path = new URL(address).pathname;
      const sent = [...cookies]
        .filter(([key]) => path.startsWith(key.split(' ')[0] ?? ''))
        .map(([key, value]) => `${key.split(' ')[1]}=${value}`);
      const answer = await fetch(address, {
        redirect: 'manual',
        headers: { ...more, ...(sent.length > 0 ? { cookie: sent.join('; ') } : {}) },
        ...(body ? { method: 'POST', body } : {}),
      });
      for (const cookie of answer.headers.getSetCookie()) {
        const [pair = ''] = cookie.split(';');
        const at = /path=([^;]*)/i.exec(cookie)?.[1] ?? '/';
        cookies.set(`${at} ${pair.slice(0, pair.indexOf('='))}`, pair.slice(pair.indexOf('=') + 1));
      }
      const location = answer.headers.get('location');
      if (!location) return { url: address, status: answer.status, body: await answer.text() };
      address = new URL(location, address).href;
      body = undefined;
    }
    throw new Error('too many redirects');
  }
  async function submit(page: Page, values: Readonly<Record<string, string | readonly string[]>>): Promise<Page> {
    const action = unescapeHtml(/<form[^>]* action="([^"]+)"/.exec(page.body)?.[1] ?? '');
    const form = new URLSearchParams();
    for (const [, name = '', value = ''] of page.body.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g))
      form.append(name, unescapeHtml(value));
    for (const [, name = '', value = ''] of page.body.matchAll(
      /<input type="checkbox" name="([^"]+)" value="([^"]*)" checked/g,
    )) {
      if (!(name in values)) form.append(name, unescapeHtml(value));
    }
    for (const [name, value] of Object.entries(values))
      for (const one of [value].flat()) form.append(name, one as string);
    return open(new URL(action, page.url).href, form);
  }
  return {
    cookies,
    open,
    submit,
    async walk(first, { username, password = 'demo-password', choice = '0' }) {
      let page = first;
      for (let step = 0; step < 10; step += 1) {
        if (page.status === 302) return new URL(page.url);
        if (page.body.includes('name="password"')) page = await submit(page, { username, password, do: 'login' });
        else if (page.body.includes('name="choice"')) page = await submit(page, { choice, do: 'choose' });
        else if (page.body.includes('value="accept"')) page = await submit(page, { do: 'accept' });
        else if (page.body.includes('value="approve"')) {
          const remember: Record<string, string> = page.body.includes('name="remember"') ? { remember: 'yes' } : {};
          page = await submit(page, { do: 'approve', ...remember });
        } else
          throw new Error(
            `an unexpected page: ${page.status} ${page.body
              .replace(/<[^>]+>/g, ' ')
              .replace(/\s+/g, ' ')
              .slice(0, 400)}`,
          );
      }
      throw new Error('the flow does not end');
    },
  };
}

function unescapeHtml(text: string): string {
  return text
    .replaceAll('&#x2F;', '/')
    .replaceAll('&#x3D;', '=')
    .replaceAll('&#x60;', '`')
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
