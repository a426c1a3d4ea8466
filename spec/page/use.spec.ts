/** The pages in use: without JavaScript, by keyboard, to approve and to refuse. */
import { expect } from 'chai';
import { useDesk } from './desk.ts';
import { manyScopes } from './stage.ts';

describe('pages in use', function () {
  this.timeout(120_000);
  const my = useDesk();

  describe('without JavaScript', () => {
    beforeEach(() => my.arrive({ javaScriptEnabled: false }));

    it('lead from the log-in to the app', async () => {
      await my.toConsent();
      await my.press('approve');
      await my.atApp();
      expect(await my.grantedScopes()).to.have.members(manyScopes);
    });

    it('search a long list, by what people know of a patient', async () => {
      await my.page.goto(my.stage.authorize('clinic', 'wide'));
      await my.logIn(my.stage.newcomer());
      expect(await my.page.locator('main').innerText()).to.contain('Records 1 to 50 of 120');
      expect(await my.page.getByRole('radio').count()).to.equal(50);
      const found = async (search: string) => {
        await my.page.getByRole('searchbox').fill(search);
        await my.click('button', 'Search');
        expect(await my.page.getByRole('searchbox').inputValue()).to.equal(search);
        return my.page
          .getByRole('radio')
          .evaluateAll((radios) => radios.map((radio) => radio.closest('label')?.querySelector('strong')?.textContent));
      };
      const one = ['Jürgen Müller-Łukasz'];
      for (const search of [
        'muller',
        'MÜLLER jürgen',
        '1984-06-02',
        '2.6.1984',
        '02.06.1984',
        '6/2/1984',
        '2/6/1984',
        'MRN-7',
      ])
        expect((await found(search)).slice(0, 1), search).to.deep.equal(one);
      expect(await found('number 117')).to.deep.equal(['Person Number 117']);
      expect(await my.page.getByRole('radio').isChecked(), 'the only one found is chosen').to.equal(true);
      for (const search of ['nobody', '30.2.1984', '"><script>alert(1)</script>', '%'])
        expect(await found(search), search).to.deep.equal([]);
      expect(await my.page.getByRole('status').innerText()).to.equal('No record matches “%”.');
      expect(await my.page.locator('button[value=choose]').count(), 'nothing to choose').to.equal(0);
      await my.click('link', 'Show all records');
      expect(await my.page.getByRole('radio').count()).to.equal(50);
    });

    it('turn the pages of a long list, and choose on the last', async () => {
      await my.page.goto(my.stage.authorize('clinic', 'wide'));
      await my.logIn(my.stage.newcomer());
      expect(await my.page.getByRole('link', { name: 'Previous' }).count(), 'nothing before the first').to.equal(0);
      await my.click('link', 'Next');
      expect(await my.page.locator('main').innerText()).to.contain('Records 51 to 100 of 120');
      await my.click('link', 'Next');
      expect(await my.page.locator('main').innerText()).to.contain('Records 101 to 120 of 120');
      expect(await my.page.getByRole('radio').count()).to.equal(20);
      expect(await my.page.getByRole('link', { name: 'Next' }).count(), 'nothing after the last').to.equal(0);
      await my.click('link', 'Previous');
      await my.click('link', 'Next');
      await my.page.getByRole('radio', { name: 'Person Number 118' }).check();
      await my.press('choose');
      await my.press('accept');
      expect(await my.page.locator('.who').innerText()).to.contain('Person Number 118');
    });

    it('turn the pages of what a search found', async () => {
      await my.page.goto(my.stage.authorize('clinic', 'wide'));
      await my.logIn(my.stage.newcomer());
      await my.page.getByRole('searchbox').fill('person');
      await my.click('button', 'Search');
      await my.click('link', 'Next');
      expect(await my.page.locator('main').innerText()).to.contain('Records 51 to 100 of 118');
      expect(await my.page.getByRole('searchbox').inputValue()).to.equal('person');
    });

    for (const page of ['0', '-1', '99999', 'x', '1e3', '2%00'])
      it(`survive the page "${page}" of a list`, async () => {
        await my.page.goto(my.stage.authorize('clinic', 'wide'));
        await my.logIn(my.stage.newcomer());
        await my.page.goto(`${my.page.url()}?page=${page}`);
        const shown = page === '99999' ? 'Records 101 to 120 of 120' : 'Records 1 to 50 of 120';
        expect(await my.page.locator('main').innerText()).to.contain(shown);
      });

    it('choose what a search found', async () => {
      await my.page.goto(my.stage.authorize('clinic', 'wide'));
      await my.logIn(my.stage.newcomer());
      await my.page.getByRole('searchbox').fill('number 118');
      await my.click('button', 'Search');
      await my.page.getByRole('radio', { name: 'Person Number 118' }).check();
      await my.press('choose');
      await my.press('accept');
      expect(await my.page.locator('.who').innerText()).to.contain('Person Number 118');
    });
  });

  describe('by keyboard', () => {
    it('log in, in the order one reads', async () => {
      await my.page.goto(my.stage.authorize('demo', 'sample-app', { redirect_uri: `${my.stage.server.url}/app/` }));
      await my.page.locator('#username:focus').waitFor();
      const order = [];
      for (let step = 0; step < 8; step += 1) {
        order.push(await my.focused());
        await my.page.keyboard.press('Tab');
      }
      expect(order).to.deep.equal([
        'username',
        'password',
        'do',
        'Log in with a passkey',
        'Forgot your password?',
        'No account yet? Create one',
        'provider',
        'do',
      ]);
    });
    it('say what was wrong where it is put right, and Enter sends', async () => {
      await my.page.goto(my.stage.authorize('clinic', 'wide'));
      const username = my.stage.newcomer();
      await my.page.locator('#username:focus').waitFor();
      await my.page.keyboard.type(username);
      await my.page.keyboard.press('Tab');
      await my.page.keyboard.type('wrong');
      await my.enter();
      await my.page.getByRole('alert').waitFor();
      await my.page.locator('#password:focus').waitFor();
      for (const field of ['#username', '#password']) {
        expect(await my.page.locator(field).getAttribute('aria-invalid')).to.equal('true');
        const described = await my.page.locator(field).getAttribute('aria-describedby');
        expect(await my.page.locator(`#${described}`).innerText()).to.equal('User name or password is wrong.');
      }
      await my.page.keyboard.type('demo-password');
      await my.enter();
      await my.page.getByRole('searchbox').waitFor();
    });
    it('choose a record: the arrows move, Enter goes on and does not search', async () => {
      await my.page.goto(my.stage.authorize('clinic', 'wide'));
      await my.logIn(my.stage.newcomer());
      await my.page.getByRole('radio').first().focus();
      await my.page.keyboard.press('ArrowDown');
      await my.page.keyboard.press('ArrowDown');
      await my.enter();
      await my.page.getByRole('heading', { name: 'Terms of service' }).waitFor();
    });
    it('keep what has the focus in view', async () => {
      await my.page.setViewportSize({ width: 360, height: 640 });
      await my.page.goto(my.stage.authorize('clinic', 'wide'));
      await my.logIn(my.stage.newcomer());
      await my.page.getByRole('radio').first().focus();
      for (let step = 0; step < 12; step += 1) {
        await my.page.keyboard.press('ArrowDown');
        const hidden = await my.page.evaluate<number>(`
          document.activeElement.getBoundingClientRect().bottom - document.querySelector('.sticky').getBoundingClientRect().top`);
        expect(hidden, `after ${step + 1} steps`).to.be.below(0);
      }
    });
    it('read and accept the terms', async () => {
      await my.page.goto(my.stage.authorize('clinic', 'wide'));
      await my.logIn(my.stage.newcomer());
      await my.page.getByRole('radio').first().check();
      await my.press('choose');
      await my.page.keyboard.press('Tab');
      expect(await my.page.evaluate('document.activeElement.className')).to.equal('document');
      await my.page.keyboard.press('End');
      await my.page.keyboard.press('Tab');
      await my.enter();
      await my.page.getByRole('heading', { name: 'Allow access?' }).waitFor();
    });
  });

  describe('to approve', () => {
    it('give what stays ticked, and always what the log-in needs', async () => {
      await my.toConsent();
      const boxes = my.page.locator('input[name=scope]');
      const values = await Promise.all((await boxes.all()).map((box) => box.inputValue()));
      expect(values).to.deep.equal(manyScopes.filter((scope) => !['openid', 'launch/patient'].includes(scope)));
      for (const box of await boxes.all()) {
        expect(await box.isChecked()).to.equal(true);
        await box.uncheck();
      }
      await my.page.getByRole('checkbox', { name: 'See prescriptions' }).check();
      await my.press('approve');
      await my.atApp();
      expect(await my.grantedScopes()).to.have.members(['openid', 'launch/patient', 'patient/MedicationRequest.rs']);
    });
    it('says until when an approval is remembered, and remembers only what is asked for', async () => {
      await my.toConsent();
      const box = my.page.getByRole('checkbox', { name: 'Do not ask me again' });
      expect(await box.isChecked()).to.equal(false);
      expect(await my.page.locator('.remember').innerText()).to.match(/kept until [A-Z][a-z]+ \d{1,2}, \d{4}\./);
    });
    it('groups what the app wants, and each group has its name', async () => {
      await my.toConsent();
      const groups = await my.page.locator('fieldset.scopes legend').allTextContents();
      expect(groups).to.deep.equal([
        'Who you are',
        'What you selected',
        'The record of the selected patient',
        'How long access lasts',
        'Special permissions',
      ]);
      const record = my.page.getByRole('group', { name: 'The record of the selected patient' });
      expect(await record.innerText()).to.contain('data that will be added in the future');
      expect(await record.getByRole('checkbox').count()).to.equal(9);
      expect(await my.page.locator('.attestation').innerText()).to.contain(
        'Stated by the developer on January 15, 2026',
      );
      expect(await my.page.locator('.attestation a').getAttribute('href')).to.equal('https://app.example/attestation');
    });
    it('no longer remembers what is struck out when the app asks anew', async () => {
      await my.toConsent();
      await my.page.getByRole('checkbox', { name: 'Do not ask me again' }).check();
      await my.press('approve');
      await my.atApp();
      const again = async (more = {}) => {
        await my.page.goto(my.stage.authorize('clinic', 'wide', more));
        await my.page.getByRole('radio').first().check();
        await my.press('choose');
      };
      await again({ prompt: 'consent' });
      expect(await my.heading(), 'prompt=consent asks although it is remembered').to.equal('Allow access?');
      await my.page.getByRole('checkbox', { name: 'Keep access' }).uncheck();
      await my.press('approve');
      await my.atApp();
      expect(await my.grantedScopes()).not.to.include('offline_access');
      await again();
      expect(await my.heading(), 'what was struck out is asked for again').to.equal('Allow access?');
    });
    for (const remember of [true, false]) {
      it(`${remember ? 'do not ask' : 'ask'} again when that was ${remember ? 'ticked' : 'unticked'}`, async () => {
        await my.toConsent();
        await my.page.getByRole('checkbox', { name: 'Do not ask me again' }).setChecked(remember);
        await my.press('approve');
        await my.atApp();
        await my.page.goto(my.stage.authorize('clinic', 'wide'));
        await my.page.getByRole('radio').first().check();
        const before = my.stage.answers.length;
        await my.press('choose');
        if (remember) await my.atApp();
        else await my.page.getByRole('heading', { name: 'Allow access?' }).waitFor();
        expect(my.stage.answers.length - before).to.equal(remember ? 1 : 0);
      });
    }
    it('let nothing be struck out where the tenant wants it so, not even by a forged form', async () => {
      await my.page.goto(my.stage.authorize('strict', 'plain', { prompt: 'login' }));
      await my.logIn('nurse');
      expect(await my.page.locator('input[type=checkbox]').count(), 'nothing to tick, nothing to remember').to.equal(0);
      await my.page.evaluate(`
        const added = document.createElement('input');
        Object.assign(added, { type: 'hidden', name: 'scope', value: 'openid' });
        document.forms[0].append(added)`);
      await my.press('approve');
      await my.atApp();
      const { scope } = await my.stage.redeem('strict', 'plain', my.answer().get('code') ?? '');
      expect(scope.split(' ')).to.have.members(manyScopes);
    });
  });

  describe('to say no', () => {
    const refusals: readonly (readonly [name: string, refuse: () => Promise<void>])[] = [
      ['at the log-in', async () => my.press('cancel')],
      [
        'to the choice of a record',
        async () => {
          await my.logIn(my.stage.newcomer());
          await my.press('cancel');
        },
      ],
      [
        'to the terms',
        async () => {
          await my.logIn(my.stage.newcomer());
          await my.page.getByRole('radio').first().check();
          await my.press('choose');
          await my.press('reject');
        },
      ],
      [
        'to the app',
        async () => {
          await my.toConsent();
          await my.press('deny');
        },
      ],
    ];
    for (const [name, refuse] of refusals) {
      it(`${name} leads back to the app with access_denied`, async () => {
        await my.page.goto(my.stage.authorize('clinic', 'wide'));
        await refuse();
        await my.atApp();
        expect(Object.fromEntries(my.answer())).to.include({
          error: 'access_denied',
          state: 'state-1',
          iss: `${my.stage.server.url}/clinic`,
        });
        expect(my.answer().has('code')).to.equal(false);
      });
    }
    it('a provider that cannot be reached leads back to the other ways to log in', async () => {
      await my.page.goto(my.stage.authorize('choice', 'plain'));
      await my.click('button', 'Log in with A Provider That Is Gone');
      expect(await my.page.getByRole('alert').innerText()).to.contain('not available at the moment');
      expect(await my.page.getByRole('button', { name: 'Log in with Partner Hospital' }).count()).to.equal(1);
    });
  });
});
