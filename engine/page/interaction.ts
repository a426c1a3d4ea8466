/** What each wait of the interactive flow shows: the flow's facts made into the view of a page. */
import { isLocked } from '../flow/step/approve.ts';
import type { PasswordDue } from '../flow/step/password.ts';
import {
  challengeOf,
  type CodesToShow,
  factorState,
  offersPasskeyLogIn,
  setupState,
  type SetupBegun,
} from '../flow/step/second-factor.ts';
import type { ContextKnown, ContextPrepared, ExistingFound, PersonKnown, Validated } from '../flow/facts.ts';
import type { Ports } from '../flow/ports.ts';
import { offersRegistration } from '../identity/registration-form.ts';
import type { StoredFlow } from '../store/store.ts';
import { browserScriptAddress, type BrowserScriptName } from './browser-script.ts';
import { contextPage } from './context-page.ts';
import type { PageName, PageViews } from './view.ts';

const factorErrors = ['wrong-code', 'wrong-passkey', 'try-later'] as const;
const loginErrors = [
  'wrong-credentials',
  'wrong-passkey',
  'denied',
  'try-later',
  'unavailable',
  'provider-denied',
  'provider-unavailable',
] as const;

type Page = {
  readonly [P in PageName]: { readonly name: P; readonly view: PageViews[P]; readonly script?: BrowserScriptName };
}[PageName];

/** What a page shows of passkeys: what the browser needs of them, and the script that asks it. */
function scriptFor(passkey: string | undefined, { tenant }: Ports) {
  return passkey === undefined ? {} : { passkey, script: browserScriptAddress(tenant.issuer, 'passkey') };
}

