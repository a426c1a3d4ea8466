/** All migrations, oldest first. A released one never changes; a new one is added at the end. */
import type { Knex } from 'knex';
import * as initial from './0001-initial.ts';
import * as administration from './0002-administration.ts';
import * as scriptValues from './0003-script-values.ts';
import * as scriptVersions from './0004-script-versions.ts';
import * as replacedSecrets from './0005-replaced-secrets.ts';
import * as sessions from './0010-sessions.ts';
import * as providerAccounts from './0011-provider-accounts.ts';
import * as mailedLinks from './0012-mailed-links.ts';
import * as rememberedContexts from './0013-remembered-contexts.ts';
import * as registrations from './0007-registrations.ts';
import * as secondFactors from './0008-second-factors.ts';
import * as passkeys from './0009-passkeys.ts';

interface NamedMigration extends Knex.Migration {
  readonly name: string;
}

export const migrations: readonly NamedMigration[] = [
  initial,
  administration,
  scriptValues,
  scriptVersions,
  replacedSecrets,
  sessions,
  providerAccounts,
  mailedLinks,
  rememberedContexts,
  registrations,
  secondFactors,
  passkeys,
];
