/** People who registered themselves, proved their mail address, and wait for an administrator. */
import { type ConfirmedDetails, keepTerms, keptDone } from '../../identity/registration.ts';
import type { MailName } from '../../page/view.ts';
import type { StoredRegistration } from '../../store/store.ts';
import type { Tenant } from '../../tenant/tenant.ts';
import { cut } from '../paging.ts';
import { notFound, refuse } from '../problem.ts';
import { ok, type Services, type TenantRoute } from '../route.ts';
import { instantText, object, page, pageQuery, text, userView } from '../schema.ts';

const userMembers = userView['properties'] as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
const member = (name: string) => userMembers[name] ?? {};

const registrationView = object(
  {
    id: text('Its id.'),
    username: text('The log-in name.'),
    email: text('The mail address, which was proven.'),
    givenName: member('givenName'),
    familyName: member('familyName'),
    phone: member('phone'),
    authorities: member('authorities'),
    notes: member('notes'),
    fhirUser: member('fhirUser'),
    defaultLaunchContexts: member('defaultLaunchContexts'),
    userData: member('userData'),
    clientId: text('The app whose log-in the person came from.'),
    termsVersion: text('Version of the terms of service that the person accepted.'),
    askedAt: instantText('When the form was sent.'),
    expiresAt: instantText('Until when it waits; then it is forgotten.'),
  },
  ['id', 'username', 'email', 'authorities', 'defaultLaunchContexts', 'userData', 'askedAt', 'expiresAt'],
);

function view({ id, details, createdAt, expiresAt }: StoredRegistration) {
  const { user, clientId, terms } = details as unknown as ConfirmedDetails;
  const { id: _id, enabled: _enabled, passwordHash: _hash, passwordChangedAt: _at, ...person } = user;
  return {
    id,
    ...person,
    ...(clientId === undefined ? {} : { clientId }),
    ...(terms === undefined ? {} : { termsVersion: terms.version }),
    askedAt: new Date(createdAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
  };
}

/** The decision holds whether its mail can be sent or not. */
async function tell(
  { mail }: Services,
  tenant: Tenant,
  { details }: StoredRegistration,
  name: MailName,
  gaps: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  const { user, languages } = details as unknown as ConfirmedDetails;
  return mail(tenant, user.email, name, { tenant: tenant.name, username: user.username, ...gaps }, languages);
}

const told = { type: 'boolean', description: 'Whether the person was told by mail.' };
const onRegistration = '/tenants/{tenant}/registrations/{registrationId}';

export const registrationRoutes: readonly TenantRoute[] = [
  {
    name: 'listRegistrations',
    method: 'GET',
    path: '/tenants/{tenant}/registrations',
    summary: 'People who wait for an administrator to approve their account, the longest first.',
    permission: 'read',
    query: pageQuery,
    answer: { status: 200, schema: page(registrationView) },
    commands: [{ name: 'registration list' }],
    columns: ['id', 'username', 'email', 'givenName', 'familyName', 'askedAt'],
    async run({ tenant, query }, { store, now }) {
      const limit = Number(query['limit']);
      const { after } = query;
      const place = { limit: limit + 1, ...(after === undefined ? {} : { after }) };
      const found = await store.registrations.listPending(tenant.id, place, now());
      const shown = cut(found, ({ id }) => id, limit);
      return ok({ ...shown, items: shown.items.map(view) });
    },
  },
  {
    name: 'getRegistration',
    method: 'GET',
    path: onRegistration,
    summary: 'One of them.',
    permission: 'read',
    answer: { status: 200, schema: registrationView },
    commands: [{ name: 'registration show' }],
    async run({ tenant, parameters }, { store, now }) {
      const id = parameters['registrationId'] ?? '';
      const found = await store.registrations.findPending(tenant.id, id, now());
      return found ? ok(view(found)) : notFound('registration', id);
    },
  },
  {
    name: 'approveRegistration',
    method: 'POST',
    path: `${onRegistration}/approve`,
    summary: 'Makes the account, and tells the person by mail.',
    permission: 'manage',
    answer: { status: 200, schema: object({ userId: text('The id of the new person.'), told }) },
    commands: [{ name: 'registration approve' }],
    async run({ tenant, parameters }, services) {
      const { store, now } = services;
      const id = parameters['registrationId'] ?? '';
      const found = await store.registrations.findPending(tenant.id, id, now());
      if (!found) return notFound('registration', id);
      const details = found.details as unknown as ConfirmedDetails;
      const at = now();
      const result = await store.registrations.approve(tenant.id, id, details.user, {
        now: at,
        keptUntil: at + keptDone,
      });
      if (result === 'gone') return notFound('registration', id);
      if (result !== 'created')
        return refuse(
          409,
          result,
          result === 'email-known'
            ? `Somebody has the mail address ${details.user.email} by now.`
            : `Somebody has the user name ${details.user.username} by now.`,
          { hint: 'Change or delete that person, or refuse this registration.' },
        );
      await keepTerms(store, (event) => store.audit.record(event), tenant.id, details);
      const body = { userId: details.user.id, told: await tell(services, tenant, found, 'registerApproved') };
      return { status: 200, body, change: { type: 'registration.approved', userId: details.user.id } };
    },
  },
  {
    name: 'refuseRegistration',
    method: 'POST',
    path: `${onRegistration}/refuse`,
    summary: 'Forgets what was entered, and tells the person by mail.',
    permission: 'manage',
    body: object(
      { message: text('What the person reads in the mail, beside that it was refused.', { maxLength: 1000 }) },
      [],
      { default: {} },
    ),
    answer: { status: 200, schema: object({ told }) },
    commands: [{ name: 'registration refuse' }],
    async run({ tenant, parameters, body }, services) {
      const id = parameters['registrationId'] ?? '';
      const refused = await services.store.registrations.refuse(tenant.id, id, services.now());
      if (!refused) return notFound('registration', id);
      const { message = '' } = body as { readonly message?: string };
      const mailed = await tell(services, tenant, refused, 'registerRefused', { message });
      return { status: 200, body: { told: mailed }, change: { type: 'registration.refused' } };
    },
  },
];
