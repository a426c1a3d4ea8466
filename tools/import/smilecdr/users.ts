/** People of a Local Inbound Security module become `users`. */
import type { UserDocument } from '../../../engine/tenant/document.ts';
import { permissionsOf } from './clients.ts';
import { hashLowEntropySecret } from '../../../engine/store/secret.ts';
import { type Draft, type ImportContext, nameOf, takeSecret } from './draft.ts';
import { userFields } from './rules/fields.ts';
import { readSecret } from './secret-text.ts';
import type { SeedItem } from './seed-file.ts';

const textOf = (field: string) => userFields.find((rule) => rule.field === field)?.text ?? '';

/** Whether the account may be used, with a word about everything that keeps it from being used. */
function isEnabled(item: SeedItem): boolean {
  const expiry = item.text('accountExpiry');
  const expired = expiry !== undefined && Date.parse(expiry) <= Date.now();
  if (item.flag('accountLocked')) item.add('differs', 'accountLocked', textOf('accountLocked'));
  if (expiry !== undefined)
    item.add(
      expired ? 'differs' : 'missing',
      'accountExpiry',
      expired ? 'The account has expired: it is not `enabled`.' : 'Accounts do not expire: disable it on that day.',
    );
  if (item.text('credentialExpiry') !== undefined) item.add('missing', 'credentialExpiry', textOf('credentialExpiry'));
  return !item.flag('accountDisabled') && !item.flag('accountLocked') && !expired;
}

function contextsOf(item: SeedItem): { contextType: string; resourceId: string }[] {
  return item.items('defaultLaunchContexts').flatMap((each) => {
    const [contextType, resourceId] = [each.text('contextType'), each.text('resourceId')];
    if (contextType !== undefined && resourceId !== undefined)
      return [{ contextType: contextType.toLowerCase(), resourceId: resourceId.replace(/^[A-Za-z]+\//, '') }];
    each.add('missing', '', 'It lacks its contextType or resourceId. Nothing was made of it.');
    return [];
  });
}

function fhirUserOf(draft: Draft, item: SeedItem): string | undefined {
  const own = item.items('associatedResources').find((each) => (each.text('type') ?? 'SELF') === 'SELF');
  const reference = own?.text('resourceId');
  const server = draft.document.fhirServers?.[0]?.url;
  if (own === undefined || reference === undefined) return undefined;
  if (server === undefined || !/^[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/.test(reference)) {
    own.add(
      'missing',
      'resourceId',
      'No `fhirUser` could be made of it: there is no FHIR server, or it is no reference such as Patient/123.',
    );
    return undefined;
  }
  own.add('differs', 'resourceId', `\`fhirUser\` is its address on ${server}.`);
  return `${server}/${reference}`;
}

/** A password is only compared: where it is known, our hash of it will do, and nobody has to read it again. */
async function passwordOf(
  context: ImportContext,
  draft: Draft,
  item: SeedItem,
  person: { readonly raw: string; readonly username: string; readonly encoding: string | undefined },
): Promise<Pick<UserDocument, 'password' | 'passwordHash'>> {
  const read = readSecret(person.raw, person.encoding, context.variables);
  if (read.kind === 'plain') {
    item.add('carried', 'password', `The password of ${person.username}, as its argon2id hash.`);
    return { passwordHash: await hashLowEntropySecret(read.text) };
  }
  const taken = takeSecret(context, draft, person.raw, item.at('password'), {
    what: `The password of ${person.username}`,
    name: `user-${nameOf(person.username, 'user')}`,
    isHashed: true,
    encoding: person.encoding,
  });
  if (taken === undefined) return {};
  return 'hash' in taken ? { passwordHash: taken.hash } : { password: taken };
}

/** @returns undefined for somebody who is not brought over. */
export async function importUser(
  context: ImportContext,
  draft: Draft,
  item: SeedItem,
  encoding: string | undefined,
): Promise<UserDocument | undefined> {
  const username = item.text('username')?.normalize('NFC');
  if (username === undefined || username.length > 255) {
    item.fault('username', 'It is no user name of up to 255 characters.');
    return undefined;
  }
  item.checkFields(userFields);
  for (const field of ['systemUser', 'external'])
    if (item.flag(field)) {
      item.add('differs', field, `${textOf(field)} This is one.`);
      return undefined;
    }
  if (item.flag('serviceAccount')) item.add('missing', 'serviceAccount', textOf('serviceAccount'));
  const factor = item.text('twoFactorAuthStatus');
  if (factor !== undefined && factor !== 'NO_KEY_DEFINED')
    item.add('missing', 'twoFactorAuthStatus', textOf('twoFactorAuthStatus'));
  const raw = item.raw('password');
  const password = raw === undefined ? {} : await passwordOf(context, draft, item, { raw, username, encoding });
  if (raw === undefined)
    item.add('missing', 'password', 'There is none: the person cannot log in before an administrator sets one.');
  const email = item.text('email');
  if (email !== undefined && !isMailAddress(email))
    item.add('missing', 'email', 'It is no mail address. Nothing was made of it.');
  const [givenName, familyName, notes] = [item.text('givenName'), item.text('familyName'), item.text('notes')];
  const fhirUser = fhirUserOf(draft, item);
  item.add('carried', '', `The user ${username}.`);
  return {
    username,
    ...password,
    ...(givenName === undefined ? {} : { givenName }),
    ...(familyName === undefined ? {} : { familyName }),
    ...(email !== undefined && isMailAddress(email) ? { email } : {}),
    enabled: isEnabled(item),
    authorities: permissionsOf(item, 'authorities'),
    ...(fhirUser === undefined ? {} : { fhirUser }),
    defaultLaunchContexts: contextsOf(item),
    ...(notes === undefined ? {} : { notes }),
  };
}

/** As strict as the schema's `email`. */
function isMailAddress(text: string): boolean {
  return /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/.test(
    text,
  );
}
