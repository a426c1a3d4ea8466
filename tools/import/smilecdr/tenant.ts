/** One SMART Outbound Security module becomes one tenant. */
import { applyRules } from './apply-rules.ts';
import { importClient } from './clients.ts';
import { type Draft, type ImportContext, resolveSetting, unusedName } from './draft.ts';
import { importInbound } from './inbound.ts';
import { importKeys } from './keystores.ts';
import type { Configuration, Module, Setting } from './modules.ts';
import { outboundRules } from './rules/outbound.ts';
import { isTrue } from './rules/rule.ts';
import { addScript, needsOf, scriptOf } from './scripts.ts';
import type { SeedItem } from './seed-file.ts';
import type { Seeds } from './seeds.ts';
import { importServer } from './servers.ts';

export interface TenantOptions {
  /** Instead of the module's own. */
  readonly issuer?: string | undefined;
  readonly outboundIds: readonly string[];
}

/** Stands in for an issuer that is a fault, so that all other faults are found, too. Nothing is written then. */
const noIssuer = 'https://issuer.invalid';

function issuerOf(context: ImportContext, module: Module, given: string | undefined): string {
  const setting = module.config.get('issuer.url');
  const { report } = context;
  const at = setting ?? module.typeAt;
  const place = setting ? setting.place : `module.${module.id}.config.issuer.url`;
  const found = given ?? (setting && resolveSetting(context, setting)?.trim());
  if (found === undefined || found === '') {
    if (setting === undefined || found === '')
      report.fault(at.source.name, place, 'It is missing; it may be given by --issuer.');
    return noIssuer;
  }
  const issuer = found.replace(/\/+$/, '');
  if (!URL.canParse(issuer)) {
    report.fault(at.source.name, place, 'It is no URL; another one may be given by --issuer.');
    return noIssuer;
  }
  const { protocol, hostname } = new URL(issuer);
  if (protocol !== 'https:' && !(protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname))) {
    report.fault(
      at.source.name,
      place,
      `It is ${issuer}, and an issuer must be https unless it is on loopback; another one may be given by --issuer.`,
    );
    return noIssuer;
  }
  if (given !== undefined)
    report.add(
      'differs',
      at.source.name,
      place,
      `\`issuer\` is ${issuer}, as --issuer says: resource servers have to trust it.`,
    );
  else if (issuer !== found)
    report.add(
      'differs',
      at.source.name,
      place,
      `\`issuer\` is ${issuer}, without the slash at its end: tell resource servers that compare exactly.`,
    );
  else report.add('carried', at.source.name, place, `\`issuer\` is ${issuer}.`);
  return issuer;
}

/** FHIR servers of an audience list, or of the FHIR endpoints that trust the module. */
function importFhirServers(context: ImportContext, draft: Draft, module: Module, { modules }: Configuration): void {
  const { report } = context;
  const add = (text: string, setting: Setting): void => {
    const url = text.replace(/\/+$/, '');
    const servers = draft.document.fhirServers ?? [];
    if (!URL.canParse(url))
      return report.add(
        'missing',
        setting.source.name,
        setting.place,
        'It holds something that is no address. Nothing was made of that.',
      );
    if (servers.some((server) => server.url === url)) return;
    const last = new URL(url).pathname.split('/').findLast((step) => /^[A-Za-z0-9][A-Za-z0-9_.-]{0,90}$/.test(step));
    const name = unusedName(last ?? 'fhir', (taken) => servers.some((server) => server.name === taken));
    draft.document.fhirServers = [...servers, { name, url }];
    report.add('carried', setting.source.name, setting.place, `\`fhirServers\`: ${url} is the FHIR server ${name}.`);
  };
  const list = module.config.get('allowed_audience_list');
  const named = list === undefined ? '' : (resolveSetting(context, list) ?? '');
  for (const url of named.split(/\s+/)) if (list && url !== '') add(url, list);
  if (draft.document.fhirServers?.length) return;
  const endpoints = modules.filter(({ type }) => type.startsWith('ENDPOINT_FHIR_REST'));
  const trusts = (endpoint: Module, ids: readonly string[]) =>
    [...endpoint.requires.values()].some(({ value }) => ids.includes(value.trim()));
  const trusting = endpoints.filter((endpoint) => trusts(endpoint, [module.id]));
  const outboundIds = modules.filter(({ type }) => type === 'SECURITY_OUT_SMART').map(({ id }) => id);
  const undecided = endpoints.filter((endpoint) => !trusts(endpoint, outboundIds));
  for (const { config } of trusting.length > 0 ? trusting : undecided) {
    const setting = config.get('base_url.fixed');
    const url = setting && resolveSetting(context, setting)?.trim();
    if (setting && url && URL.canParse(url)) add(url, setting);
  }
  const at = list ?? module.typeAt;
  const place = list ? list.place : `module.${module.id}.config.allowed_audience_list`;
  if (draft.document.fhirServers?.length)
    report.add(
      'differs',
      at.source.name,
      place,
      'It is empty, so that any `aud` was accepted: only the FHIR servers of this configuration are.',
    );
  else {
    report.add(
      'missing',
      at.source.name,
      place,
      'It is empty, so that any `aud` was accepted. Here none is before the FHIR servers stand in `fhirServers`.',
    );
    report.step(
      `Name the FHIR servers of the tenant ${module.id} in \`fhirServers\`: apps say in \`aud\` which one they want.`,
    );
  }
}

