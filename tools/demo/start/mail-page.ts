/** The mailbox of the demo: what its tenants would have sent. */
import type { DemoMail } from '../options.ts';
import { html, type Markup, page } from './html.ts';

/** A line that is an address and nothing else can be followed. */
function line(text: string): Markup {
  return /^https?:\/\/\S+$/.test(text) ? html`<p><a href="${text}">${text}</a></p>` : html`<p>${text}</p>`;
}

function mail({ to, subject, text, at }: DemoMail): Markup {
  const lines = text
    .split('\n')
    .filter((one) => one !== '')
    .map(line);
  return html`<article class="card">
    <h2>${subject}</h2>
    <p class="quiet">to ${to}, ${new Date(at).toISOString().replace('T', ' ').slice(0, 16)} UTC</p>
    ${lines}
  </article>`;
}

/** Renders the mailbox. */
export function mailPage(mails: readonly DemoMail[]): string {
  const content =
    mails.length === 0
      ? [
          html`<p>
            No mail was sent yet. Create an account or ask for another password on a log-in page, and it comes here.
          </p>`,
        ]
      : mails.map(mail);
  return page(
    'Mail – Sallyport',
    html`<h1>Mail</h1>
      <p class="lead">The demo has no mail server: what its tenants would send stays here until the server ends.</p>
      ${content}`,
  );
}
