/** Log-in by SAML 2.0 with samlify as the identity provider, and everything that must not log anybody in. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { asAdmin, itemsOf } from '../admin/support.ts';
import { authorizationRequest, logIn, redeem } from '../support/oauth.ts';
import { createPerson, type Page, type Person } from '../support/person.ts';
import { arrive, chooseProvider, editTenant, foreignUsers, type Journey, newestTrace } from './federated-stage.ts';
import {
  type Answer,
  answerLogOut,
  answerTo,
  askForLogOut,
  encryptAssertion,
  entityId,
  entryPoint,
  logOutAddress,
  type LogOutMessage,
  logoutUrl,
  material,
  messageIn,
  ownAnswerTo,
  type Posted,
  readLogOut,
  readRequest,
} from './saml-provider.ts';
import { onPostgres } from './stage.ts';

const script = `
function getUserName(theOidcUserInfoMap, theServerInfo) {
  return 'saml-' + theOidcUserInfoMap['sub'].replace(/[^a-z]/g, '');
}
function onAuthenticateSuccess(theUserSession, theOutcomeFactory, theContext) {
  if (theContext.getStringClaim('sub') === 'blocked') {
    const failure = theOutcomeFactory.newFailure();
    failure.message = 'Not from here';
    return failure;
  }
  theUserSession.setUserData('groups', theContext.getStringArrayClaim('groups').join(' '));
  return theUserSession;
}
`;
const signed = 'urn:sallyport:signed';
const afterwards = 'http://127.0.0.1:45678/after';

async function prepare(config: string): Promise<void> {
  const provider = {
    id: 'saml',
    name: 'Foreign Directory',
    issuer: entityId,
    clientId: 'urn:sallyport:demo',
    defaultAuthorities: [{ permission: 'FHIR_ALL_READ' }],
    saml: {
      entryPoint,
      certificates: [material('idp').certificate],
      attributes: { given_name: 'urn:oid:2.5.4.42', email: 'mail', groups: 'groups' },
      clockSkewSeconds: 30,
    },
  };
  await writeFile(join(config, 'demo', 'saml-login.js'), script);
  await writeFile(join(config, 'demo', 'saml-request.pem'), material('sp').key);
  await editTenant(config, 'demo', (tenant) => {
    tenant.providers = [
      ...(tenant.providers ?? []),
      { ...provider, federationAuth: 'saml-login.js' },
      {
        ...provider,
        id: 'signed',
        name: 'Signed Directory',
        clientId: signed,
        endSession: true,
        saml: {
          ...provider.saml,
          logoutUrl,
          requestKey: { file: 'saml-request.pem' },
          requestCertificate: material('sp').certificate,
        },
      },
      {
        ...provider,
        id: 'secret',
        name: 'Secretive Directory',
        federationAuth: 'saml-login.js',
        saml: {
          ...provider.saml,
          decryptionKey: { file: 'saml-request.pem' },
          decryptionCertificate: material('sp').certificate,
        },
      },
    ];
  });
  await editTenant(config, 'demo', (tenant) => {
    const clients = tenant['clients'] as Record<string, unknown>[];
    const app = clients.find(({ clientId }) => clientId === 'sample-native');
    if (app) app['postLogoutRedirectUris'] = [afterwards];
    const framed = { ...app, clientId: 'framed', frontchannelLogoutUri: 'http://127.0.0.1:45678/framed' };
    tenant['clients'] = [...clients, framed];
  });
  await editTenant(config, 'partner', (tenant) => {
    tenant.providers = [...(tenant.providers ?? []), provider];
  });
}

onPostgres(
  'samlify as the SAML identity provider',
  (server) => {
    const metadataOf = async (id = 'saml', tenant = 'demo') =>
      (await fetch(`${server().url}/${tenant}/federation/saml/${id}/metadata`)).text();
    /** As a browser posts from another site: without the cookies that are for this one. */
    async function post({ acs, form }: Posted): Promise<{ readonly status: number; readonly location: string }> {
      const answer = await fetch(acs, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' });
      return { status: answer.status, location: answer.headers.get('location') ?? '' };
    }
    async function enter(subject: string, answer: Answer = {}, id = 'saml') {
      const journey = await chooseProvider(server(), id);
      const posted = await answerTo(journey.away, await metadataOf(id), subject, answer);
      return { journey, posted, ...(await post(posted)) };
    }
    const silent = async (person: Person) =>
      new URL((await person.open(authorizationRequest(server(), { prompt: 'none' }).url)).url).searchParams.get(
        'error',
      );
    async function outcome({ journey, location }: { journey: Journey; location: string }): Promise<Page> {
      return journey.person.open(location);
    }

    it('a person logs in there, both callbacks act on the attributes, and the flow goes on to tokens', async () => {
      const { journey, status, location } = await enter('ada');
      expect(status).to.equal(303);
      expect(journey.away.href).to.satisfy((url: string) => url.startsWith(`${entryPoint}?SAMLRequest=`));
      expect(location).to.not.include('ada');
      const { body } = await arrive(server(), journey, new URL(location));
      expect(decodeJwt(String(body['id_token']))).to.include({ sub: 'saml-ada', aud: 'sample-native' });
      const user = (await foreignUsers(server())).find(({ username }) => username === 'saml-ada');
      expect(user).to.deep.include({
        givenName: 'Ada',
        email: 'ada@saml.foreign.example',
        external: { provider: 'saml', subject: 'ada' },
        authorities: [{ permission: 'FHIR_ALL_READ' }],
        userData: { groups: 'ward night' },
      });
      expect(
        (await newestTrace(server())).entries.flatMap(({ hook }) => (hook ? [hook.name] : [])).slice(0, 2),
      ).to.deep.equal(['getUserName', 'onAuthenticateSuccess']);
      // The session serves the next app, and the next log-in finds the same user.
      expect(await silent(journey.person)).to.be.oneOf([null, 'interaction_required']);
      const again = await enter('ada', { values: { givenName: 'Augusta' } });
      await arrive(server(), again.journey, new URL(again.location));
      const after = (await foreignUsers(server())).find(({ username }) => username === 'saml-ada');
      expect(after).to.include({ id: user?.['id'], givenName: 'Augusta' });
    });

    it('tells the provider who it is, and asks as the metadata say', async () => {
      const answer = await fetch(`${server().issuer}/federation/saml/saml/metadata`);
      expect(answer.headers.get('content-type')).to.include('application/samlmetadata+xml');
      const metadata = await answer.text();
      expect(metadata)
        .to.include('entityID="urn:sallyport:demo"')
        .and.include('WantAssertionsSigned="true"')
        .and.include(`Location="${server().issuer}/federation/saml/saml/acs"`)
        .and.not.include('PRIVATE');
      const { away } = await chooseProvider(server(), 'saml');
      expect(away.searchParams.get('RelayState')).to.match(/^[A-Za-z0-9_-]{43}$/);
      expect(away.searchParams.has('Signature')).to.equal(false);
      expect((await readRequest(away, metadata))['issuer']).to.equal('urn:sallyport:demo');
      expect((await fetch(`${server().issuer}/federation/saml/partner/metadata`)).status).to.equal(404);
      expect((await fetch(`${server().issuer}/federation/saml/nobody/metadata`)).status).to.equal(404);
    });

    it('signs its request where a key is configured, and the provider verifies it', async () => {
      const metadata = await metadataOf('signed');
      expect(metadata)
        .to.include('AuthnRequestsSigned="true"')
        .and.include('X509Certificate')
        .and.not.include('PRIVATE');
      const { away } = await chooseProvider(server(), 'signed');
      expect(away.searchParams.get('SigAlg')).to.equal('http://www.w3.org/2001/04/xmldsig-more#rsa-sha256');
      expect((await readRequest(away, metadata))['issuer']).to.equal(signed);
      const changed = new URL(away);
      changed.searchParams.set('RelayState', 'x');
      const refused = await readRequest(changed, metadata).then(
        () => 'believed',
        () => 'refused',
      );
      expect(refused).to.equal('refused');
      const { journey, location } = await enter('grace', {}, 'signed');
      expect((await arrive(server(), journey, new URL(location))).status).to.equal(200);
    });

    it("believes a message that is signed besides its assertion, and not the library's own, which lacks the log-in", async () => {
      const both = await enter('both', { signs: ['assertion', 'message'] });
      expect((await arrive(server(), both.journey, new URL(both.location))).status).to.equal(200);
      const journey = await chooseProvider(server(), 'signed');
      const { location } = await post(await ownAnswerTo(journey.away, await metadataOf('signed'), 'own@saml.example'));
      // It says nothing of when the person logged in, which the profile demands.
      expect((await journey.person.open(location)).url).to.include('error=server_error');
    });

    it('asks for a new log-in where the app does', async () => {
      for (const [more, forced] of [
        [{ prompt: 'login' }, true],
        [{ max_age: '60' }, true],
        [{}, false],
      ] as const) {
        const { away } = await chooseProvider(server(), 'saml', more);
        const { inflateRawSync } = await import('node:zlib');
        const xml = inflateRawSync(Buffer.from(away.searchParams.get('SAMLRequest') ?? '', 'base64')).toString();
        expect(xml.includes('ForceAuthn="true"'), JSON.stringify(more)).to.equal(forced);
      }
      const journey = await chooseProvider(server(), 'saml', { max_age: '60' });
      const old = { values: { loggedIn: new Date(Date.now() - 3_600_000).toISOString() } };
      const { location } = await post(await answerTo(journey.away, await metadataOf(), 'ada', old));
      expect((await journey.person.open(location)).url).to.include('error=server_error');
    });

    const hour = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
    const assertionOf = (xml: string) => /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(xml)?.[0] ?? '';
    const forgedOf = (xml: string) =>
      assertionOf(xml)
        .replace(/<ds:Signature[\s\S]*<\/ds:Signature>/, '')
        .replace(/ ID="[^"]*"/, ' ID="_forged"')
        .replace(/>victim</, '>ada<')
        .replace('>liar<', '>ada<');
    const signatureOf = (xml: string) => /<ds:Signature[\s\S]*<\/ds:Signature>/.exec(xml)?.[0] ?? '';
    const attacks: readonly (readonly [string, Answer])[] = [
      ['no signature', { signs: [] }],
      ['the signature of somebody else', { signer: 'other' }],
      ['a signed message around an assertion that is not', { signs: ['message'] }],
      ['a signature with SHA-1', { algorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1' }],
      ['a changed name under a true signature', { after: (xml) => xml.replace('>liar<', '>ada<') }],
      ['a changed attribute under a true signature', { after: (xml) => xml.replace('>Ada<', '>Eve<') }],
      ['an empty signature', { after: (xml) => xml.replace(/<ds:SignatureValue>[^<]*/, '<ds:SignatureValue>') }],
      ['the signature taken away', { after: (xml) => xml.replace(signatureOf(xml), '') }],
      [
        'a wrapped signature: the forged assertion first',
        { after: (xml) => xml.replace(assertionOf(xml), forgedOf(xml) + assertionOf(xml)) },
      ],
      [
        'a wrapped signature: the forged assertion last',
        { after: (xml) => xml.replace(assertionOf(xml), assertionOf(xml) + forgedOf(xml)) },
      ],
      [
        'a wrapped signature: the true assertion within the forged one',
        {
          after: (xml) =>
            xml.replace(assertionOf(xml), forgedOf(xml).replace('</saml:Issuer>', `</saml:Issuer>${assertionOf(xml)}`)),
        },
      ],
      [
        'a wrapped signature: the true assertion within the signature of the forged one',
        {
          after: (xml) => {
            const own = assertionOf(xml).replace(signatureOf(xml), '');
            const holding = signatureOf(xml).replace('</ds:Signature>', `<ds:Object>${own}</ds:Object></ds:Signature>`);
            return xml.replace(assertionOf(xml), forgedOf(xml).replace('</saml:Issuer>', `</saml:Issuer>${holding}`));
          },
        },
      ],
      [
        'a wrapped signature: the true response in an extension of the forged one',
        {
          after: (xml) =>
            xml.replace(assertionOf(xml), `<samlp:Extensions>${assertionOf(xml)}</samlp:Extensions>${forgedOf(xml)}`),
        },
      ],
      [
        'two assertions of the same ID',
        {
          after: (xml) => {
            const id = / ID="(_a[^"]*)"/.exec(xml)?.[1] ?? '';
            return xml.replace(assertionOf(xml), forgedOf(xml).replace('_forged', id) + assertionOf(xml));
          },
        },
      ],
      ['a name cut in two by a comment', { before: (xml) => xml.replace('>liar<', '>ada<!-- -->.liar<') }],
      ['a name cut in two by an instruction', { before: (xml) => xml.replace('>liar<', '>ada<?x y?>.liar<') }],
      ['CDATA', { before: (xml) => xml.replace('>liar<', '><![CDATA[ada]]><') }],
      ['a document type', { after: (xml) => `<!DOCTYPE x [<!ENTITY name "ada">]>${xml}` }],
      [
        'an entity of a file',
        { after: (xml) => `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>${xml.replace('>liar<', '>&f;<')}` },
      ],
      ['another audience', { values: { audience: 'urn:somebody:else' } }],
      ['no audience', { before: (xml) => xml.replace(/<saml:AudienceRestriction>.*<\/saml:AudienceRestriction>/, '') }],
      ['no conditions', { before: (xml) => xml.replace(/<saml:Conditions.*<\/saml:Conditions>/, '') }],
      ['an expired assertion', { values: { until: hour(-1) } }],
      ['an assertion of tomorrow', { values: { from: hour(24), until: hour(25) } }],
      ['an expired confirmation', { values: { confirmedUntil: hour(-1) } }],
      ['another issuer', { values: { issuer: 'https://evil.example/' } }],
      ['a response of another issuer', { values: { responseIssuer: 'https://evil.example/' } }],
      ['another destination', { values: { destination: 'https://sp.example/acs' } }],
      ['another recipient', { values: { recipient: 'https://sp.example/acs' } }],
      ['a confirmation that is no bearer', { values: { method: 'urn:oasis:names:tc:SAML:2.0:cm:sender-vouches' } }],
      ['an answer to no request', { before: (xml) => xml.replaceAll(/ InResponseTo="[^"]*"/g, '') }],
      ['an answer to another request', { values: { responseTo: '_another', subjectTo: '_another' } }],
      ['an assertion for another request', { values: { subjectTo: '_another' } }],
      ['an assertion for no request', { before: (xml) => xml.replace(/(Data) InResponseTo="[^"]*"/, '$1') }],
      [
        'no confirmation',
        { before: (xml) => xml.replace(/<saml:SubjectConfirmation .*<\/saml:SubjectConfirmation>/, '') },
      ],
      ['nobody', { values: { subject: '' } }],
      ['nobody at all', { before: (xml) => xml.replace(/<saml:NameID.*<\/saml:NameID>/, '') }],
      ['no log-in', { before: (xml) => xml.replace(/<saml:AuthnStatement.*<\/saml:AuthnStatement>/, '') }],
      ['an error with an assertion', { values: { status: 'Responder' } }],
      ['no XML', { after: () => 'nothing' }],
      ['nothing', { after: () => '' }],
      ['another message', { after: (xml) => xml.replaceAll('samlp:Response', 'samlp:LogoutResponse') }],
    ];
    for (const [what, answer] of attacks) {
      it(`is not believed: ${what}`, async () => {
        const before = await foreignUsers(server());
        const result = await enter('liar', answer);
        const page = await outcome(result);
        expect(new URL(page.url).searchParams.get('error'), page.body).to.equal('server_error');
        expect((await newestTrace(server())).outcome).to.be.oneOf([
          'provider-invalid-response',
          'provider-provider-error',
        ]);
        expect(await foreignUsers(server())).to.deep.equal(before);
        expect(await silent(result.journey.person)).to.equal('login_required');
      });
    }

    describe('an encrypted assertion', () => {
      const cbc = 'http://www.w3.org/2001/04/xmlenc#aes256-cbc';
      it('is read where the tenant has a key for it, which the metadata tell', async () => {
        const metadata = await metadataOf('secret');
        expect(metadata).to.include('<KeyDescriptor use="encryption">').and.not.include('PRIVATE');
        for (const [subject, options] of [
          ['gcm', {}],
          ['cbc', { algorithm: cbc }],
        ] as const) {
          const result = await enter(subject, { after: (xml) => encryptAssertion(xml, options) }, 'secret');
          expect(Buffer.from(result.posted.form.SAMLResponse, 'base64').toString()).to.not.include(`>${subject}<`);
          expect((await arrive(server(), result.journey, new URL(result.location))).status).to.equal(200);
          expect((await foreignUsers(server())).map(({ username }) => username)).to.include(`saml-${subject}`);
        }
        // Who does not encrypt is read as before.
        const plain = await enter('plain', {}, 'secret');
        expect((await arrive(server(), plain.journey, new URL(plain.location))).status).to.equal(200);
      });

      const refusals: readonly (readonly [string, Answer, string?])[] = [
        ['where the tenant has no key', { after: (xml) => encryptAssertion(xml) }, 'saml'],
        ['for another key', { after: (xml) => encryptAssertion(xml, { reader: 'other' }) }],
        ['with RSA 1.5', { after: (xml) => encryptAssertion(xml, { key: 'rsa-1_5' }) }],
        [
          'with Triple DES',
          { after: (xml) => encryptAssertion(xml, { algorithm: 'http://www.w3.org/2001/04/xmlenc#tripledes-cbc' }) },
        ],
        ['without a signature', { signs: [], after: (xml) => encryptAssertion(xml) }],
        ['in a signed message, itself unsigned', { signs: ['message'], after: (xml) => encryptAssertion(xml) }],
        ["with somebody else's signature", { signer: 'other', after: (xml) => encryptAssertion(xml) }],
        [
          'with a signature with SHA-1',
          { algorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1', after: (xml) => encryptAssertion(xml) },
        ],
        ['changed before', { after: (xml) => encryptAssertion(xml.replace('>liar<', '>ada<')) }],
        [
          'changed after',
          {
            after: async (xml) =>
              (await encryptAssertion(xml, { algorithm: cbc })).replace(
                /(<xenc:CipherValue>[^<]{60})(.)/,
                (_all, before: string, letter: string) => before + (letter === 'A' ? 'B' : 'A'),
              ),
          },
        ],
        [
          'with a comment within',
          { before: (xml) => xml.replace('>liar<', '>ada<!-- -->.liar<'), after: (xml) => encryptAssertion(xml) },
        ],
        [
          'twice',
          {
            after: async (xml) => {
              const one = await encryptAssertion(xml);
              const [element = ''] = /<saml:EncryptedAssertion>.*<\/saml:EncryptedAssertion>/s.exec(one) ?? [];
              return one.replace(element, element + element);
            },
          },
        ],
        [
          'beside one in the open',
          {
            after: async (xml) => {
              const [element = ''] =
                /<saml:EncryptedAssertion>.*<\/saml:EncryptedAssertion>/s.exec(await encryptAssertion(xml)) ?? [];
              return xml.replace(assertionOf(xml), forgedOf(xml) + element);
            },
          },
        ],
      ];
      for (const [what, answer, id = 'secret'] of refusals) {
        it(`is not believed: ${what}`, async () => {
          const before = await foreignUsers(server());
          const result = await enter('liar', answer, id);
          const page = await outcome(result);
          expect(new URL(page.url).searchParams.get('error'), page.body).to.equal('server_error');
          expect((await newestTrace(server())).outcome).to.equal('provider-invalid-response');
          expect(await foreignUsers(server())).to.deep.equal(before);
        });
      }
    });

    it('believes a clock that is a little off, and a response without a destination', async () => {
      const seconds = (count: number) => new Date(Date.now() + count * 1000).toISOString();
      const answers: readonly Answer[] = [
        { values: { from: seconds(20) } },
        { values: { until: seconds(-10), confirmedUntil: seconds(-10) } },
        { before: (xml: string) => xml.replace(/ Destination="[^"]*"/, '') },
      ];
      for (const answer of answers) {
        const { journey, location } = await enter('clock', answer);
        expect((await arrive(server(), journey, new URL(location))).status).to.equal(200);
      }
    });

    it('an assertion counts once, whichever flow it comes to', async () => {
      const first = await enter('ada');
      expect((await post(first.posted)).status, 'posted again').to.equal(400);
      expect((await arrive(server(), first.journey, new URL(first.location))).status).to.equal(200);
      expect((await post(first.posted)).status, 'posted after').to.equal(400);
      // The same assertion ID in an answer to another request.
      const id = `_a${crypto.randomUUID()}`;
      const one = await enter('ada', { values: { assertionId: id } });
      expect((await arrive(server(), one.journey, new URL(one.location))).status).to.equal(200);
      const two = await enter('ada', { values: { assertionId: id } });
      expect((await outcome(two)).url).to.include('error=server_error');
    });

    it('an answer reaches only the browser and the flow that asked, and nobody without the handle', async () => {
      const mine = await enter('ada');
      const other = await chooseProvider(server(), 'saml');
      // Somebody else's browser, even with a flow of its own.
      expect((await other.person.open(mine.location)).status).to.equal(400);
      // The victim's answer sent to the attacker's flow, and the other way round.
      const crossed = await post({
        ...mine.posted,
        form: { ...mine.posted.form, RelayState: other.away.searchParams.get('RelayState') ?? '' },
      });
      expect((await other.person.open(crossed.location)).url).to.include('error=server_error');
      const guessed = await enter('ada');
      const without = new URL(guessed.location);
      without.searchParams.set('answer', 'A'.repeat(43));
      expect((await guessed.journey.person.open(without.href)).url).to.include('error=server_error');
      expect((await arrive(server(), mine.journey, new URL(mine.location))).status).to.equal(200);
    });

    it('unsolicited answers, and those of another tenant or provider, are refused', async () => {
      const { posted, journey } = await enter('ada');
      const fresh = await chooseProvider(server(), 'saml');
      const answer = await answerTo(fresh.away, await metadataOf(), 'ada');
      for (const [what, changed] of [
        ['no relay state', { ...posted, form: { ...posted.form, RelayState: '' } }],
        ['an unknown one', { ...posted, form: { ...posted.form, RelayState: 'A'.repeat(43) } }],
        ['another tenant', { ...answer, acs: answer.acs.replace('/demo/', '/partner/') }],
        ['another provider', { ...answer, acs: answer.acs.replace('/saml/saml/', '/saml/signed/') }],
        ['one that speaks no SAML', { ...answer, acs: answer.acs.replace('/saml/saml/', '/saml/partner/') }],
      ] as const)
        expect((await post(changed)).status, what).to.equal(400);
      expect(journey.away.href).to.not.equal(fresh.away.href);
      // Without an answer nothing is there for who comes by hand.
      const empty = new URL(`${server().issuer}/federation/callback/saml`);
      empty.searchParams.set('state', fresh.away.searchParams.get('RelayState') ?? '');
      expect((await fresh.person.open(empty.href)).url).to.include('error=server_error');
    });

    it('a no there leads back to the log-in page, and the script may deny', async () => {
      const no = (xml: string) =>
        xml
          .replace(/<saml:Assertion[\s\S]*<\/saml:Assertion>/, '')
          .replace(
            ':status:Success"/>',
            ':status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></samlp:StatusCode>',
          );
      const failed = await enter('ada', { signs: [], before: no });
      expect((await outcome(failed)).body).to.include('You did not log in there.');
      // The same flow goes on with a second attempt.
      const page = await failed.journey.person.open(failed.location);
      const away = new URL((await failed.journey.person.submit(page, { provider: 'saml' })).url);
      const { location } = await post(await answerTo(away, await metadataOf(), 'second'));
      expect((await arrive(server(), failed.journey, new URL(location))).status).to.equal(200);
      const blocked = await enter('blocked');
      expect((await outcome(blocked)).url).to.include('error=access_denied');
    });

    it('a person links their account there with their own', async () => {
      const person = createPerson(server().url);
      await logIn(server(), person, 'jane');
      const away = await person.submit(await person.open(`${server().issuer}/session/links`), {
        link: 'saml',
        password: 'demo-password',
      });
      const { location } = await post(await answerTo(new URL(away.url), await metadataOf(), 'jane-there'));
      expect((await createPerson(server().url).open(location)).status).to.equal(400);
      expect((await person.open(location)).body).to.include('The account is linked.');
      const { journey, location: back } = await enter('jane-there');
      const app = await journey.person.walk(await journey.person.open(back), { username: '' });
      const { body } = await redeem(server(), app.searchParams.get('code') ?? '', journey.verifier);
      expect(decodeJwt(String(body['id_token'])).sub).to.equal('jane');
    });

    describe('log-out', () => {
      const slo = () => `${server().issuer}/federation/saml/signed/slo`;
      /** Logged in by the provider that knows log-out. */
      async function logInThere(subject: string, person?: Person, more: Record<string, string> = {}) {
        const index = `_a${crypto.randomUUID()}`;
        const journey = await chooseProvider(server(), 'signed', more, person);
        const posted = await answerTo(journey.away, await metadataOf('signed'), subject, {
          values: { assertionId: index },
        });
        const back = new URL((await post(posted)).location);
        const app = await journey.person.walk(await journey.person.open(back.href), { username: '' });
        const { body } = await redeem(server(), app.searchParams.get('code') ?? '', journey.verifier, more);
        return {
          ...journey,
          index,
          idToken: String(body['id_token']),
          accessToken: String(body['access_token']),
        };
      }
      const leave = async (person: Person, idToken: string, state = 'from the app') => {
        const query = { id_token_hint: idToken, post_logout_redirect_uri: afterwards, state };
        return new URL((await person.open(`${server().issuer}/session/end?${new URLSearchParams(query)}`)).url);
      };
      const isIn = async (person: Person) => (await silent(person)) !== 'login_required';
      const userinfo = async (token: string) =>
        (await fetch(`${server().issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } })).status;

      it('leads there with a signed request, and its answer leads to where the app wanted the person', async () => {
        const { person, idToken, index } = await logInThere('leaving');
        const away = await leave(person, idToken);
        expect(away.href.startsWith(`${logoutUrl}&SAMLRequest=`)).to.equal(true);
        expect(away.href).to.not.include('after').and.not.include('from');
        expect(away.searchParams.get('RelayState')).to.match(/^[A-Za-z0-9_-]{43}$/);
        expect(await isIn(person)).to.equal(false);
        const metadata = await metadataOf('signed');
        expect(await readLogOut(away, metadata, 'Request')).to.deep.include({
          issuer: signed,
          nameID: 'leaving',
          sessionIndex: index,
        });
        expect(messageIn(away)).to.include(`Destination="${logoutUrl.replace('&', '&amp;')}"`);
        const back = await answerLogOut(away, metadata);
        expect((await createPerson(server().url).open(back)).status, 'another browser').to.equal(400);
        const end = new URL((await person.open(back)).url);
        expect(end.origin + end.pathname).to.equal(afterwards);
        expect(end.searchParams.get('state')).to.equal('from the app');
        expect((await person.open(back)).status, 'a second time').to.equal(400);
      });

      it('asks first where no app speaks for the person, and ends on our own page', async () => {
        const { person } = await logInThere('asked');
        const question = await person.open(`${server().issuer}/session/end`);
        const away = new URL((await person.submit(question, { do: 'logout' })).url);
        expect(away.href.startsWith(logoutUrl)).to.equal(true);
        const back = await answerLogOut(away, await metadataOf('signed'));
        expect((await person.open(back)).body).to.include('You are logged out.');
      });

      const lies: readonly (readonly [string, LogOutMessage])[] = [
        ['no signature', { after: (address) => address.replace(/&Signature=.*/, '') }],
        ['an empty signature', { after: (address) => address.replace(/&Signature=.*/, '&Signature=') }],
        ['the signature of somebody else', { signer: 'other' }],
        ['SHA-1', { algorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1', hash: 'sha1' }],
        ['another algorithm than it says', { algorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512' }],
        ['a changed relay state', { after: (address) => address.replace('RelayState=', 'RelayState=x') }],
        ['two messages', { after: (address) => `${address}&SAMLRequest=x` }],
        ['another destination', { values: { destination: 'https://sp.example/slo' } }],
        ['no destination', { before: (xml) => xml.replace(/ Destination="[^"]*"/, '') }],
        ['another issuer', { values: { issuer: 'https://evil.example/' } }],
        ['no issuer', { before: (xml) => xml.replace(/<saml:Issuer>.*<\/saml:Issuer>/, '') }],
        ['another version', { before: (xml) => xml.replace('Version="2.0"', 'Version="1.1"') }],
        ['a document type', { before: (xml) => `<!DOCTYPE x>${xml}` }],
        [
          'a text without end',
          { before: (xml) => xml.replace('</saml:Issuer>', `</saml:Issuer>${' '.repeat(200_000)}`) },
        ],
        ['no XML', { before: () => 'nothing' }],
      ];
      const answers: readonly (readonly [string, LogOutMessage])[] = [
        ...lies,
        ['an answer to another request', { values: { responseTo: '_another' } }],
        ['an answer to no request', { before: (xml) => xml.replace(/ InResponseTo="[^"]*"/, '') }],
        ['another relay state', { relayState: 'A'.repeat(43) }],
        ['no relay state', { relayState: undefined as never }],
      ];
      it('an answer that is not believed leads nowhere', async () => {
        const { person, idToken } = await logInThere('deceived');
        const away = await leave(person, idToken);
        const kept = new Map(person.cookies);
        const truth = {
          values: { responseTo: / ID="([^"]*)"/.exec(messageIn(away))?.[1] ?? '' },
          relayState: away.searchParams.get('RelayState') ?? '',
        };
        const come = async (message: LogOutMessage) => {
          for (const [name, value] of kept) person.cookies.set(name, value);
          const lie = { ...truth, ...message, values: { ...truth.values, ...message.values } };
          return person.open(logOutAddress(slo(), 'Response', lie));
        };
        for (const [what, message] of answers) {
          const page = await come(message);
          expect(page.status, what).to.equal(200);
          expect(page.body, what).to.include('You are logged out.');
        }
        // That the provider could not end all there keeps nobody from going on.
        expect((await come({ values: { status: 'PartialLogout' } })).url).to.include(afterwards);
        expect((await come({})).url).to.include(afterwards);
        // What the browser kept counts here only, and not while somebody is logged in.
        const elsewhere = slo().replace('/saml/signed/', '/saml/saml/');
        expect((await person.open(logOutAddress(elsewhere, 'Response', truth))).status).to.equal(400);
        await logInThere('deceived', person);
        for (const [name, value] of kept) if (name.endsWith('saml_logout')) person.cookies.set(name, value);
        expect((await person.open(logOutAddress(slo(), 'Response', truth))).status).to.equal(400);
      });

      it('is of everybody who logged out there: sessions, tokens and apps in all browsers', async () => {
        const one = await logInThere('everywhere');
        const two = await logInThere('everywhere');
        const other = await logInThere('somebody');
        expect(await userinfo(one.accessToken)).to.equal(200);
        const relayState = 'of the provider: ~!(1)';
        const address = askForLogOut(await metadataOf('signed'), 'everywhere', one.index, relayState);
        // In whatever browser the provider sends it.
        const away = new URL((await createPerson(server().url).open(address)).url);
        expect(away.href.startsWith(`${logoutUrl}&SAMLResponse=`)).to.equal(true);
        expect(away.searchParams.get('RelayState')).to.equal(relayState);
        expect(await readLogOut(away, await metadataOf('signed'), 'Response')).to.deep.include({ issuer: signed });
        const asked = / ID="([^"]*)"/.exec(messageIn(new URL(address)))?.[1] ?? '';
        expect(messageIn(away)).to.include(`InResponseTo="${asked}"`).and.include(':status:Success"');
        expect(await isIn(one.person), 'the session it names').to.equal(false);
        expect(await isIn(two.person), 'another session').to.equal(true);
        expect(await isIn(other.person), 'another person').to.equal(true);

        const all = await createPerson(server().url).open(
          logOutAddress(slo(), 'Request', { values: { subject: 'everywhere' } }),
        );
        expect(messageIn(new URL(all.url))).to.include(':status:Success"');
        expect(await isIn(two.person)).to.equal(false);
        expect(await isIn(other.person)).to.equal(true);
        const admin = await asAdmin(server());
        const events = itemsOf(await admin('GET', '/tenants/demo/audit?type=session.ended'));
        expect(
          events.filter(({ reason }) => reason === 'provider-log-out').map(({ details }) => details),
        ).to.deep.equal([
          { provider: 'signed', sessions: 1 },
          { provider: 'signed', sessions: 1 },
        ]);
      });

      it('ends what apps have without offline access, and tells those of this browser in frames', async () => {
        const { person, accessToken } = await logInThere('tokens', undefined, { scope: 'openid' });
        expect(await userinfo(accessToken)).to.equal(200);
        await person.open(logOutAddress(slo(), 'Request', { values: { subject: 'tokens', indexes: '' } }));
        expect(await userinfo(accessToken)).to.equal(401);
        const framed = await logInThere('tokens', undefined, { client_id: 'framed' });
        const address = logOutAddress(slo(), 'Request', { values: { subject: 'tokens' } });
        const page = await framed.person.open(address);
        expect(page.body).to.include('45678&#x2F;framed?').and.include('Signed Directory');
        expect(page.body).to.include('SAMLResponse&#x3D;');
      });

      it('somebody whom nobody knows here is answered so', async () => {
        const address = logOutAddress(slo(), 'Request', { values: { subject: 'never-seen' } });
        const away = new URL((await createPerson(server().url).open(address)).url);
        expect(messageIn(away)).to.include(':status:UnknownPrincipal"');
      });

      const minutes = (count: number) => new Date(Date.now() + count * 60_000).toISOString();
      const requests = (): readonly (readonly [string, LogOutMessage])[] => [
        ...lies,
        ['a request that is over', { values: { until: minutes(-2) } }],
        ['an old request', { values: { now: minutes(-10) } }],
        ['a request of tomorrow', { values: { now: minutes(24 * 60) } }],
        ['a request of no time', { before: (xml) => xml.replace(/ IssueInstant="[^"]*"/, '') }],
        ['a request without an ID', { before: (xml) => xml.replace(/ ID="[^"]*"/, '') }],
        ['nobody', { before: (xml) => xml.replace(/<saml:NameID.*<\/saml:NameID>/, '') }],
        ['a name cut in two', { before: (xml) => xml.replace('>stays<', '>stays<!-- -->.liar<') }],
        ['another message', { before: (xml) => xml.replaceAll('LogoutRequest', 'AuthnRequest') }],
        ...['SAML%52equest', '%53AMLRequest', 'SAMLRequest'].flatMap((name): (readonly [string, LogOutMessage])[] => {
          // A true request about somebody else, and one about this person that nobody signed, under the same name.
          const forged = new URL(logOutAddress(slo(), 'Request', { values: { subject: 'stays' }, signer: 'other' }));
          const text = encodeURIComponent(forged.searchParams.get('SAMLRequest') ?? '');
          const values = { subject: 'somebody-else' };
          return [
            [`another message before, as ${name}`, { values, after: (url) => url.replace('?', `?${name}=${text}&`) }],
            [`another message behind, as ${name}`, { values, after: (url) => `${url}&${name}=${text}` }],
          ];
        }),
      ];
      it('a request that is not believed ends nothing and is not answered', async () => {
        const { person } = await logInThere('stays');
        const truth = { subject: 'stays' };
        for (const [what, message] of requests()) {
          const lie = { relayState: 'x', ...message, values: { ...truth, ...message.values } };
          const page = await person.open(logOutAddress(slo(), 'Request', lie));
          expect(page.status, what).to.equal(400);
          expect(page.url, what).to.not.include(logoutUrl);
        }
        for (const [from, to] of [
          ['/demo/', '/partner/'],
          ['/saml/signed/', '/saml/saml/'],
          ['/saml/signed/', '/saml/nobody/'],
        ] as const) {
          const elsewhere = slo().replace(from, to);
          expect((await person.open(logOutAddress(elsewhere, 'Request', { values: truth }))).status).to.equal(400);
        }
        expect(await isIn(person)).to.equal(true);
        const address = logOutAddress(slo(), 'Request', { values: truth });
        await createPerson(server().url).open(address);
        expect(await isIn(person)).to.equal(false);
        await logInThere('stays', person);
        expect((await createPerson(server().url).open(address)).status, 'a second time').to.equal(400);
        expect(await isIn(person)).to.equal(true);
        expect((await fetch(address, { method: 'HEAD', redirect: 'manual' })).status).to.be.oneOf([404, 405]);
      });

      it('is told by the metadata of those who know it', async () => {
        expect(await metadataOf('signed')).to.include(
          `<SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${slo()}"/>`,
        );
        expect(await metadataOf('saml')).to.not.include('SingleLogoutService');
      });
    });

    it('is added by the admin API, and its keys are used', async () => {
      const admin = await asAdmin(server());
      const { key, certificate } = material('sp');
      const made = await admin('POST', '/tenants/demo/providers', {
        id: 'stored',
        name: 'Stored Directory',
        issuer: entityId,
        clientId: 'urn:sallyport:stored',
        saml: {
          entryPoint,
          certificates: [material('idp').certificate],
          requestKey: key,
          requestCertificate: certificate,
          decryptionKey: key,
          decryptionCertificate: certificate,
        },
      });
      expect(made.status, JSON.stringify(made.body)).to.equal(201);
      const { journey, location } = await enter('stored', { after: (xml) => encryptAssertion(xml) }, 'stored');
      expect((await arrive(server(), journey, new URL(location))).status).to.equal(200);
      expect((await admin('DELETE', '/tenants/demo/providers/stored')).status).to.equal(204);
      expect((await enter('gone', {}, 'stored').catch(() => undefined))?.location).to.equal(undefined);
    });

    it('is told by the admin API without its key', async () => {
      const admin = await asAdmin(server());
      const { body } = await admin('GET', '/tenants/demo/providers/signed');
      expect(body).to.include({ protocol: 'saml', source: 'configuration' });
      expect(JSON.stringify(itemsOf(await admin('GET', '/tenants/demo/providers')))).to.not.include('PRIVATE');
    });
  },
  { prepare },
);
