/** The schemas of what the admin API takes and answers, made from the tenant document's own, so that both agree. */
import { readFileSync } from 'node:fs';
import type { JsonSchema } from './route.ts';

interface ObjectSchema extends JsonSchema {
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
}

const tenantSchema = JSON.parse(
  readFileSync(new URL('../../schemas/tenant.schema.json', import.meta.url), 'utf8'),
) as ObjectSchema;

function itemOf(list: string): ObjectSchema {
  return tenantSchema.properties[list]?.['items'] as ObjectSchema;
}

/** The schema without the members that name files of a tenant's folder, and with the ones that stand in their place. */
function body(list: string, without: readonly string[], add: Readonly<Record<string, JsonSchema>> = {}): ObjectSchema {
  const { properties, required, description, additionalProperties } = itemOf(list);
  const kept = Object.entries(properties).filter(([name]) => !without.includes(name));
  return {
    type: 'object',
    description,
    properties: { ...Object.fromEntries(kept), ...add },
    required: required ?? [],
    additionalProperties: additionalProperties ?? false,
  };
}

export function text(description: string, more: JsonSchema = {}): JsonSchema {
  return { type: 'string', description, ...more };
}

export function instantText(description: string): JsonSchema {
  return text(description, { format: 'date-time' });
}

export function list(items: JsonSchema, description: string): JsonSchema {
  return { type: 'array', description, items };
}

export function object(
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[] = Object.keys(properties),
  more: JsonSchema = {},
): JsonSchema {
  return { type: 'object', properties, required, additionalProperties: false, ...more };
}

/**
 * A merge patch (RFC 7396) of a document: any of its members, or null, and so within objects. Without defaults, as what
 * is left out stays.
 */
export function patchOf({ properties }: { readonly properties: Readonly<Record<string, JsonSchema>> }): JsonSchema {
  return object(patchMembers(properties), [], { description: 'Members to change; null takes one away.' });
}

function patchMembers(properties: Readonly<Record<string, JsonSchema>>): Readonly<Record<string, JsonSchema>> {
  const members = Object.entries(properties).map(([name, { default: _default, ...schema }]) => {
    const { properties: within, additionalProperties: others } = schema;
    const patch = {
      ...schema,
      ...(within ? { properties: patchMembers(within as Readonly<Record<string, JsonSchema>>), required: [] } : {}),
      ...(typeof others === 'object' ? { additionalProperties: orNull(others as JsonSchema) } : {}),
    };
    return [name, orNull(patch)];
  });
  return Object.fromEntries(members) as Readonly<Record<string, JsonSchema>>;
}

function orNull(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'null' }] };
}

/** A page of a list; `next` is the `after` of the page behind it, absent on the last one. */
export function page(items: JsonSchema): JsonSchema {
  return object({ items: list(items, 'This page.'), next: text('Send it as `after` to get the next page.') }, [
    'items',
  ]);
}

export const pageQuery: Readonly<Record<string, JsonSchema>> = {
  limit: { type: 'integer', minimum: 1, maximum: 500, default: 100, description: 'At most so many items.' },
  after: text('`next` of the page before.'),
};

export const secretBody = object(
  {
    description: text('What it is for.', { maxLength: 200, examples: ['2027 rotation'] }),
    activation: instantText('Accepted from this instant; at once where absent.'),
    expiration: instantText('Accepted until this instant; without end where absent.'),
  },
  [],
);

export const secretView = object(
  { id: text('Its id.'), ...(secretBody['properties'] as Readonly<Record<string, JsonSchema>>) },
  ['id'],
);

/** A client without its secrets, which have calls of their own. */
export const clientBody = body('clients', ['secrets', 'jwksFile']);

const source = {
  enum: ['configuration', 'store'],
  description: 'Where it is defined: the tenant document, which is edited as a file, or the store.',
};

export const clientView: JsonSchema = {
  ...clientBody,
  properties: { ...clientBody.properties, source, secrets: list(secretView, 'Its secrets, without their values.') },
};

const password = text('Write-only.', { minLength: 8, maxLength: 200, writeOnly: true });
export const userBody = body('users', ['password', 'passwordHash'], { password });

export const userView: JsonSchema = {
  ...body('users', ['password', 'passwordHash']),
  properties: {
    ...body('users', ['password', 'passwordHash']).properties,
    hasPassword: { type: 'boolean', description: 'Whether the person can log in with a password here.' },
    external: object({ provider: text('The provider.'), subject: text('The subject there.') }),
    passwordChangedAt: instantText('When the password was set; absent where that is not known.'),
    failedLogins: { type: 'integer', description: 'Failed log-ins since the last success.' },
    lockedUntil: instantText('Until when failed log-ins lock the account; absent where they do not.'),
  },
};

