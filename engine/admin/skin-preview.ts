/**
 * Shows every page of a skin with sample data, at `/admin/skins/preview`. Open to all where nothing but demo tenants is
 * served, else to who holds a token of the admin API: as HTTP Basic, since a browser asks for that by itself (RFC 7617).
 */
import { readdir } from 'node:fs/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { pageHeaders } from '../oauth/http.ts';
import { sampleGaps, samplePages } from '../page/samples.ts';
import { errorCodes, mailNames, type PageName, type PageRenderer } from '../page/view.ts';
import type { AdminToken, Store } from '../store/store.ts';
import type { TenantDirectory } from '../tenant/tenant.ts';
import { findActor } from './browser-access.ts';
import { wholeServer } from './calls.ts';
import { permits } from './role.ts';

export interface SkinPreviewOptions {
  /** The address this is mounted at. */
  readonly url: string;
  readonly pages: PageRenderer;
  /** Holds the skins that are shipped. */
  readonly skinsFolder: string;
  readonly directory: Pick<TenantDirectory, 'all'>;
  readonly store: Pick<Store, 'adminTokens' | 'audit'>;
}

/** A skin as a tenant would wear it. */
interface Look {
  /** As in addresses: `harbor`, or `clinic:skins/blue` for a tenant's own. */
  readonly key: string;
  readonly label: string;
  readonly tenantName: string;
  readonly skin: string;
  readonly folder: string;
}

type Params = { readonly look: string; readonly language: string; readonly page: string };

