import { expect } from 'chai';
import { openApiDocument } from '../../engine/admin/openapi.ts';
import { routes } from '../../engine/admin/routes.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly description?: string }[];
  readonly responses: Readonly<Record<string, unknown>>;
}

describe('the OpenAPI document', () => {
  const document = openApiDocument(routes, '/admin/api') as {
    readonly openapi: string;
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.values(methods).map((operation) => ({ path, operation })),
  );

  it('holds each call once, with its path parameters and a problem for every refusal', () => {
    expect(document.openapi).to.equal('3.1.0');
    expect(operations).to.have.length(routes.length);
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).to.equal(routes.length);
    for (const { path, operation } of operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = operation.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      expect(declared, path).to.deep.equal(named);
      expect(Object.keys(operation.responses), path).to.include('default').and.to.have.length(2);
      for (const parameter of operation.parameters.filter((each) => each.in === 'query'))
        expect(parameter.description, `${path} ${parameter.name}`).to.be.a('string');
    }
  });

  it('each call that changes something needs more than reading', () => {
    for (const route of routes) {
      if (route.method === 'GET') expect(route.permission, route.name).to.be.oneOf(['any', 'read', 'tokens']);
      else expect(route.permission, route.name).to.be.oneOf(['manage', 'launch', 'keys', 'tokens']);
    }
  });

  describe('served', () => {
    let server: TestServer;
    before(async () => (server = await startTestServer()));
    after(() => server.close());

    it('is the same document, for anybody', async () => {
      const answer = await fetch(`${server.url}/admin/api/openapi.json`);
      expect(answer.status).to.equal(200);
      expect(await answer.json()).to.deep.equal(JSON.parse(JSON.stringify(document)));
    });

    it('answers what it says: every call exists and asks for a token', async () => {
      for (const { method, path } of routes) {
        const address = path.replace(/\{(\w+)\}/g, 'x');
        const answer = await fetch(`${server.url}/admin/api${address}`, { method });
        expect(answer.status, `${method} ${path}`).to.equal(401);
      }
    });
  });
});
