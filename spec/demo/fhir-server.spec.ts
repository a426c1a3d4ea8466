import { expect } from 'chai';
import { SignJWT, UnsecuredJWT } from 'jose';
import { stage } from './stage.ts';
import type { Stage } from './stage.ts';

const VITAL = 'http://terminology.hl7.org/CodeSystem/observation-category|vital-signs';
const all = { scope: 'system/*.rs' };
const jane = { scope: 'patient/*.rs', patient: 'jane' };

describe('the demo FHIR server', () => {
  let demo: Stage;
  before(async () => {
    demo = await stage(false, { smartConfiguration: async () => ({ issuer: 'http://localhost:9200/demo' }) });
  });
  after(() => demo.close());

  const ids = (body: { entry: { resource: { id: string } }[] }) => body.entry.map((one) => one.resource.id);

  describe('in the open', () => {
    it('describes itself with the OAuth addresses', async () => {
      const answer = await demo.get('/metadata');
      expect(answer.statusCode).to.equal(200);
      expect(answer.headers['content-type']).to.match(/^application\/fhir\+json/);
      expect(answer.headers['access-control-allow-origin']).to.equal('*');
      expect(answer.body).to.contain('StructureDefinition/oauth-uris');
      expect(answer.body).to.contain('http://localhost:9200/demo/oauth/token');
    });
    it('serves the SMART configuration without a redirect', async () => {
      const answer = await demo.get('/.well-known/smart-configuration');
      expect(answer.statusCode).to.equal(200);
      expect(answer.json()).to.deep.equal({ issuer: 'http://localhost:9200/demo' });
      expect(answer.headers['access-control-allow-origin']).to.equal('*');
    });
    it('answers a preflight for the Authorization header', async () => {
      const headers = { origin: 'https://app.example', 'access-control-request-method': 'GET' };
      const answer = await demo.server.inject({ method: 'OPTIONS', url: '/demo/fhir/r4/Patient/jane', headers });
      expect(answer.statusCode).to.equal(204);
      expect(answer.headers['access-control-allow-headers']).to.contain('Authorization');
    });
  });

  describe('checking the token', () => {
    const refusals: [string, () => Promise<{ statusCode: number; headers: Record<string, unknown>; body: string }>][] =
      [
        ['an expired token', () => demo.get('/Patient/jane', jane, { expiresAt: Math.floor(Date.now() / 1000) - 10 })],
        ['a token that never expires', () => demo.get('/Patient/jane', jane, { expiresAt: null })],
        [
          'a token of another issuer',
          () => demo.get('/Patient/jane', jane, { issuer: 'http://localhost:9200/partner' }),
        ],
        [
          'a token for another audience',
          () => demo.get('/Patient/jane', jane, { audience: 'http://localhost:9200/other' }),
        ],
        ['a token that is not an access token', () => demo.get('/Patient/jane', jane, { typ: 'JWT' })],
        ['a token signed with another key', () => demo.get('/Patient/jane', jane, { foreignKey: true })],
        ['an unsigned token', () => bearer(new UnsecuredJWT(jane).setIssuer('http://localhost:9200/demo').encode())],
        [
          'a token signed with a shared secret',
          async () => {
            const key = new TextEncoder().encode('a shared secret that is long enough');
            return bearer(
              await new SignJWT(jane).setProtectedHeader({ alg: 'HS256', kid: 'own', typ: 'at+jwt' }).sign(key),
            );
          },
        ],
        ['something that is no JWT', () => bearer('abc')],
      ];
    const bearer = (token: string) =>
      demo.server.inject({ url: '/demo/fhir/r4/Patient/jane', headers: { authorization: `Bearer ${token}` } });

    for (const [what, ask] of refusals) {
      it(`refuses ${what}`, async () => {
        const answer = await ask();
        expect(answer.statusCode).to.equal(401);
        expect(answer.headers['www-authenticate']).to.match(/^Bearer .*error="invalid_token"/);
        expect(JSON.parse(answer.body).resourceType).to.equal('OperationOutcome');
        expect(answer.headers['access-control-allow-origin']).to.equal('*');
      });
    }
    it('challenges a request without a token and tells no error code', async () => {
      const answer = await demo.get('/Patient/jane');
      expect(answer.statusCode).to.equal(401);
      expect(answer.headers['www-authenticate'])
        .to.match(/^Bearer realm=/)
        .and.not.contain('error=');
    });
    it('refuses a token in the address', async () => {
      const answer = await demo.get(`/Patient/jane?access_token=${await demo.token(jane)}`);
      expect(answer.statusCode).to.equal(401);
    });
    it('accepts a token with several audiences', async () => {
      const audience = ['http://localhost:9200/demo/fhir/r4', 'https://other.example'];
      expect((await demo.get('/Patient/jane', jane, { audience })).statusCode).to.equal(200);
    });
  });

  describe('enforcing scopes', () => {
    const allowed: [string, string, Record<string, unknown>][] = [
      ['the own record', '/Patient/jane', jane],
      ['version 1 read', '/Patient/jane', { ...jane, scope: 'patient/*.read' }],
      ['version 1 star', '/Observation/jane-weight-1', { ...jane, scope: 'patient/Observation.*' }],
      ['version 1 read, for searching', '/Condition?patient=jane', { ...jane, scope: 'patient/Condition.read' }],
      ['version 2 search alone', '/Condition?patient=jane', { ...jane, scope: 'patient/Condition.s' }],
      ['a user scope on anyone', '/Patient/patient-02', { scope: 'user/Patient.r' }],
      ['a system scope on anyone', '/Patient/patient-02', { scope: 'system/*.cruds' }],
      ['what no patient owns', '/Practitioner/drsmith', jane],
      [
        'a constraint that holds',
        '/Observation/jane-weight-1',
        { ...jane, scope: `patient/Observation.rs?category=${VITAL}` },
      ],
    ];
    for (const [what, path, claims] of allowed) {
      it(`allows ${what}`, async () => expect((await demo.get(path, claims)).statusCode).to.equal(200));
    }

    const refused: [string, string, Record<string, unknown>][] = [
      ['another patient', '/Patient/patient-02', jane],
      ['another patient’s observation', '/Observation/patient-02-weight-1', jane],
      ['searching for another patient', '/Observation?patient=patient-02', jane],
      ['searching for both patients', '/Observation?subject=Patient/jane,Patient/patient-02', jane],
      ['guessing ids', '/Patient/nobody', jane],
      ['patient scopes without a patient', '/Patient/jane', { scope: 'patient/*.rs' }],
      ['a token without scopes', '/Patient/jane', { patient: 'jane' }],
      ['a type without a scope', '/Condition?patient=jane', { ...jane, scope: 'patient/Observation.rs' }],
      ['reading with search only', '/Patient/jane', { ...jane, scope: 'patient/Patient.s' }],
      ['searching with read only', '/Patient?_id=jane', { ...jane, scope: 'patient/Patient.r' }],
      ['reading with write only', '/Patient/jane', { ...jane, scope: 'patient/*.write' }],
      ['letters out of order', '/Patient/jane', { ...jane, scope: 'patient/*.sr' }],
      ['unknown letters', '/Patient/jane', { ...jane, scope: 'patient/*.rx' }],
      [
        'a constraint that does not hold',
        '/Observation/jane-glucose-1',
        { ...jane, scope: `patient/*.rs?category=${VITAL}` },
      ],
      ['a constraint nobody knows', '/Observation/jane-weight-1', { ...jane, scope: 'patient/*.rs?status=final' }],
      [
        'a constraint on a version 1 scope',
        '/Observation/jane-weight-1',
        { ...jane, scope: `patient/*.read?category=${VITAL}` },
      ],
      [
        'a patient with a user scope, on others',
        '/Patient/patient-02',
        { scope: 'user/*.rs', fhirUser: 'Patient/jane' },
      ],
      ['a launch scope alone', '/Patient/jane', { ...jane, scope: 'launch/patient openid' }],
    ];
    for (const [what, path, claims] of refused) {
      it(`refuses ${what}`, async () => {
        const answer = await demo.get(path, claims);
        expect(answer.statusCode).to.equal(403);
        expect(answer.headers['www-authenticate']).to.contain('error="insufficient_scope"');
        expect(answer.json().issue[0].code).to.equal('forbidden');
      });
    }
    it('shows a search only what the constraint lets through', async () => {
      const scope = `patient/Observation.rs?category=${VITAL}`;
      const found = (await demo.get('/Observation?patient=jane', { ...jane, scope })).json();
      expect(found.total).to.equal(24);
      expect(ids(found).some((id) => id.includes('glucose'))).to.equal(false);
    });
    it('shows a search without a patient only the own compartment', async () => {
      expect(ids((await demo.get('/Patient', jane)).json())).to.deep.equal(['jane']);
    });
  });

  describe('searching', () => {
    it('answers with a searchset and a self link', async () => {
      const found = (
        await demo.get('/Observation?patient=Patient/jane&code=http://loinc.org|8867-4&_count=2', all)
      ).json();
      expect(found).to.include({ resourceType: 'Bundle', type: 'searchset', total: 4 });
      expect(found.entry).to.have.length(2);
      expect(found.link[0].url).to.match(/^http:\/\/localhost:9200\/demo\/fhir\/r4\/Observation\?patient=/);
    });
    it('finds people by the beginning of a name', async () => {
      expect(ids((await demo.get('/Patient?name=had', all)).json())).to.deep.equal(['patient-02']);
      expect(ids((await demo.get('/Practitioner?name=Smith', all)).json())).to.deep.equal(['drsmith']);
    });
    it('finds by category and by id', async () => {
      expect((await demo.get('/Observation?patient=jane&category=laboratory', all)).json().total).to.equal(8);
      expect(ids((await demo.get('/Patient?_id=jane,patient-03', all)).json())).to.deep.equal(['jane', 'patient-03']);
    });
    it('takes a search as a form', async () => {
      const answer = await demo.server.inject({
        method: 'POST',
        url: '/demo/fhir/r4/Condition/_search',
        headers: {
          authorization: `Bearer ${await demo.token(jane)}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        payload: 'patient=jane',
      });
      expect(answer.statusCode).to.equal(200);
      expect(answer.json().total).to.be.greaterThan(0);
    });
    it('finds nothing where nothing matches', async () => {
      const found = (await demo.get('/Patient?name=zzz', all)).json();
      expect(found.total).to.equal(0);
    });
    it('gives the same data every time', async () => {
      const other = await stage();
      const path = '/Observation?patient=jane';
      expect((await other.get(path, all)).body).to.equal((await demo.get(path, all)).body);
      await other.close();
    });
    for (const path of ['/Patient?birthdate=1984', '/Patient?_count=many', '/Patient?constructor=1']) {
      it(`refuses ${path}`, async () => {
        const answer = await demo.get(path, all);
        expect(answer.statusCode).to.equal(400);
        expect(answer.json().resourceType).to.equal('OperationOutcome');
      });
    }
  });

  describe('answering what it does not do', () => {
    it('does not know a resource that is not there', async () => {
      const answer = await demo.get('/Patient/nobody', all);
      expect([answer.statusCode, answer.json().issue[0].code]).to.deep.equal([404, 'not-found']);
    });
    it('does not know other types and addresses', async () => {
      expect((await demo.get('/MedicationRequest', all)).statusCode).to.equal(404);
      expect((await demo.get('/Patient/jane/extra/more', all)).json().resourceType).to.equal('OperationOutcome');
    });
    for (const method of ['PUT', 'POST', 'PATCH', 'DELETE'] as const) {
      it(`refuses ${method}`, async () => {
        const answer = await demo.server.inject({
          method,
          url: '/demo/fhir/r4/Patient/jane',
          headers: { authorization: `Bearer ${await demo.token(all)}`, 'content-type': 'application/fhir+json' },
          payload: method === 'DELETE' ? '' : '{}',
        });
        expect(answer.statusCode).to.equal(405);
        expect(answer.headers.allow).to.contain('GET');
        expect(answer.json().resourceType).to.equal('OperationOutcome');
      });
    }
  });
});