export async function skinPreview(server: FastifyInstance, options: SkinPreviewOptions): Promise<void> {
  const { url, pages, directory } = options;
  // Whatever a form of a sample sends is not even read.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume();
    done(null, undefined);
  });

  const actors = new WeakMap<FastifyRequest, AdminToken>();
  server.addHook('onRequest', async (request, reply) => {
    const { authorization } = request.headers;
    if (authorization === undefined && directory.all().every(({ demo }) => demo)) return;
    const actor = await findActor(authorization, options.store.adminTokens);
    if (actor && permits(actor.role, 'read')) {
      actors.set(request, actor);
      return;
    }
    if (authorization !== undefined)
      await options.store.audit.record({
        tenantId: wholeServer,
        at: Date.now(),
        type: 'admin.refused',
        outcome: 'failure',
        reason: actor ? 'role' : 'token-unknown',
        details: { call: 'previewSkins' },
      });
    return reply
      .code(actor ? 403 : 401)
      .headers({
        ...pageHeaders([]),
        ...(actor ? {} : { 'www-authenticate': 'Basic realm="Sallyport skins", charset="UTF-8"' }),
      })
      .send(
        document(
          'Administrators only',
          '<p>Log in with any name and, as the password, a token of the admin API that may read.</p>',
        ),
      );
  });

  async function looksFor(request: FastifyRequest): Promise<readonly Look[]> {
    const shipped = (await readdir(options.skinsFolder)).sort().map((skin) => ({
      key: skin,
      label: skin,
      tenantName: 'General Hospital',
      skin,
      folder: options.skinsFolder,
    }));
    const seen = actors.get(request)?.tenants;
    const own = directory
      .all()
      .filter(({ id, skin }) => (seen?.includes(id) ?? true) && !shipped.some((look) => look.skin === skin))
      .map(({ id, name, skin, folder }) => ({
        key: `${id}:${skin}`,
        label: `${skin}, of ${name}`,
        tenantName: name,
        skin,
        folder,
      }));
    return [...shipped, ...own];
  }

  server.get<{ Querystring: { look?: unknown; language?: unknown } }>('/', async (request, reply) => {
    const looks = await looksFor(request);
    const look = looks.find(({ key }) => key === request.query.look) ?? looks[0];
    if (!look) return notThere(reply);
    const languages = pages.languages(look);
    const language = languages.find((one) => one === request.query.language) ?? 'en';
    return reply.headers(pageHeaders([])).send(listPage({ url, looks, look, languages, language }));
  });

  server.get<{ Params: { look: string; file: string } }>('/:look/skin/:file', async (request, reply) => {
    const { look: key, file } = request.params;
    const look = (await looksFor(request)).find((one) => one.key === key);
    const asset = look && pages.asset(look, file);
    if (!asset) return notThere(reply);
    return reply
      .headers({ 'content-type': asset.type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
      .send(asset.body);
  });

  server.get<{ Params: Params; Querystring: { error?: string } }>('/:look/:language/:page', async (request, reply) => {
    const { look: key, language, page } = request.params;
    const look = (await looksFor(request)).find((one) => one.key === key);
    const samples = samplePages(undefined, addressOf(url, request.params));
    const mail = mailNames.find((one) => page === `mail-${one}`);
    if (!look || !pages.languages(look).includes(language) || (!mail && !Object.hasOwn(samples, page)))
      return notThere(reply);
    const name = page as PageName;
    const tenant = {
      id: key,
      name: look.tenantName,
      issuer: `${url}/${encodeURIComponent(key)}`,
      skin: look.skin,
      folder: look.folder,
    };
    if (mail) return reply.headers(pageHeaders([])).send(pages.mail(tenant, mail, sampleGaps, [language]).html);
    const view = withError(samples[name], request.query.error);
    return reply.headers(pageHeaders([])).send(pages.render(tenant, name, view as never, [language]));
  });
  server.post<{ Params: Params }>('/:look/:language/:page', async (request, reply) =>
    reply.headers(pageHeaders([])).redirect(addressOf(url, request.params), 303),
  );
  server.setNotFoundHandler(async (_request, reply) => notThere(reply));
}

/** The sample without what went wrong, or with one of the errors of the page that is called so. */
function withError(view: object, error: string | undefined): object {
  if (error === 'none')
    return Object.fromEntries(Object.entries(view).filter(([name]) => name !== 'error' && name !== 'ended'));
  return error !== undefined && 'code' in view && errorCodes.some((code) => code === error)
    ? { ...view, code: error }
    : view;
}

function addressOf(url: string, { look, language, page }: Params): string {
  return `${url}/${[look, language, page].map(encodeURIComponent).join('/')}`;
}

function notThere(reply: FastifyReply): FastifyReply {
  return reply.code(404).headers(pageHeaders([])).send(document('Not there', '<p>There is no such page.</p>'));
}

function listPage(list: {
  readonly url: string;
  readonly looks: readonly Look[];
  readonly look: Look;
  readonly languages: readonly string[];
  readonly language: string;
}): string {
  const { url, look, looks, language, languages } = list;
  const option = (value: string, label: string, chosen: string) =>
    `<option value="${escape(value)}"${value === chosen ? ' selected' : ''}>${escape(label)}</option>`;
  const at = (page: string) => addressOf(url, { look: look.key, language, page });
  const link = (address: string, words: string) => `<a class="target" href="${escape(address)}">${escape(words)}</a>`;
  const entries = Object.entries(samplePages()).map(([page, view]) => {
    const calm = 'error' in view ? ` ${link(`${at(page)}?error=none`, 'without the error')}` : '';
    return `<li>${link(at(page), page)}${calm}</li>`;
  });
  const mails = mailNames.map((name) => `<li>${link(at(`mail-${name}`), name)}</li>`);
  const errors = errorCodes.map((code) => `<li>${link(`${at('error')}?error=${code}`, code)}</li>`);
  return document(
    'Pages of a skin',
    `<p class="lead">Every page, with people who are made up. Nothing that a form here sends is kept.</p>
<form method="get" action="${escape(url)}/">
<label for="look">Skin</label>
<select id="look" name="look">${looks.map(({ key, label }) => option(key, label, look.key)).join('')}</select>
<label for="language">Language</label>
<select id="language" name="language">${languages.map((one) => option(one, one, language)).join('')}</select>
<div class="actions"><button class="primary" type="submit">Show</button></div>
</form>
<h2>Pages</h2>
<ul class="links">${entries.join('')}</ul>
<h2>Mails</h2>
<ul class="links">${mails.join('')}</ul>
<h2>Error pages</h2>
<ul class="links">${errors.join('')}</ul>`,
    `${url}/default/skin`,
  );
}

function document(title: string, content: string, styles?: string): string {
  const links =
    styles === undefined
      ? ''
      : `<link rel="stylesheet" href="${styles}/brand.css"><link rel="stylesheet" href="${styles}/style.css"><link rel="icon" href="${styles}/logo.svg">`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${title} · Sallyport</title>
${links}
</head>
<body class="preview-list">
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