export const secondFactorView = object(
  {
    enrolled: { type: 'boolean', description: 'Whether there is an authenticator app or a passkey.' },
    required: { type: 'boolean', description: 'Whether the tenant has this person use one.' },
    authenticatorSince: instantText('When an authenticator app was set up; absent where there is none.'),
    passkeys: { type: 'integer', description: 'How many passkeys there are.' },
    recoveryCodes: { type: 'integer', description: 'Recovery codes left.' },
    rememberedDevices: { type: 'integer', description: 'Devices that are not asked for a code.' },
    wrongCodes: { type: 'integer', description: 'Wrong codes since the last right one.' },
    lockedUntil: instantText('Until when wrong codes lock it; absent where they do not.'),
  },
  ['enrolled', 'required', 'passkeys', 'recoveryCodes', 'rememberedDevices', 'wrongCodes'],
);

export const passwordBody = object({ password: { ...password, description: 'The new password.' } });

const samlSettings = itemOf('providers').properties['saml'] as ObjectSchema;
const { requestKey: _signs, decryptionKey: _decrypts, ...samlProperties } = samlSettings.properties;

function privateKey(use: string): JsonSchema {
  return text(`PEM of an RSA private key; ${use}. Write-only; it stays as long as its certificate does.`, {
    minLength: 1,
    maxLength: 20_000,
    writeOnly: true,
  });
}

export const providerBody = body('providers', ['clientSecret', 'federationAuth', 'saml'], {
  clientSecret: text('Our secret there. Write-only; left out on an edit, the stored one stays.', {
    minLength: 1,
    maxLength: 1000,
    writeOnly: true,
  }),
  federationAuth: text('Source of the script with `onAuthenticateSuccess` and `getUserName`.', { maxLength: 524_288 }),
  saml: {
    ...samlSettings,
    properties: {
      ...samlProperties,
      requestKey: privateKey('requests are then signed with it'),
      decryptionKey: privateKey('assertions may then be encrypted for its certificate'),
    },
  },
});

export const providerView: JsonSchema = {
  ...body('providers', ['clientSecret', 'saml']),
  properties: {
    ...body('providers', ['clientSecret', 'saml']).properties,
    protocol: { enum: ['openid', 'saml'], description: 'What it speaks.' },
    saml: {
      ...samlSettings,
      properties: {
        ...samlProperties,
        hasRequestKey: { type: 'boolean', description: 'Whether requests are signed.' },
        hasDecryptionKey: { type: 'boolean', description: 'Whether assertions may be encrypted.' },
      },
    },
    federationAuth: text('Source of its script.'),
    hasClientSecret: { type: 'boolean', description: 'Whether a secret is stored.' },
    source,
  },
};

export const keyView = object({
  kid: text('Its id.'),
  algorithm: text('What it signs with.'),
  active: { type: 'boolean', description: 'Whether it signs; others are published only.' },
  publicJwk: { type: 'object', description: 'The public key (RFC 7517).' },
  createdAt: instantText('When it came to the store.'),
});

const reference = text('A FHIR reference.', { pattern: '^[A-Za-z]+/[A-Za-z0-9.-]{1,64}$', examples: ['Patient/123'] });
const resourceId = { pattern: '^[A-Za-z0-9.-]{1,64}$' };

/** SMART App Launch 2.2, section 2.0.12: the launch context parameters an EHR may set. */
export const launchBody = object(
  {
    clientId: text('The app that is launched.', { examples: ['sample-app'] }),
    username: text('The person who launches it; nobody else can use the handle.', { examples: ['drsmith'] }),
    context: {
      ...object(
        {
          patient: text('Id of the patient.', { ...resourceId, examples: ['123'] }),
          encounter: text('Id of the encounter.', resourceId),
          fhirContext: list(
            object({ reference, role: text('URI of the role.', { format: 'uri' }) }, ['reference']),
            'Further resources.',
          ),
          intent: text('What the app should do.', { maxLength: 200 }),
          need_patient_banner: { type: 'boolean', description: 'Whether the app must show whose record it is.' },
          smart_style_url: text('Address of the style.', { format: 'uri' }),
          tenant: text('The tenant the app knows.', { maxLength: 200 }),
        },
        [],
      ),
      description: 'What the app learns with its token.',
      default: {},
    },
  },
  ['clientId', 'username'],
);

/** The tenant document's schema for what an algorithm may be. */
export const signingAlgorithms = (
  (tenantSchema.properties['keystore'] as ObjectSchema).properties['algorithms']?.['items'] as {
    readonly enum: readonly string[];
  }
).enum;