/** The page of the state a flow waits in, or undefined when it waits for nobody. */
export async function interactionPage(
  flow: StoredFlow,
  form: { readonly csrf: string; readonly action: string },
  again: { readonly error?: string; readonly view?: Readonly<Record<string, string>> },
  ports: Ports,
): Promise<Page | undefined> {
  const { clientId } = flow.facts as Validated;
  const client = await ports.client(clientId);
  const clientName = client?.clientName ?? clientId;
  switch (flow.state) {
    case 'login': {
      const facts = flow.facts as Validated;
      const error = loginErrors.find((known) => known === (again.error ?? facts.providerProblem));
      const username = again.view?.['username'] ?? facts.launchUsername ?? facts.request.parameters['login_hint'] ?? '';
      const providers = (await ports.providers()).map(({ id, name }) => ({ id, name }));
      const challenge = offersPasskeyLogIn(ports.tenant) ? challengeOf(facts, 'login', ports) : undefined;
      const passkey =
        challenge === undefined
          ? undefined
          : await ports.secondFactor.passkeyRequest(ports.tenant, undefined, challenge);
      const view = {
        ...form,
        ...scriptFor(passkey, ports),
        clientName,
        username,
        passwordForm: ports.tenant.federation.passwordForm,
        ...(ports.tenant.passwordReset.enabled && ports.tenant.federation.passwordForm
          ? { forgotten: `${ports.tenant.issuer}/password/forgotten?flow=${flow.id}` }
          : {}),
        ...(offersRegistration(ports.tenant) ? { register: `${ports.tenant.issuer}/register?flow=${flow.id}` } : {}),
        providers,
        ...(error ? { error } : {}),
      };
      return { name: 'login', view, ...(passkey === undefined ? {} : { script: 'passkey' }) };
    }
    case 'existing account': {
      const { linkWanted } = flow.facts as ExistingFound;
      const error = (['wrong-credentials', 'try-later'] as const).find((known) => known === again.error);
      return {
        name: 'existingAccount',
        view: {
          ...form,
          clientName,
          providerName: (await ports.provider(linkWanted.providerId))?.name ?? linkWanted.providerId,
          username: linkWanted.username,
          ...(error ? { error } : {}),
        },
      };
    }
    case 'second factor': {
      const error = factorErrors.find((known) => known === again.error);
      const { rememberDays } = ports.tenant.secondFactor;
      const facts = flow.facts as PersonKnown;
      const { authenticator } = await ports.store.secondFactors.find(ports.tenant.id, facts.userId, ports.now());
      const challenge = challengeOf(facts, factorState, ports);
      const passkey =
        challenge === undefined
          ? undefined
          : await ports.secondFactor.passkeyRequest(ports.tenant, facts.userId, challenge);
      return {
        name: 'secondFactor',
        view: {
          ...form,
          ...scriptFor(passkey, ports),
          rememberDays,
          app: authenticator !== undefined,
          ...(error ? { error } : {}),
        },
        ...(passkey === undefined ? {} : { script: 'passkey' }),
      };
    }
    case setupState: {
      const facts = flow.facts as PersonKnown & SetupBegun;
      const user = { ...facts.session, id: facts.userId };
      const shown = await ports.secondFactor.showSetup(ports.tenant, user, facts.setup, ports.now());
      const challenge = challengeOf(facts, setupState, ports);
      const newPasskey =
        challenge === undefined ? undefined : await ports.secondFactor.passkeyCreation(ports.tenant, user, challenge);
      const error = (['wrong-code', 'wrong-passkey'] as const).find((known) => known === again.error);
      return (
        shown && {
          name: 'secondFactorSetup',
          view: {
            ...form,
            ...shown,
            ...(newPasskey === undefined
              ? {}
              : { newPasskey, script: browserScriptAddress(ports.tenant.issuer, 'passkey') }),
            required: true,
            issuerName: ports.tenant.secondFactor.issuerName,
            username: user.username,
            ...(error ? { error } : {}),
          },
          ...(newPasskey === undefined ? {} : { script: 'passkey' }),
        }
      );
    }
    case 'recovery codes': {
      const { newCodes, userId } = flow.facts as PersonKnown & CodesToShow;
      return {
        name: 'recoveryCodes',
        view: { ...form, codes: await ports.secondFactor.openCodes(ports.tenant, userId, newCodes) },
      };
    }
    case 'new password': {
      const { session, passwordDue } = flow.facts as PersonKnown & PasswordDue;
      return {
        name: 'newPassword',
        view: {
          ...form,
          username: session.username,
          why: passwordDue,
          current: false,
          minimumLength: ports.tenant.passwords.minimumLength,
          maximumLength: ports.tenant.passwords.maximumLength,
          faults: again.error?.split(' ') ?? [],
        },
      };
    }
    case 'context':
      return contextPage(flow.facts as ContextPrepared, { ...form, clientName }, again, ports);
    case 'terms': {
      const terms = ports.tenant.termsOfService;
      const text = terms?.text ?? '';
      return { name: 'terms', view: { ...form, clientName, version: terms?.version ?? '', text, sample: text === '' } };
    }
    case 'consent': {
      const facts = flow.facts as ContextKnown;
      const { session } = facts;
      const remember = client?.rememberApprovedScopes === true && !client.alwaysRequireApproval;
      const until = new Date(ports.now() + ports.tenant.lifetimes.consentSeconds * 1000).toISOString().slice(0, 10);
      const view: PageViews['consent'] = {
        ...form,
        clientName,
        personName: [session.givenName, session.familyName].filter(Boolean).join(' ') || session.username,
        ...(facts.contextName ? { contextName: facts.contextName } : {}),
        scopes: facts.grantableScopes.map((value) => ({ value, locked: isLocked(value, ports.tenant) })),
        mayDecline: ports.tenant.consent.allowDecline,
        offline: facts.grantableScopes.includes('offline_access'),
        remember,
        ...(remember ? { rememberedUntil: until } : {}),
        ...(client?.attestation ? { attestation: client.attestation } : {}),
      };
      return { name: 'consent', view };
    }
    default:
      return undefined;
  }
}
