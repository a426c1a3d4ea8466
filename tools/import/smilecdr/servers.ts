/** OpenID Connect server definitions of a federating module become `providers`. */
import type { ProviderDocument } from '../../../engine/tenant/document.ts';
import { addScript, joinScripts, type ScriptText } from './scripts.ts';
import { type Draft, findFile, type ImportContext, nameOf, placeholder, takeSecret, unusedName } from './draft.ts';
import { allowPrivate } from './key-text.ts';
import { decodeProperties } from './properties.ts';
import { serverFields } from './rules/fields.ts';
import type { SeedItem } from './seed-file.ts';

/** Fields about which there is something to say wherever they are filled in. */
const told = serverFields.filter(
  ({ outcome, field }) =>
    outcome !== 'carried' && !['pid', 'nodeId', 'moduleId', 'archivedAt', 'federationRegistrationId'].includes(field),
);

async function scriptOf(context: ImportContext, item: SeedItem): Promise<ScriptText | undefined> {
  const [file, text, mapping] = [
    item.text('federationAuthScriptFile'),
    item.text('federationAuthScriptText'),
    item.text('federationUserMappingScriptText'),
  ];
  let authentication = text;
  if (file !== undefined) {
    if (text !== undefined)
      item.add('differs', 'federationAuthScriptText', 'There is a file, too, and the file counts.');
    const source = await findFile(context, { value: file, ...item.at('federationAuthScriptFile') });
    if (!source) return undefined;
    authentication = decodeProperties(source.bytes);
  }
  const field =
    file !== undefined
      ? 'federationAuthScriptFile'
      : text !== undefined
        ? 'federationAuthScriptText'
        : 'federationUserMappingScriptText';
  if (authentication !== undefined && mapping !== undefined) {
    item.add(
      'carried',
      'federationUserMappingScriptText',
      '`federationAuth`, in one file with the authentication script.',
    );
    return { ...item.at(field), text: joinScripts(authentication, mapping) };
  }
  const only = authentication ?? mapping;
  return only === undefined ? undefined : { ...item.at(field), text: only };
}

/** @returns undefined for a server that is not brought over. */
export async function importServer(
  context: ImportContext,
  draft: Draft,
  item: SeedItem,
): Promise<ProviderDocument | undefined> {
  item.checkFields(serverFields);
  const issuer = item.text('issuer')?.replace(/\/+$/, '');
  const name = item.text('name') ?? issuer;
  if (issuer === undefined || name === undefined || !URL.canParse(issuer)) {
    item.fault('issuer', 'It is no address of an issuer.');
    return undefined;
  }
  if (item.text('archivedAt') !== undefined) {
    item.add('differs', 'archivedAt', `The server ${name} is archived and is not brought over.`);
    return undefined;
  }
  const clientId = item.text('tokenIntrospectionClientId');
  if (clientId === undefined) {
    item.add(
      'missing',
      'tokenIntrospectionClientId',
      `The server ${name} has no client id, so that nobody can log in there. It is not brought over.`,
    );
    return undefined;
  }
  const id = unusedName(nameOf(name, 'provider').toLowerCase(), (taken) =>
    (draft.document.providers ?? []).some((provider) => provider.id === taken),
  );
  const raw = item.raw('tokenIntrospectionClientSecret');
  const secret =
    raw &&
    (takeSecret(context, draft, raw, item.at('tokenIntrospectionClientSecret'), {
      what: `The secret at ${name}`,
      name: `provider-${id}`,
      isHashed: false,
    }) ??
      placeholder(context, draft, `${id}_SECRET`, `the secret that this server has at ${name}, which is in no file.`));
  const script = await scriptOf(context, item);
  const federationAuth =
    script &&
    addScript(context, draft, script, {
      folder: 'providers',
      name: id,
      what: `\`federationAuth\` of the provider ${id}`,
      ...(item.text('federationUserMappingScriptText') === undefined ? {} : { how: 'with the user mapping script' }),
    });
  for (const { field, outcome, text } of told) if (item.text(field) !== undefined) item.add(outcome, field, text);
  allowPrivate(context, draft, issuer, item, 'issuer');
  const callback = `${draft.document.issuer}/federation/callback/${id}`;
  context.report.step(`Register ${callback} as a redirect URI of the client ${clientId} at ${name}.`);
  item.add('carried', '', `The server ${name} is the provider ${id}.`);
  item.add('differs', 'federationRegistrationId', `People come back to ${callback}, which has to be registered there.`);
  return {
    id,
    name,
    issuer,
    clientId,
    ...(secret ? { clientSecret: secret as { file: string } | { env: string } } : {}),
    scopes: [...new Set(['openid', ...item.texts('federationRequestScopes')])],
    ...(federationAuth === undefined ? {} : { federationAuth }),
  };
}