function reportDependencies({ report }: ImportContext, module: Module): void {
  for (const [type, { source, place }] of module.requires) {
    if (type === 'SECURITY_IN_UP') continue;
    if (type.startsWith('PERSISTENCE'))
      report.add(
        'differs',
        source.name,
        place,
        'Scripts reach FHIR over HTTP: `Fhir` is the first of `fhirServers`, with the credential in its `access`.',
      );
    else if (type === 'CLUSTERMGR') report.add('differs', source.name, place, 'The database is `DATABASE_URL`.');
    else report.add('missing', source.name, place, 'There is no such dependency here.');
  }
}

/** What the tenant's scripts will ask for, which Smile CDR never asked about. */
function allowNeeds(context: ImportContext, draft: Draft): void {
  const { document } = draft;
  const { report } = context;
  for (const [path, { content }] of draft.files) {
    if (!path.endsWith('.js')) continue;
    const file = `${path} of ${document.id}`;
    const needs = needsOf(content);
    if (needs.called.length > 0) {
      document.outboundHttp = {
        ...document.outboundHttp,
        allow: [...new Set([...(document.outboundHttp?.allow ?? []), ...needs.called])],
      };
      report.add(
        'differs',
        file,
        'Http',
        `Scripts call listed hosts only. It calls ${needs.called.join(', ')}, which \`outboundHttp.allow\` lists now.`,
      );
    }
    if (needs.named.length > 0)
      report.add(
        'differs',
        file,
        'Http',
        `It names ${needs.named.join(', ')}. Add to \`outboundHttp.allow\` what of these it calls, and hosts it puts together otherwise.`,
      );
    for (const name of needs.variables) {
      document.environment = { ...document.environment, [name]: { env: name } };
      draft.variables.add(name);
      report.add(
        'differs',
        file,
        `Environment.getEnv('${name}')`,
        'Scripts read listed variables only; `environment` lists it now.',
      );
      report.step(`Set ${name} in the server's environment, which a script reads; or take it out of \`environment\`.`);
    }
    const [server, ...others] = document.fhirServers ?? [];
    if (needs.fhir === 'none') continue;
    if (!server) report.add('missing', file, 'Fhir', 'It uses `Fhir`, which needs a FHIR server in `fhirServers`.');
    else {
      const writes =
        needs.fhir === 'writes' || (server.access?.type === 'own-token' && server.access.scope.endsWith('cruds'));
      const scope = writes ? 'system/*.cruds' : 'system/*.rs';
      document.fhirServers = [{ ...server, access: { type: 'own-token', scope } }, ...others];
      report.add(
        'differs',
        file,
        'Fhir',
        `Smile CDR read its own storage without a question. Here \`Fhir\` calls ${server.url} with a token of this tenant for ${scope}, which the FHIR server has to accept.`,
      );
    }
  }
}

/** Two items of one name are a fault: which one is meant is not known. */
function once<Document>(
  documents: readonly Document[],
  nameOf: (document: Document) => string,
  document: Document,
  item: SeedItem,
  field: string,
): boolean {
  if (!documents.some((known) => nameOf(known) === nameOf(document))) return true;
  item.fault(field, `There is another one called ${nameOf(document)}. Decide which of them is meant.`);
  return false;
}

export async function importTenant(
  context: ImportContext,
  configuration: Configuration,
  module: Module,
  seeds: Seeds,
  options: TenantOptions,
): Promise<Draft> {
  const issuer = issuerOf(context, module, options.issuer);
  const draft: Draft = { document: { id: module.id, name: module.id, issuer }, files: new Map(), variables: new Set() };
  const { document } = draft;
  const { report } = context;
  report.add(
    'carried',
    module.typeAt.source.name,
    module.typeAt.place,
    `The tenant ${module.id}. People see its \`name\`, which is the same: give it a better one.`,
  );
  importFhirServers(context, draft, module, configuration);
  applyRules(context, draft, module, outboundRules);
  reportDependencies(context, module);
  await importKeys(context, draft, module, seeds.keystores());

  const callbacks = await scriptOf(context, module, 'post_authorize_script');
  if (callbacks)
    document.scripts = {
      callbacks: addScript(context, draft, callbacks, { name: 'callbacks', what: '`scripts.callbacks`' }),
    };
  const codap = await scriptOf(context, module, 'codap.auth_script');
  if (codap)
    document.scripts = {
      ...document.scripts,
      codapAuthorization: addScript(context, draft, codap, { name: 'codap', what: '`scripts.codapAuthorization`' }),
    };

  await importInbound(context, draft, configuration, module, seeds);
  await importServers(context, draft, module, seeds, options.outboundIds);
  const encoding = module.config.get('client_secret.encoding')?.value.trim();
  for (const item of seeds.of(module.id, 'clients', options.outboundIds)) {
    const client = importClient(context, draft, item, encoding);
    if (client && once(document.clients ?? [], ({ clientId }) => clientId, client, item, 'clientId'))
      document.clients = [...(document.clients ?? []), client];
  }
  allowNeeds(context, draft);
  return draft;
}

async function importServers(
  context: ImportContext,
  draft: Draft,
  module: Module,
  seeds: Seeds,
  outboundIds: readonly string[],
): Promise<void> {
  const { document } = draft;
  const setting = module.config.get('federate_mode.enabled');
  const federates = setting !== undefined && isTrue(resolveSetting(context, setting) ?? '');
  for (const item of seeds.of(module.id, 'servers', outboundIds)) {
    if (!federates) {
      item.add('differs', '', 'The module does not federate, so that nobody logs in there. It is not brought over.');
      continue;
    }
    const provider = await importServer(context, draft, item);
    if (provider && once(document.providers ?? [], (known) => known.issuer, provider, item, 'issuer'))
      document.providers = [...(document.providers ?? []), provider];
  }
  if (federates && !document.providers?.length)
    context.report.fault(
      setting.source.name,
      setting.place,
      'The module federates, but no server definition could be brought over: nobody could log in.',
    );
}
