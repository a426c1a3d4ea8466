import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { errorCodes } from '../../engine/page/view.ts';
import { describeScope, say, sayDay, sayError, scopeGroups, type Words } from '../../engine/page/words.ts';

const root = join(import.meta.dirname, '../..');
const skin = join(root, 'skins/default');
const messagesOf = (language: string) =>
  JSON.parse(readFileSync(join(skin, `messages/${language}.json`), 'utf8')) as Record<string, string>;
const wordsOf = (language: string): Words => ({ language, messages: messagesOf(language) });
const english = wordsOf('en');
const german = wordsOf('de');
const resources = 'patient/Observation.rs?category=http://x|laboratory';

describe('scope descriptions', () => {
  it('warn of future data and of access without the person', () => {
    expect(describeScope(english, 'patient/*.read').warning).to.match(/future/);
    expect(describeScope(english, 'offline_access').warning).to.match(/after you have closed/);
    expect(describeScope(english, 'patient/*.cruds').warning).to.match(/future.*delete/);
    expect(describeScope(english, 'patient/Observation.rs')).to.not.have.property('warning');
  });

  it('name what, whose and how', () => {
    const { title, detail } = describeScope(english, resources);
    expect(title).to.equal('See observations such as laboratory results and vital signs');
    expect(detail).to.equal(
      'The app may read and search observations such as laboratory results and vital signs of the selected patient. ' +
        'Only records where category is laboratory.',
    );
    expect(describeScope(english, 'user/MolecularSequence.cruds').title).to.equal(
      'See and change records of the kind “molecular sequence”',
    );
    expect(describeScope(english, 'system/*.cud').title).to.equal('Change all data');
    expect(describeScope(english, 'launch/encounter').title).to.equal('Know which visit is selected');
  });

  it('do so in German, too', () => {
    expect(describeScope(german, resources)).to.deep.equal({
      title: 'Beobachtungen wie Laborwerte und Vitalzeichen einsehen',
      detail:
        'Die App darf Beobachtungen wie Laborwerte und Vitalzeichen der ausgewählten Person lesen und suchen. ' +
        'Nur Einträge, bei denen gilt: category ist laboratory.',
    });
    expect(describeScope(german, 'user/*.cruds').title).to.equal('Alle Daten einsehen und ändern');
  });

  for (const text of [
    'constructor',
    '__proto__',
    'see',
    'of-patient',
    'openid-detail',
    'patient/*.dus',
    'launch',
    '',
  ]) {
    it(`have a text for "${text}", without a gap`, () => {
      for (const words of [english, german]) {
        const { title, detail, warning } = describeScope(words, text);
        expect(detail).to.be.a('string').and.not.equal('');
        expect(`${title}${detail}${warning ?? ''}`).not.to.match(/[{}]|undefined/);
      }
    });
  }
  it('show what nobody described as it is, with a warning', () => {
    expect(describeScope(english, 'see').title).to.equal('see');
    expect(describeScope(english, 'words.see').warning).to.match(/no description/);
  });
  it("take a skin's own words before any other", () => {
    const messages = { ...english.messages, 'scope.custom/lab': 'Order tests', 'scope.patient/*.rs': 'Everything!' };
    expect(describeScope({ language: 'en', messages }, 'custom/lab')).to.deep.equal({
      title: 'Order tests',
      detail: '',
    });
    expect(describeScope({ language: 'en', messages }, 'patient/*.rs').title).to.equal('Everything!');
  });
});

describe('words', () => {
  it('fill gaps once, with anything', () => {
    const words = { language: 'en', messages: { 'a.b': '{one} and {two} and {three}' } };
    expect(say(words, 'a.b', { one: '{two}', two: '$&' })).to.equal('{two} and $& and {three}');
    expect(say(words, 'a.c')).to.equal('');
  });
  it('write days as people do, and leave alone what is none', () => {
    expect(sayDay(english, '2026-01-15')).to.equal('January 15, 2026');
    expect(sayDay(german, '2026-01-15')).to.equal('15. Januar 2026');
    for (const text of ['2026-01', '2026-13-45', 'soon', '']) expect(sayDay(german, text)).to.equal(text);
  });
  it('have something to say and to do for every error, in both languages', () => {
    for (const code of errorCodes)
      for (const words of [english, german]) {
        expect(words.messages, words.language).to.include.all.keys(`error.${code}`, `error.${code}-hint`);
        expect(Object.values(sayError(words, code)), code).not.to.include('');
      }
  });
});

describe('messages', () => {
  const templates = readdirSync(skin)
    .filter((name) => name.endsWith('.mustache'))
    .map((name) => readFileSync(join(skin, name), 'utf8'))
    .join('\n');
  /** Keys the renderer asks for by a name it makes: of an error, a scope, a resource type, a sex. */
  const made =
    /^(error\.|scope(-detail|-warning)?\.|words\.|mail\.|type\.|kind\.|group\.|sex\.|context\.title-|[A-Za-z]+\.(error|fault|why)-|registered\.|register\.(email|username|givenName|familyName|phone|birthDate)\b)/;
  const page =
    /^(login|register|registerConfirm|forgotten|passwordReset|newPassword|context|terms|consent|manage|logout|loggedOut)\.title$/;
  const source = readFileSync(join(root, 'engine/page/dress.ts'), 'utf8');

  for (const language of readdirSync(join(skin, 'messages')).map((name) => name.replace('.json', ''))) {
    it(`of ${language} are those of English, with the same gaps`, () => {
      const messages = messagesOf(language);
      expect(Object.keys(messages)).to.have.members(Object.keys(english.messages));
      const gaps = (text = '') => (text.match(/\{[a-z]+\}/g) ?? []).sort();
      for (const [key, text] of Object.entries(english.messages)) {
        expect(messages[key], key).to.be.a('string').and.not.equal('');
        expect(gaps(messages[key]), key).to.deep.equal(gaps(text));
      }
    });
  }
  it('name every group of scopes', () => {
    expect(Object.keys(english.messages)).to.include.members(scopeGroups.map((group) => `group.${group}`));
  });
  it('are all used', () => {
    const unused = Object.keys(english.messages).filter(
      (key) =>
        !templates.includes(`{{t.${key}}}`) && !made.test(key) && !page.test(key) && !source.includes(`'${key}'`),
    );
    expect(unused).to.deep.equal([]);
  });
  it('are all there that templates ask for', () => {
    const asked = [...templates.matchAll(/\{\{t\.([^}]+)\}\}/g)].map(([, key]) => key);
    expect(asked).to.have.length.above(40);
    expect(Object.keys(english.messages)).to.include.members(asked);
  });
  it('of resource types name types that exist, and of errors errors that do', () => {
    const errors = Object.keys(english.messages).flatMap((key) => /^error\.(.+?)(-hint|-title)?$/.exec(key)?.[1] ?? []);
    expect([...errorCodes, 'title', 'reference']).to.include.members(
      [...new Set(errors)].filter((code) => code !== ''),
    );
    const types = Object.keys(english.messages).flatMap((key) => /^type\.([A-Z].*)$/.exec(key)?.[1] ?? []);
    for (const type of types)
      expect(describeScope(english, `patient/${type}.rs`).title.toLowerCase(), type).to.include(
        (english.messages[`type.${type}`] ?? '').toLowerCase(),
      );
  });
});
