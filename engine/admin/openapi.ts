/** The OpenAPI 3.1 document, made from the routes. */
import { roles, permits } from './role.ts';
import type { JsonSchema, Route } from './route.ts';

const problem: JsonSchema = {
  type: 'object',
  description: 'Problem details (RFC 9457).',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'Stable, for programs.' },
    detail: { type: 'string', description: 'One sentence for a person.' },
    hint: { type: 'string', description: 'How to mend it.' },
    problems: {
      type: 'array',
      description: 'Each violation of the body.',
      items: {
        type: 'object',
        properties: {
          code: { type: 'string' },
          pointer: { type: 'string', description: 'JSON pointer into the body.' },
          found: { type: 'string' },
          expected: { type: 'string' },
          hint: { type: 'string' },
        },
      },
    },
  },
};

const refused = {
  description: 'Refused.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

function operation(route: Route): JsonSchema {
  const path = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const query = Object.entries(route.query ?? {}).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    description,
    schema,
  }));
  const allowed = Object.keys(roles).filter((role) => permits(role, route.permission));
  const { status, schema } = route.answer;
  return {
    operationId: route.name,
    summary: route.summary,
    description: `For the roles ${allowed.join(', ')}.`,
    tags: [tagOf(route)],
    parameters: [...path, ...query],
    ...(route.body ? { requestBody: { required: true, content: { 'application/json': { schema: route.body } } } } : {}),
    responses: {
      [status]: { description: 'Done.', ...(schema ? { content: { 'application/json': { schema } } } : {}) },
      default: refused,
    },
  };
}

function tagOf({ path }: Route): string {
  const parts = path.split('/').filter((part) => part !== '' && !part.startsWith('{') && part !== 'tenants');
  return parts[0] ?? 'tenants';
}

/** @param url address of the admin API. */
export function openApiDocument(routes: readonly Route[], url: string): object {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sallyport admin API',
      version: '1',
      description:
        'Manages the applications, people, providers, keys and launches of tenants. Every change is audited.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url }],
    security: [{ adminToken: [] }],
    paths,
    components: {
      securitySchemes: { adminToken: { type: 'http', scheme: 'bearer', description: 'A token of the admin API.' } },
      schemas: { Problem: problem },
    },
  };
}
