/** What a trace tells of a person: nothing, whatever a callback saw. */
import { expect } from 'chai';
import { assert, dictionary, oneof, property, string, type Arbitrary, array, constant, integer } from 'fast-check';
import { redact, redactTarget } from '../../engine/flow/redact.ts';
import type { Json } from '../../engine/script/runner.ts';

describe('a value that a callback saw, redacted', () => {
  const session = {
    username: 'jane',
    external: false,
    givenName: 'Jane',
    email: 'jane.doe@home.example',
    fhirUserUrl: 'https://fhir.example/r4/Patient/patient-02',
    authorities: [{ permission: 'FHIR_READ_ALL_IN_COMPARTMENT', argument: 'Patient/patient-02' }],
    launchResourceIds: [{ resourceType: 'Patient', resourceId: 'patient-02' }],
    userData: { birthDate: '1984-06-02', insurance: 4711, plan: null, deceased: false, friends: ['jane', 'joe'] },
  };
  const input = {
    session,
    request: {
      clientId: 'growth-chart',
      approvedScopes: ['patient/*.rs', 'patient/Observation.rs?subject=Patient/patient-02'],
      requestParameters: {
        client_id: 'growth-chart',
        scope: 'patient/*.rs',
        login_hint: 'jane',
        state: 'secret-state',
      },
    },
  };

  it('keeps what is no one’s, and the form of everything else', () => {
    const made = redact(input, 'flow') as unknown as typeof input;
    const text = JSON.stringify(made);
    for (const told of ['jane', 'Jane', 'doe', 'patient-02', '1984', '4711', 'joe', 'secret-state', 'home.example'])
      expect(text).to.not.include(told);
    expect(made.request.approvedScopes).to.deep.equal(['patient/*.rs', 'patient/Observation.rs?redacted']);
    expect(made.request.requestParameters).to.include({ client_id: 'growth-chart', scope: 'patient/*.rs' });
    expect(made.session.email).to.match(/^redacted-[0-9a-f]{8}@redacted\.example$/);
    expect(made.session.fhirUserUrl).to.match(/^https:\/\/redacted\.example\/Patient\/redacted-[0-9a-f]{8}$/);
    expect(made.session.authorities[0]?.permission).to.equal('FHIR_READ_ALL_IN_COMPARTMENT');
    expect(made.session.authorities[0]?.argument).to.match(/^Patient\/redacted-/);
    expect(made.session.launchResourceIds[0]?.resourceType).to.equal('Patient');
    expect(made.session.userData).to.include({ birthDate: '1900-01-01', insurance: 0, plan: null, deceased: false });
  });

  it('has the same stand-in for the same value of one flow, and another one in another flow', () => {
    const made = redact(input, 'flow') as unknown as typeof input;
    expect(made.session.userData.friends[0]).to.equal(made.session.username);
    expect(made.request.requestParameters.login_hint).to.equal(made.session.username);
    expect(made.session.userData.friends[1]).to.not.equal(made.session.username);
    expect((redact(input, 'other') as unknown as typeof input).session.username).to.not.equal(made.session.username);
  });

  it('names no record in the address of a call', () => {
    const made = redactTarget('GET https://fhir.example/r4/Patient/patient-02/$everything', 'flow');
    expect(made).to.match(/^GET https:\/\/fhir\.example\/r4\/Patient\/redacted-[0-9a-f]{8}\/\$everything$/);
    const { session: same } = redact(input, 'flow') as unknown as typeof input;
    expect(made).to.include(`/Patient/${same.launchResourceIds[0]?.resourceId}/`);
    expect(same.authorities[0]?.argument).to.equal(`Patient/${same.launchResourceIds[0]?.resourceId}`);
    expect(redactTarget('values', 'flow')).to.equal('values');
  });

  it('holds no text and no number of what it was given, however deep', () => {
    // Texts that cannot stand in a stand-in by chance.
    const secret = string({ minLength: 3 }).map((text) => `§${text}§`);
    const leaf = oneof(secret, integer({ min: 1000 }), constant(null), constant(true));
    const deep: Arbitrary<Json> = oneof(leaf, array(leaf), dictionary(constant('a'), oneof(leaf, array(leaf))));
    assert(
      property(deep, (value) => {
        const text = JSON.stringify(redact(value, 'flow'));
        expect(text).to.not.include('§');
        expect(text.match(/(?<![0-9a-f-])[1-9]\d{3}/)).to.equal(null);
      }),
    );
  });
});
