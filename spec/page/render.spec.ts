import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createPageRenderer } from '../../engine/page/render.ts';
import type { PageName } from '../../engine/page/view.ts';
import { samplePages } from '../../engine/page/samples.ts';

const skinsFolder = join(import.meta.dirname, '../../skins');
const pages = createPageRenderer({ skinsFolder });
const names = Object.keys(samplePages('')) as PageName[];

describe('pages', () => {
  let folder = '';
  const tenant = () => ({ id: 'a', name: 'Clinic', issuer: 'https://auth.example/a', skin: 'look', folder });

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'skin-'));
    mkdirSync(join(folder, 'look/messages'), { recursive: true });
    writeFileSync(join(folder, 'look/messages/en.json'), '{"login.title":"Welcome"}');
    writeFileSync(join(folder, 'look/style.css'), 'body{}');
    writeFileSync(join(folder, 'look/logout.mustache'), '<h1>Own</h1>');
    writeFileSync(join(folder, 'secret.css'), 'x');
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const name of names) {
    it(`${name} is a whole document without script or style`, () => {
      const html = pages.render({ ...tenant(), skin: 'default' }, name, samplePages('Ada')[name], ['en']);
      expect(html)
        .to.match(/^<!doctype html>/)
        .and.match(/<h1>[^<]+<\/h1>/)
        .and.contain('</html>');
      expect(html).not.to.match(/<script|<style|\sstyle=|\son[a-z]+=|\{\{/);
    });
    it(`${name} escapes what others supply`, () => {
      const html = pages.render(tenant(), name, samplePages('"><script>alert(1)</script>')[name], ['en']);
      expect(html)
        .not.to.contain('<script')
        .and.not.to.match(/(value|action|href)=""/);
    });
  }

  it('speaks the first language it knows, else English', () => {
    const login = samplePages('Ada').login;
    expect(pages.render(tenant(), 'login', login, ['xx', 'de-CH']))
      .to.contain('lang="de"')
      .and.contain('Benutzername');
    expect(pages.render(tenant(), 'login', login, ['../de', 'xx'])).to.contain('lang="en"');
  });
  it('says in every language that terms without a text of the tenant are a sample', () => {
    const terms = samplePages('Ada').terms;
    for (const [language, said] of [
      ['en', 'This is a sample text.'],
      ['de', 'Dies ist ein Mustertext.'],
      ['fr', 'Il s’agit d’un texte d’exemple.'],
    ] as const) {
      expect(pages.render(tenant(), 'terms', { ...terms, text: '', sample: true }, [language])).to.contain(said);
      expect(pages.render(tenant(), 'terms', terms, [language])).not.to.contain(said);
    }
  });
  it('lays a skin over the default, message by message', () => {
    const html = pages.render(tenant(), 'login', samplePages('Ada').login, ['en']);
    expect(html).to.contain('<h1>Welcome</h1>').and.contain('User name');
    expect(pages.render(tenant(), 'logout', samplePages('Ada').logout, ['en'])).to.contain('<h1>Own</h1>');
  });
  it('passes over what cannot be read in a skin, and tells the operator once', () => {
    const broken = mkdtempSync(join(tmpdir(), 'skin-'));
    mkdirSync(join(broken, 'look/messages'), { recursive: true });
    writeFileSync(join(broken, 'look/login.mustache'), '{{#error}}never closed');
    writeFileSync(join(broken, 'look/messages/en.json'), '{"login.title":');
    writeFileSync(join(broken, 'look/messages/de.json'), '{"login.title":7}');
    const told: string[] = [];
    const renderer = createPageRenderer({
      skinsFolder,
      warn: (_message, { path }) => told.push(String(path).slice(broken.length + 1)),
    });
    const login = samplePages('Ada').login;
    for (const language of ['en', 'de', 'en', 'de']) {
      const html = renderer.render({ ...tenant(), folder: broken }, 'login', login, [language]);
      expect(html)
        .to.contain(language === 'en' ? '<h1>Log in</h1>' : '<h1>Anmelden</h1>')
        .and.contain('name="password"');
    }
    expect(told).to.have.members(['look/login.mustache', 'look/messages/en.json', 'look/messages/de.json']);
    rmSync(broken, { recursive: true });
  });
  it("serves the skin's stylesheet and the default logo", () => {
    expect(pages.asset(tenant(), 'style.css')?.body.toString()).to.equal('body{}');
    expect(pages.asset(tenant(), 'logo.svg')?.type).to.equal('image/svg+xml');
  });
  for (const name of ['../secret.css', '..%2fsecret.css', 'login.mustache', 'messages/en.json', 'none.css', '', '.css'])
    it(`serves no "${name}"`, () => expect(pages.asset(tenant(), name)).to.equal(undefined));
  it("does not leave the folder through the skin's name", () => {
    expect(pages.asset({ skin: '../x', folder: join(folder, 'look') }, 'secret.css')).to.equal(undefined);
  });
});
