import { federated } from './federated.ts';
import { afterLocalLogin, chooseContexts } from './hooks.ts';
import { acceptConsent, acceptTerms, findConsent, findTerms } from './step/approve.ts';
import { issueCode, redeemCode } from './step/code.ts';
import { acceptChoice, prepareContext, settleContext } from './step/context.ts';
import { joinAccount } from './step/link.ts';
import { acceptLogin, establishSession, findSession, requireUser } from './step/log-in.ts';
import { acceptNewPassword, findPasswordDue } from './step/password.ts';
import { acceptCodesSeen, acceptFactor, acceptSetup, findFactorDue, keepFactor } from './step/second-factor.ts';
import { identifyClient, validateRequest } from './step/validate-request.ts';
import type { Ports } from './ports.ts';
import { defineFlow } from './table.ts';
import { tokenIssue } from './token-issue.ts';

const interaction = (ports: Ports) => ports.tenant.lifetimes.interactionSeconds;

/** A person lets an app in: the authorization code grant with everything SMART App Launch adds to it. */
export const interactive = defineFlow('interactive', 'Interactive', 'client known', {
  'client known': {
    kind: 'step',
    does: 'client and redirect URI belong together',
    run: identifyClient,
    leads: { known: 'request validated' },
  },
  'request validated': {
    kind: 'step',
    does: 'the request is one that may be answered',
    run: validateRequest,
    leads: { validated: 'session sought' },
  },
  'session sought': {
    kind: 'step',
    does: 'is somebody logged in already',
    run: findSession,
    leads: {
      reused: 'context prepared',
      'step up': 'second factor sought',
      login: 'login',
      provider: 'provider chosen',
    },
  },

  login: {
    kind: 'wait',
    does: 'the person logs in or chooses a provider',
    waitsFor: 'person',
    accept: acceptLogin,
    expiresIn: interaction,
    leads: { identified: 'local log-in', provider: 'provider chosen' },
  },
  'local log-in': {
    kind: 'hook',
    does: "the inbound module's script sees the log-in and may deny it",
    binding: afterLocalLogin,
    leads: { continue: 'local user' },
  },
  'local user': {
    kind: 'step',
    does: 'the local user behind the session; one of a directory is made or brought up to date',
    run: requireUser,
    leads: { found: 'second factor sought' },
  },

  'second factor sought': {
    kind: 'step',
    does: 'is a second factor asked for, and is there one',
    run: findFactorDue,
    leads: { enough: 'password age', ask: 'second factor', enrol: 'second factor setup' },
  },
  'second factor': {
    kind: 'wait',
    does: 'the person proves the second factor',
    waitsFor: 'person',
    accept: acceptFactor,
    expiresIn: interaction,
    leads: { proven: 'password age' },
  },
  'second factor setup': {
    kind: 'wait',
    does: 'the person sets up a second factor',
    waitsFor: 'person',
    accept: acceptSetup,
    expiresIn: interaction,
    leads: { confirmed: 'second factor kept', added: 'recovery codes' },
  },
  'second factor kept': {
    kind: 'step',
    does: 'it is kept, and sessions without it end',
    run: keepFactor,
    leads: { kept: 'recovery codes' },
  },
  'recovery codes': {
    kind: 'wait',
    does: 'the person notes the recovery codes',
    waitsFor: 'person',
    accept: acceptCodesSeen,
    expiresIn: interaction,
    leads: { seen: 'password age' },
  },

  'password age': {
    kind: 'step',
    does: 'must the password be changed',
    run: findPasswordDue,
    leads: { current: 'session', due: 'new password' },
  },
  'new password': {
    kind: 'wait',
    does: 'the person chooses another password',
    waitsFor: 'person',
    accept: acceptNewPassword,
    expiresIn: interaction,
    leads: { changed: 'session' },
  },

  ...federated,

  session: {
    kind: 'step',
    does: 'a new session under a new id',
    run: establishSession,
    leads: { authenticated: 'context prepared', link: 'account joined' },
  },
  'account joined': {
    kind: 'step',
    does: "the provider's account becomes the person's own",
    run: joinAccount,
    leads: { joined: 'context prepared' },
  },
  'context prepared': {
    kind: 'step',
    does: 'what launch and defaults say of the context',
    run: prepareContext,
    leads: { prepared: 'context choices' },
  },
  'context choices': {
    kind: 'hook',
    does: 'the script may offer choices or settle the context',
    binding: chooseContexts,
    leads: { continue: 'context settled' },
  },
  'context settled': {
    kind: 'step',
    does: 'must somebody choose',
    run: settleContext,
    leads: { known: 'terms sought', choose: 'context', more: 'context choices' },
  },
  context: {
    kind: 'wait',
    does: 'the person picks a context',
    waitsFor: 'person',
    accept: acceptChoice,
    expiresIn: interaction,
    leads: { chosen: 'context settled', back: 'context settled' },
  },

  'terms sought': {
    kind: 'step',
    does: 'were these terms accepted before',
    run: findTerms,
    leads: { agreed: 'consent sought', ask: 'terms' },
  },
  terms: {
    kind: 'wait',
    does: 'the person reads the terms of service',
    waitsFor: 'person',
    accept: acceptTerms,
    expiresIn: interaction,
    leads: { agreed: 'consent sought' },
  },
  'consent sought': {
    kind: 'step',
    does: 'were these scopes approved before',
    run: findConsent,
    leads: { approved: 'code issued', ask: 'consent' },
  },
  consent: {
    kind: 'wait',
    does: 'the person approves the scopes',
    waitsFor: 'person',
    accept: acceptConsent,
    expiresIn: interaction,
    leads: { approved: 'code issued' },
  },

  'code issued': { kind: 'step', does: 'a code for the app', run: issueCode, leads: { issued: 'code' } },
  code: {
    kind: 'wait',
    does: 'the app redeems the code',
    waitsFor: 'app',
    accept: redeemCode,
    expiresIn: (ports: Ports) => ports.tenant.lifetimes.authorizationCodeSeconds,
    leads: { redeemed: 'token generating' },
  },
  ...tokenIssue,
});
