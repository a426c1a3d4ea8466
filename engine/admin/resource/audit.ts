/** What happened: the audit trail. */
import type { AuditFilter } from '../../store/store.ts';
import { ok, type TenantRoute } from '../route.ts';
import { instantText, list, object, text } from '../schema.ts';

const auditView = object(
  {
    at: instantText('When it happened.'),
    type: text('What happened.', { examples: ['flow.interactive'] }),
    outcome: { enum: ['success', 'failure'], description: 'How it ended.' },
    flowId: text('In which flow.'),
    clientId: text('By or for which app.'),
    userId: text('By or for which person.'),
    reason: text('Why it failed.'),
    details: { type: 'object', description: 'What else is known.' },
  },
  ['at', 'type', 'outcome'],
);

export const limit = { type: 'integer', minimum: 1, maximum: 500, default: 100, description: 'At most so many.' };

export const auditRoutes: readonly TenantRoute[] = [
  {
    name: 'listAuditEvents',
    method: 'GET',
    path: '/tenants/{tenant}/audit',
    summary: 'The audit trail, newest first.',
    permission: 'read',
    query: {
      limit,
      type: text('Only events of this type.'),
      clientId: text('Only of this app.'),
      userId: text('Only of this person.'),
      flowId: text('Only of this flow.'),
      outcome: { enum: ['success', 'failure'], description: 'Only with this outcome.' },
      before: instantText('Only earlier ones.'),
    },
    answer: { status: 200, schema: object({ items: list(auditView, 'The events.') }) },
    commands: [{ name: 'audit list' }],
    columns: ['at', 'type', 'outcome', 'clientId', 'userId', 'reason'],
    async run({ tenant, query }, { store, settle }) {
      await settle();
      const { limit: count, before, ...filter } = query;
      const events = await store.audit.list(tenant.id, Number(count), {
        ...(filter as AuditFilter),
        ...(before === undefined ? {} : { before: Date.parse(before) }),
      });
      return ok({
        items: events.map(({ tenantId: _tenant, at, ...rest }) => ({ at: new Date(at).toISOString(), ...rest })),
      });
    },
  },
];
