/** Puts the files of a skin into a page, as its frame has no address of its own and may load nothing. */
import type { PageRenderer } from '../../engine/page/view.ts';
import type { Tenant } from '../../engine/tenant/tenant.ts';

/** Where the page puts its own nonce: the frame is under the policy of the page that holds it. */
export const nonceMark = 'nonce-of-the-page';

type Inline = (tenant: Tenant, html: string) => string;

export function createInliner(pages: Pick<PageRenderer, 'asset'>): Inline {
  return (tenant, html) =>
    html
      .replace(/<link\b[^>]*\bhref="[^"]*\/skin\/([A-Za-z0-9_-]+\.css)"[^>]*>/g, (_link, name: string) => {
        const css = pages.asset(tenant, name)?.body.toString('utf8') ?? '';
        return `<style nonce="${nonceMark}">${css.replace(/<\/(?=style)/gi, '<\\/')}</style>`;
      })
      .replace(/\b(src)="[^"]*\/skin\/([A-Za-z0-9_-]+\.[a-z0-9]+)"/g, (_attribute, attribute: string, name: string) => {
        const asset = pages.asset(tenant, name);
        return `${attribute}="${asset ? `data:${asset.type};base64,${asset.body.toString('base64')}` : ''}"`;
      })
      .replace(/<link\b[^>]*\brel="icon"[^>]*>/g, '')
      // Links lead nowhere: what the frame shows must stay.
      .replace(/(<a\b[^>]*\bhref=)"[^"]*"/g, '$1"about:srcdoc#"')
      // A frame may not take the focus from the page.
      .replace(/(<[^>]*?)\sautofocus(?=[\s>])/g, '$1');
}
