/** What happened: the audit trail and the traces of flows. */
import type { AuditFilter } from '../../store/store.ts';
import { notFound, refuse } from '../problem.ts';
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

const traceSummary = object({
  id: text('Its id.'),
  flow: text('Which flow.'),
  outcome: text('How it ended.'),
  startedAt: instantText('When it began.'),
});

const limit = { type: 'integer', minimum: 1, maximum: 500, default: 100, description: 'At most so many.' };

export const recordRoutes: readonly TenantRoute[] = [
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
  {
    name: 'listTraces',
    method: 'GET',
    path: '/tenants/{tenant}/traces',
    summary: 'The last flows, newest first.',
    permission: 'read',
    query: { limit },
    answer: { status: 200, schema: object({ items: list(traceSummary, 'The flows.') }) },
    commands: [{ name: 'trace list' }],
    columns: ['id', 'flow', 'outcome', 'startedAt'],
    async run({ tenant, query }, { store, settle }) {
      await settle();
      const traces = await store.traces.list(tenant.id, Number(query['limit']));
      return ok({
        items: traces.map(({ id, flow, outcome, startedAt }) => ({
          id,
          flow,
          outcome,
          startedAt: new Date(startedAt).toISOString(),
        })),
      });
    },
  },
  {
    name: 'getTrace',
    method: 'GET',
    path: '/tenants/{tenant}/traces/{traceId}',
    summary: 'One flow: each state, each hook with what it changed, logged and called.',
    permission: 'read',
    answer: { status: 200, schema: { type: 'object', description: 'The trace.' } },
    commands: [{ name: 'trace show' }],
    async run({ tenant, parameters }, { store, settle }) {
      await settle();
      const id = parameters['traceId'] ?? '';
      if (id.includes('\0')) return refuse(400, 'trace-id', 'That is no id of a trace.');
      const trace = await store.traces.find(tenant.id, id);
      return trace ? ok(trace.trace) : notFound('trace', id);
    },
  },
];
