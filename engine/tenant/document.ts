/** Generated from schemas/*.schema.json by `npm run generate`. Do not edit. */
/**
 * One tenant: an authorization server of its own, with its own issuer, apps, people, keys, callbacks and policies.
 */
export interface TenantDocument {
  /**
   * Where this schema is, for editors that complete and check the file.
   */
  $schema?: string;
  /**
   * The tenant's name in the admin API, the CLI and the store. Changing it makes another tenant.
   */
  id: string;
  /**
   * The tenant's name as people see it.
   */
  name: string;
  /**
   * The issuer (RFC 8414): https, or http on loopback; without query, fragment or trailing slash. Every endpoint lies below its path.
   */
  issuer: string;
  /**
   * A demonstration: secrets may stand inline and traces hold what callbacks saw. Its issuer must be on loopback.
   */
  demo?: boolean;
  /**
   * The FHIR servers that tokens are for. An app names one of them in `aud`; the first is the one scripts and launches use.
   *
   * Items: One FHIR server.
   */
  fhirServers?: {
    /**
     * Its name in `{issuer}/fhir/{name}/.well-known/smart-configuration`.
     */
    name: string;
    /**
     * Its base address, as apps write it in `aud`.
     */
    url: string;
    /**
     * How the tenant's scripts, and its searches of `launch.searches`, prove themselves to this server. Nothing is sent unless given.
     */
    access?:
      | {
          /**
           * Which kind of credential.
           */
          type: 'none';
        }
      | {
          /**
           * Which kind of credential.
           */
          type: 'bearer';
          /**
           * The token.
           */
          token:
            | string
            | {
                /**
                 * Name of an environment variable.
                 */
                env: string;
              }
            | {
                /**
                 * A file below the tenant's folder.
                 */
                file: string;
              };
        }
      | {
          /**
           * Which kind of credential.
           */
          type: 'basic';
          /**
           * The user name.
           */
          username: string;
          /**
           * The password.
           */
          password:
            | string
            | {
                /**
                 * Name of an environment variable.
                 */
                env: string;
              }
            | {
                /**
                 * A file below the tenant's folder.
                 */
                file: string;
              };
        }
      | {
          /**
           * Which kind of credential.
           */
          type: 'client-credentials';
          /**
           * The token endpoint of the server's authorization server.
           */
          tokenUrl: string;
          /**
           * The client id there.
           */
          clientId: string;
          /**
           * The client secret there.
           */
          clientSecret:
            | string
            | {
                /**
                 * Name of an environment variable.
                 */
                env: string;
              }
            | {
                /**
                 * A file below the tenant's folder.
                 */
                file: string;
              };
          /**
           * The scopes to ask for.
           */
          scope: string;
        }
      | {
          /**
           * Which kind of credential.
           */
          type: 'own-token';
          /**
           * The scopes of the token.
           */
          scope: string;
        };
  }[];
  /**
   * The keys that sign tokens. What is not imported is generated at the first start; private parts are stored encrypted.
   */
  keystore?: {
    /**
     * Algorithms to sign with, each with one active key. The first signs access tokens.
     *
     * @minItems 1
     *
     * Items: A signature algorithm (RFC 7518).
     */
    algorithms?: [
      'RS256' | 'RS384' | 'PS256' | 'ES256' | 'ES384',
      ...('RS256' | 'RS384' | 'PS256' | 'ES256' | 'ES384')[],
    ];
    /**
     * Private keys to import, inline. Demo tenants only; others use `jwksFile` or the admin API.
     */
    jwks?: {
      /**
       * The keys (RFC 7517), each with `kid` and `alg`, as in `jwksFile`.
       *
       * @minItems 1
       */
      keys: [{}, ...{}[]];
    };
    /**
     * A file below the tenant's folder with private keys to import: a JWKS whose keys each have `kid` and `alg`. The first of an algorithm signs, from when it is first until another one is, or is activated by `npx sallyport keys activate`.
     */
    jwksFile?: string;
  };
  /**
   * How long things last, seconds.
   */
  lifetimes?: {
    /**
     * How long an authorization code can be redeemed.
     */
    authorizationCodeSeconds?: number;
    /**
     * Lifetime of access tokens, where the client has none of its own.
     */
    accessTokenSeconds?: number;
    /**
     * Lifetime of ID tokens.
     */
    idTokenSeconds?: number;
    /**
     * Lifetime of refresh tokens, counted from the log-in: rotation does not lengthen it.
     */
    refreshTokenSeconds?: number;
    /**
     * How long a person stays logged in.
     */
    sessionSeconds?: number;
    /**
     * How long a page waits for a person.
     */
    interactionSeconds?: number;
    /**
     * How long the launch handle of an EHR can be used.
     */
    launchSeconds?: number;
    /**
     * How long a remembered approval holds.
     */
    consentSeconds?: number;
  };
  /**
   * What checks people's user names and passwords, in order: the first module that knows the person decides.
   *
   * Items: One inbound security module.
   */
  inbound?: {
    /**
     * The kind of module: `local` checks the password of a user of this tenant, `ldap` asks a directory, `scripted` asks the function `authenticate` of its script.
     */
    type: 'local' | 'ldap' | 'scripted';
    /**
     * Its name, which callbacks see as `theContext.moduleId`.
     */
    id: string;
    /**
     * A script below the tenant's folder whose `onAuthenticateSuccess` runs after a log-in through this module; of a scripted one, whose `authenticate` is the log-in.
     */
    script?: string;
    /**
     * Whether people may make accounts for this module by themselves, where the tenant’s `selfRegistration` is enabled.
     */
    selfRegistration?: boolean;
    /**
     * The directory of a module of type `ldap`.
     */
    ldap?: {
      /**
       * Its servers, `ldaps://` or `ldap://`. The next one is asked where one does not answer.
       *
       * @minItems 1
       * @maxItems 8
       *
       * Items: Address of a server.
       */
      urls:
        | [string]
        | [string, string]
        | [string, string, string]
        | [string, string, string, string]
        | [string, string, string, string, string]
        | [string, string, string, string, string, string]
        | [string, string, string, string, string, string, string]
        | [string, string, string, string, string, string, string, string];
      /**
       * Whether a connection to an `ldap://` address is encrypted before anything is said (StartTLS). Only a directory on loopback may go without.
       */
      startTls?: boolean;
      /**
       * A file below the tenant's folder with the certificates (PEM) of the authorities that the directory's certificate is checked by. Those of the system where absent.
       */
      caFile?: string;
      /**
       * How long a connection or an answer may take; a whole log-in four times as long.
       */
      timeoutMilliseconds?: number;
      /**
       * The service account that looks people and groups up.
       */
      bind?: {
        /**
         * Its distinguished name.
         */
        dn: string;
        /**
         * Its password.
         */
        password:
          | string
          | {
              /**
               * Name of an environment variable.
               */
              env: string;
            }
          | {
              /**
               * A file below the tenant's folder.
               */
              file: string;
            };
      };
      /**
       * How the service account finds a person's entry, at which their password is then tried.
       */
      search?: {
        /**
         * Where the search begins.
         */
        base: string;
        /**
         * Whether entries right below the base are looked at, or all of them.
         */
        scope?: 'one' | 'sub';
        /**
         * A filter (RFC 4515) that fits one entry; `{username}` is what the person typed, escaped.
         */
        filter?: string;
      };
      /**
       * In place of `search`: the distinguished name of everybody's entry, `{username}` in it escaped. Such a module cannot tell whom it does not know, so it must be the last one.
       */
      userDn?: string;
      /**
       * Which attributes say what of a person.
       */
      attributes?: {
        /**
         * What stays the same when a person is renamed. In Active Directory `objectGUID`.
         */
        subject?: string;
        /**
         * The user name. In Active Directory `sAMAccountName`.
         */
        username?: string;
        /**
         * The given name.
         */
        givenName?: string;
        /**
         * The family name.
         */
        familyName?: string;
        /**
         * The mail address.
         */
        email?: string;
        /**
         * The FHIR resource of the person, as `Practitioner/123` or a URL. What an administrator set stays where absent.
         */
        fhirUser?: string;
        /**
         * Free data of the person, by key.
         */
        userData?: {
          /**
           * The attribute.
           */
          [k: string]: string;
        };
      };
      /**
       * Permissions of everybody of this directory, in Smile CDR's vocabulary.
       *
       * Items: One permission.
       */
      defaultAuthorities?: {
        /**
         * The permission's name.
         */
        permission: string;
        /**
         * What the permission is limited to, where it takes a limit.
         */
        argument?: string;
      }[];
      /**
       * Groups of the directory and what being in them means. With it, a person's authorities come from there alone, anew at each log-in.
       */
      groups?: {
        /**
         * Where the search for groups begins.
         */
        base: string;
        /**
         * A filter for the groups of a person: `{dn}` is their entry, `{username}` their user name, escaped.
         */
        filter?: string;
        /**
         * Whether the members of a group are also members of the groups that it is a member of.
         */
        nested?: boolean;
        /**
         * Only members of this group may log in.
         */
        required?: string;
        /**
         * Permissions by group.
         *
         * Items: What the members of one group may do.
         */
        authorities?: {
          /**
           * Its distinguished name.
           */
          group: string;
          /**
           * The permissions.
           *
           * @minItems 1
           *
           * Items: One permission.
           */
          authorities: [
            {
              /**
               * The permission's name.
               */
              permission: string;
              /**
               * What the permission is limited to, where it takes a limit.
               */
              argument?: string;
            },
            ...{
              /**
               * The permission's name.
               */
              permission: string;
              /**
               * What the permission is limited to, where it takes a limit.
               */
              argument?: string;
            }[],
          ];
        }[];
      };
      /**
       * After so long the directory is asked whether the person is still there, by `search` and in `groups.required`, before a session is reused or a token refreshed. Where they are not, both end. Not asked where absent.
       */
      recheckSeconds?: number;
    };
  }[];
  /**
   * Which passwords people may have, and how they are kept.
   */
  passwords?: {
    /**
     * The fewest characters.
     */
    minimumLength?: number;
    /**
     * The most characters. Whatever this says, a password of more than 1024 bytes is none: reading it would cost more than it gains.
     */
    maximumLength?: number;
    /**
     * How hard to guess it must be at least, as zxcvbn estimates it: 1 withstands a few guesses, 2 a throttled attack over the network, 3 a stolen hash for a while, 4 for long. 0 asks for nothing.
     */
    minimumStrength?: number;
    /**
     * A file below the tenant's folder with passwords that nobody may set, one in each line: plain, or as SHA-1 in hex, with a count behind a colon or without.
     */
    breachedList?: string;
    /**
     * So many passwords, the present one among them, may not be set again.
     */
    history?: number;
    /**
     * After so many days a person must choose another one at the next log-in. Without end where absent.
     */
    maximumAgeDays?: number;
    /**
     * The cost of argon2id. A hash of another cost is made anew at the next log-in.
     */
    hashing?: {
      /**
       * Memory for each hash.
       */
      memoryKibibytes?: number;
      /**
       * Passes over it.
       */
      passes?: number;
      /**
       * How many lanes compute at once.
       */
      parallelism?: number;
    };
  };
  /**
   * Who proves a second factor at log-in, besides the password: a code of an authenticator app, or a recovery code.
   */
  secondFactor?: {
    /**
     * `optional`: whoever has set one up is asked for it. `required`: everybody is, and sets one up at the next log-in. `off`: nobody is, whoever has one.
     */
    level?: 'off' | 'optional' | 'required';
    /**
     * People with one of these permissions must have one, where the level is `optional`.
     *
     * @maxItems 100
     *
     * Items: The name of a permission.
     */
    requiredFor?: string[];
    /**
     * Whether people who log in at a foreign provider are asked as well, unless its `amr` says `mfa`. Otherwise what they proved there is enough.
     */
    askAfterProvider?: boolean;
    /**
     * Whether a passkey alone logs people in whose account is here, where the authenticator verifies them by PIN or body. As a second factor passkeys are taken in any case.
     */
    passkeyLogIn?: boolean;
    /**
     * For so many days a person may have a device remembered, which is then not asked again. 0 offers it to nobody. A smaller number holds for devices that are remembered already.
     */
    rememberDays?: number;
    /**
     * What authenticator apps call the tenant; its `name` where absent.
     */
    issuerName?: string;
    /**
     * Values of `acr_values` by which an app asks for a second factor. An ID token says in `acr` which one was met; the first where the app named none.
     *
     * @minItems 1
     * @maxItems 20
     *
     * Items: One value.
     */
    acrValues?:
      | [string]
      | [string, string]
      | [string, string, string]
      | [string, string, string, string]
      | [string, string, string, string, string]
      | [string, string, string, string, string, string]
      | [string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string, string, string, string, string, string]
      | [
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
        ]
      | [
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
        ]
      | [
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
        ]
      | [
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
        ]
      | [
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
        ]
      | [
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
        ];
  };
  /**
   * Whether people who forgot their password get a link by mail to choose another one.
   */
  passwordReset?: {
    /**
     * Whether the log-in page offers it.
     */
    enabled?: boolean;
    /**
     * How long the link is good for, seconds.
     */
    linkSeconds?: number;
  };
  /**
   * Whether people may make an account for themselves, and what they are asked. The account comes into being when they open the link in a mail and choose a password.
   */
  selfRegistration?: {
    /**
     * Whether the log-in page offers it.
     */
    enabled?: boolean;
    /**
     * What people log in with: their mail address, in small letters, or a name they choose. Only with the address can nobody learn which names are taken.
     */
    username?: 'email' | 'chosen';
    /**
     * What is asked beside the mail address, in this order.
     *
     * @maxItems 30
     *
     * Items: One question of the form.
     */
    fields?: {
      /**
       * Which one: `givenName`, `familyName`, `phone` or `birthDate`, or a name of your own. The answer to `birthDate` and to those of your own is kept in the person’s `userData` by that name.
       */
      name: string;
      /**
       * What is asked, by language. The built-in fields have words in the skin; one of your own needs this.
       */
      label?: {
        [k: string]: string;
      };
      /**
       * A line below the field, by language.
       */
      hint?: {
        [k: string]: string;
      };
      /**
       * Whether it must be answered.
       */
      required?: boolean;
      /**
       * What is answered: a line of text, a day, or one of `choices`. `birthDate` is a day in any case.
       */
      type?: 'text' | 'date' | 'choice';
      /**
       * The possible answers to a `choice`.
       *
       * @minItems 1
       * @maxItems 100
       *
       * Items: One possible answer.
       */
      choices?: [
        {
          /**
           * What `userData` keeps.
           */
          value: string;
          /**
           * What people read, by language.
           */
          label: {
            [k: string]: string;
          };
        },
        ...{
          /**
           * What `userData` keeps.
           */
          value: string;
          /**
           * What people read, by language.
           */
          label: {
            [k: string]: string;
          };
        }[],
      ];
      /**
       * A regular expression (ECMAScript, flag `v`) that the whole of a text must match.
       */
      pattern?: string;
      /**
       * The most characters of a text.
       */
      maxLength?: number;
    }[];
    /**
     * What everybody who registers may do, in Smile CDR’s vocabulary. Nobody can ask for more.
     *
     * Items: One permission.
     */
    authorities?: {
      /**
       * The permission's name.
       */
      permission: string;
      /**
       * What the permission is limited to, where it takes a limit.
       */
      argument?: string;
    }[];
    /**
     * Permissions that the callback `onSelfRegistration` may give beyond `authorities`.
     */
    authoritiesScriptsMayAdd?: string[];
    /**
     * How long the link in the mail is good for, seconds.
     */
    linkSeconds?: number;
    /**
     * A form that comes back sooner was not filled in by a person, who is asked to send it once more.
     */
    minimumSeconds?: number;
    /**
     * So many forms are taken in a minute, of all people together and on each node. Of one address it is five.
     */
    perMinute?: number;
    /**
     * Whether an administrator decides about each account, after the mail address is proven and before the account exists.
     */
    approval?: {
      /**
       * Whether it is so.
       */
      enabled?: boolean;
      /**
       * So many days a registration waits; then it is forgotten.
       */
      days?: number;
      /**
       * Who is told by mail that people wait: how many, and nothing of who they are.
       *
       * @maxItems 10
       */
      mailTo?:
        | []
        | [string]
        | [string, string]
        | [string, string, string]
        | [string, string, string, string]
        | [string, string, string, string, string]
        | [string, string, string, string, string, string]
        | [string, string, string, string, string, string, string]
        | [string, string, string, string, string, string, string, string]
        | [string, string, string, string, string, string, string, string, string]
        | [string, string, string, string, string, string, string, string, string, string];
      /**
       * So many minutes pass between two of these mails at least.
       */
      mailMinutes?: number;
    };
  };
  /**
   * How the tenant sends mail. A demo tenant without this keeps its mail, and the demo shows it.
   */
  mail?: {
    /**
     * The sender.
     */
    from: string;
    /**
     * The mail server that takes it.
     */
    smtp: {
      /**
       * The name of the server.
       */
      host: string;
      /**
       * The port of the server.
       */
      port?: number;
      /**
       * How the connection is encrypted: at once (`tls`), or before anything is said (`starttls`). `none` is for a server on loopback.
       */
      security?: 'starttls' | 'tls' | 'none';
      /**
       * Who logs in there; nobody where absent.
       */
      username?: string;
      /**
       * The password there.
       */
      password?:
        | string
        | {
            /**
             * Name of an environment variable.
             */
            env: string;
          }
        | {
            /**
             * A file below the tenant's folder.
             */
            file: string;
          };
    };
  };
  /**
   * How the foreign providers are offered.
   */
  federation?: {
    /**
     * Go straight to the provider where there is only one.
     */
    autoRedirect?: boolean;
    /**
     * Offer the password form beside the providers.
     */
    passwordForm?: boolean;
  };
  /**
   * Foreign OpenID Providers that people may log in with. They must publish their keys (`jwks_uri`), and `auth_time` where an app asks with `max_age`.
   *
   * Items: A foreign OpenID Provider.
   */
  providers?: {
    /**
     * Its name in `{issuer}/federation/callback/{id}`.
     */
    id: string;
    /**
     * Its name as people see it.
     */
    name: string;
    /**
     * Its issuer; everything else is discovered from there.
     */
    issuer: string;
    /**
     * The `client_id` this tenant has there.
     */
    clientId: string;
    /**
     * The secret this tenant has there; none for a public client. Inline in demo tenants only.
     */
    clientSecret?:
      | string
      | {
          /**
           * Name of an environment variable.
           */
          env: string;
        }
      | {
          /**
           * A file below the tenant's folder.
           */
          file: string;
        };
    /**
     * Scopes to ask for.
     */
    scopes?: string[];
    /**
     * A script below the tenant's folder whose `getUserName` and `onAuthenticateSuccess` run after a log-in at this provider.
     */
    federationAuth?: string;
    /**
     * What becomes of somebody who logs in at this provider for the first time under a user name that is taken here. `refuse`: they are turned away. `prove`: they may enter the password of that account, and the second factor where it has one, and log in with either from then on.
     */
    existingUsers?: 'refuse' | 'prove';
    /**
     * The provider speaks SAML 2.0 in place of OpenID Connect. Its `issuer` is then its entity ID, and `clientId` the entity ID of this tenant there. Metadata for it are at `{issuer}/federation/saml/{id}/metadata`; it posts its answers to `{issuer}/federation/saml/{id}/acs`. Assertions must be signed, with SHA-256 or better, and are encrypted only where it has a `decryptionKey`.
     */
    saml?: {
      /**
       * Its single sign-on address for the HTTP-Redirect binding.
       */
      entryPoint: string;
      /**
       * Its single logout address for the HTTP-Redirect binding; needs `requestKey`. Who logs out there is then logged out here, at `{issuer}/federation/saml/{id}/slo`, which the metadata name; with `endSession` the other way round, too. Name and session index of each log-in are kept encrypted until then.
       */
      logoutUrl?: string;
      /**
       * Its signing certificates, as PEM or as the base64 text in its metadata; several while it changes them.
       *
       * @minItems 1
       * @maxItems 10
       */
      certificates:
        | [string]
        | [string, string]
        | [string, string, string]
        | [string, string, string, string]
        | [string, string, string, string, string]
        | [string, string, string, string, string, string]
        | [string, string, string, string, string, string, string]
        | [string, string, string, string, string, string, string, string]
        | [string, string, string, string, string, string, string, string, string]
        | [string, string, string, string, string, string, string, string, string, string];
      /**
       * The format of the name it is asked for. It must be one that stays the same for a person; a transient one would make a new user at each log-in.
       */
      nameIdFormat?: string;
      /**
       * The names of attributes, by the claim that each becomes for callbacks. `given_name`, `family_name` and `email` also become the user's.
       */
      attributes?: {
        [k: string]: string;
      };
      /**
       * How far its clock may be off, seconds.
       */
      clockSkewSeconds?: number;
      /**
       * PEM of an RSA private key; requests are then signed with it. Inline in demo tenants only.
       */
      requestKey?:
        | string
        | {
            /**
             * Name of an environment variable.
             */
            env: string;
          }
        | {
            /**
             * A file below the tenant's folder.
             */
            file: string;
          };
      /**
       * The certificate of `requestKey`, which the metadata show.
       */
      requestCertificate?: string;
      /**
       * PEM of an RSA private key; assertions may then be encrypted for its certificate, with RSA-OAEP and AES. They must be signed all the same. Inline in demo tenants only.
       */
      decryptionKey?:
        | string
        | {
            /**
             * Name of an environment variable.
             */
            env: string;
          }
        | {
            /**
             * A file below the tenant's folder.
             */
            file: string;
          };
      /**
       * The certificate of `decryptionKey`, which the metadata show.
       */
      decryptionCertificate?: string;
    };
    /**
     * Log people out at the provider, too, when they log out here: OpenID Connect RP-Initiated Logout, for which `{issuer}/session/ended` must be registered there as post-logout redirect URI, and the ID token is kept encrypted until then; or SAML Single Logout at `saml.logoutUrl`.
     */
    endSession?: boolean;
    /**
     * Seconds after which a session that began at the provider is reused only if the provider still renews its refresh token, which is kept encrypted and revoked at log-out. Without it no refresh token is kept. The provider must give one, for which it may want `offline_access` among `scopes`.
     */
    recheckSeconds?: number;
    /**
     * Permissions of everybody who logs in with this provider, in Smile CDR's vocabulary.
     *
     * Items: One permission.
     */
    defaultAuthorities?: {
      /**
       * The permission's name.
       */
      permission: string;
      /**
       * What the permission is limited to, where it takes a limit.
       */
      argument?: string;
    }[];
  }[];
  /**
   * Apps and services (OAuth clients). More can be created through the admin API; those that stand here are changed here.
   *
   * Items: An app or service (OAuth client).
   */
  clients?: {
    /**
     * The `client_id`.
     */
    clientId: string;
    /**
     * Its name as people see it when they approve.
     */
    clientName: string;
    /**
     * Whether it may be used. A disabled client gets no tokens, and those it has are refused.
     */
    enabled?: boolean;
    /**
     * Whose rules hold where specifications disagree: `smart` (SMART App Launch: `aud` with FHIR scopes, PKCE always) or `oidc` (OpenID Connect: no `aud` needed, PKCE optional for confidential clients).
     */
    profile?: 'smart' | 'oidc';
    /**
     * How it proves who it is at the token endpoint; `none` for public clients.
     *
     * @minItems 1
     */
    tokenEndpointAuthMethods: [
      'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt',
      ...('none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt')[],
    ];
    /**
     * Its secrets; several may be active at one time, for rotation.
     *
     * Items: One secret.
     */
    secrets?: {
      /**
       * The secret, or its hash. Inline in demo tenants only; a hash anywhere.
       */
      value:
        | string
        | {
            /**
             * Name of an environment variable.
             */
            env: string;
          }
        | {
            /**
             * A file below the tenant's folder.
             */
            file: string;
          }
        | {
            /**
             * A hash that was made elsewhere, by bcrypt or PBKDF2, or one of ours. The first use of the secret replaces it.
             */
            hash: string;
          };
      /**
       * What it is for, for administrators.
       */
      description?: string;
      /**
       * Accepted from this instant.
       */
      activation?: string;
      /**
       * Accepted until this instant.
       */
      expiration?: string;
    }[];
    /**
     * Its public keys, inline. One of `jwks`, `jwksUri`, `jwksFile`.
     */
    jwks?: {
      /**
       * The keys (RFC 7517).
       *
       * @minItems 1
       */
      keys: [{}, ...{}[]];
    };
    /**
     * Where its public keys are fetched. One of `jwks`, `jwksUri`, `jwksFile`.
     */
    jwksUri?: string;
    /**
     * A file below the tenant's folder with its public keys; private members are ignored. One of `jwks`, `jwksUri`, `jwksFile`.
     */
    jwksFile?: string;
    /**
     * Grants it may use.
     */
    grantTypes: (
      'authorization_code' | 'refresh_token' | 'client_credentials' | 'urn:ietf:params:oauth:grant-type:jwt-bearer'
    )[];
    /**
     * Addresses it may be answered at, matched exactly; on loopback with any port (RFC 8252).
     */
    redirectUris?: string[];
    /**
     * Addresses a log-out may return to, matched exactly.
     */
    postLogoutRedirectUris?: string[];
    /**
     * Where the app is told, from server to server, that a session has ended (OpenID Connect Back-Channel Logout). A private address must be in `outboundHttp.allow` with `allowPrivate`.
     */
    backchannelLogoutUri?: string;
    /**
     * Whether the app needs `sid` in logout tokens. They have it in any case.
     */
    backchannelLogoutSessionRequired?: boolean;
    /**
     * A page of the app that the log-out page shows in a hidden frame, with `iss` and `sid` (OpenID Connect Front-Channel Logout). Scheme, host and port are those of one of its redirect URIs.
     */
    frontchannelLogoutUri?: string;
    /**
     * Whether the app needs `iss` and `sid` at that page. They are sent in any case.
     */
    frontchannelLogoutSessionRequired?: boolean;
    /**
     * Scopes it may be given, in SMART version 1 or 2 notation.
     */
    scopes?: string[];
    /**
     * Scopes granted without asking the person, when requested.
     */
    autoApproveScopes?: string[];
    /**
     * Scopes granted even when not requested.
     */
    autoGrantScopes?: string[];
    /**
     * Whether an approval may be remembered.
     */
    rememberApprovedScopes?: boolean;
    /**
     * Ask even when an approval is remembered.
     */
    alwaysRequireApproval?: boolean;
    /**
     * Lifetime of its access tokens, seconds; the tenant's where absent.
     */
    accessTokenSeconds?: number;
    /**
     * Lifetime of its refresh tokens, seconds; the tenant's where absent.
     */
    refreshTokenSeconds?: number;
    /**
     * Form of its access tokens: `jwt` (RFC 9068) or `opaque`, which only introspection can read.
     */
    accessTokenFormat?: 'jwt' | 'opaque';
    /**
     * Algorithm that signs its ID tokens; RS256 where absent, or the first of the keystore that has none.
     */
    idTokenSigningAlgorithm?: 'RS256' | 'RS384' | 'PS256' | 'ES256' | 'ES384';
    /**
     * What it may do when it acts without a person, in Smile CDR's vocabulary.
     *
     * Items: One permission.
     */
    permissions?: {
      /**
       * The permission's name.
       */
      permission: string;
      /**
       * What the permission is limited to, where it takes a limit.
       */
      argument?: string;
    }[];
    /**
     * Whether it may introspect every token of the tenant, as a resource server does.
     */
    canIntrospectAnyTokens?: boolean;
    /**
     * Whether it may introspect the tokens issued to it.
     */
    canIntrospectOwnTokens?: boolean;
    /**
     * The developer's attestation in plain language, shown when people approve.
     */
    attestation?: {
      /**
       * What the developer attests.
       */
      text: string;
      /**
       * When it was attested.
       */
      date: string;
      /**
       * Where it can be read in full.
       */
      url?: string;
    };
  }[];
  /**
   * People who exist from the start on. Once created they are kept in the store, where the admin API changes them; a later change here has no effect on them.
   *
   * Items: A person.
   */
  users?: {
    /**
     * An id that stays when the user name changes; the user name where absent.
     */
    id?: string;
    /**
     * The log-in name.
     */
    username: string;
    /**
     * The first password; without one the person cannot log in by password. Inline in demo tenants only.
     */
    password?:
      | string
      | {
          /**
           * Name of an environment variable.
           */
          env: string;
        }
      | {
          /**
           * A file below the tenant's folder.
           */
          file: string;
        };
    /**
     * Instead of `password`: its hash, made elsewhere by bcrypt or PBKDF2, or argon2id. The first log-in replaces a foreign one.
     */
    passwordHash?: string;
    /**
     * Whether the person must choose another password at the next log-in.
     */
    mustChangePassword?: boolean;
    /**
     * Given name.
     */
    givenName?: string;
    /**
     * Family name.
     */
    familyName?: string;
    /**
     * Mail address.
     */
    email?: string;
    /**
     * Telephone number, best with the country: `+` and digits.
     */
    phone?: string;
    /**
     * Whether the person may log in.
     */
    enabled?: boolean;
    /**
     * What the person may do, in Smile CDR's vocabulary.
     *
     * Items: One permission.
     */
    authorities?: {
      /**
       * The permission's name.
       */
      permission: string;
      /**
       * What the permission is limited to, where it takes a limit.
       */
      argument?: string;
    }[];
    /**
     * Address of the FHIR resource that stands for the person, as apps get it in `fhirUser`.
     */
    fhirUser?: string;
    /**
     * Contexts that are used when nobody chooses one.
     *
     * Items: One context.
     */
    defaultLaunchContexts?: {
      /**
       * Kind of resource, as in `launch/patient`.
       */
      contextType: string;
      /**
       * Id of the resource, without its type.
       */
      resourceId: string;
    }[];
    /**
     * Free text for administrators; callbacks see it.
     */
    notes?: string;
    /**
     * Anything callbacks want to know of the person.
     */
    userData?: {};
  }[];
  /**
   * Callbacks of the tenant. A provider's or inbound module's callbacks are named there.
   */
  scripts?: {
    /**
     * A script below the tenant's folder with `onSmartLoginPreContextSelection`, `onTokenGenerating`, `onPostAuthorize` and `onSelfRegistration`, any of them.
     */
    callbacks?: string;
    /**
     * A script below the tenant's folder whose `authenticate` decides CODAP requests; needed where `codap.enabled`.
     */
    codapAuthorization?: string;
    /**
     * Callbacks for some apps or flows only, instead of `callbacks`: the first that fits.
     *
     * Items: One binding.
     */
    bound?: {
      /**
       * A name for it, of its own; its slot is `bound/<id>`.
       */
      id: string;
      /**
       * A script file below the tenant's folder.
       */
      script: string;
      /**
       * The apps it is for, by client id; every one where absent.
       *
       * @minItems 1
       */
      clients?: [string, ...string[]];
      /**
       * The flows it is for; every one where absent.
       *
       * @minItems 1
       */
      flows?: [
        'interactive' | 'client-credentials' | 'backend-services' | 'codap' | 'refresh' | 'self-registration',
        ...('interactive' | 'client-credentials' | 'backend-services' | 'codap' | 'refresh' | 'self-registration')[],
      ];
    }[];
  };
  /**
   * Limits of each run of a callback. A run that passes one of them fails, and so does its flow.
   */
  scriptLimits?: {
    /**
     * CPU time, milliseconds.
     */
    cpuMilliseconds?: number;
    /**
     * Time from start to end, waiting for answers included, milliseconds.
     */
    wallMilliseconds?: number;
    /**
     * Memory, MiB.
     */
    memoryMebibytes?: number;
    /**
     * Outgoing calls.
     */
    httpCalls?: number;
    /**
     * Bytes of one answer to an outgoing call.
     */
    httpResponseBytes?: number;
    /**
     * Bytes of all that the callback changed or returned.
     */
    outputBytes?: number;
    /**
     * Lines in the log; more are dropped.
     */
    logLines?: number;
    /**
     * Runs of this tenant at one time.
     */
    concurrency?: number;
    /**
     * Runs of this tenant that may wait for their turn; more fail at once.
     */
    queue?: number;
    /**
     * All calls to the engine per invocation: HTTP, FHIR, key-value store, token verification.
     */
    hostCalls?: number;
    /**
     * Keys in the tenant's key-value store.
     */
    kvKeys?: number;
    /**
     * Bytes in the tenant's key-value store.
     */
    kvBytes?: number;
  };
  /**
   * Where callbacks may call over HTTP. Nowhere, unless listed.
   */
  outboundHttp?: {
    /**
     * Hosts, each as `host`, which is the standard port of the scheme only, or `host:port`.
     *
     * Items: A host, or a host with rules of its own.
     */
    allow?: (
      | string
      | {
          /**
           * `host` or `host:port`.
           */
          host: string;
          /**
           * HTTP methods; every one where absent.
           *
           * @minItems 1
           */
          methods?: [
            'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
            ...('GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE')[],
          ];
          /**
           * Only addresses at or below this path.
           */
          path?: string;
          /**
           * Bytes of a request's body.
           */
          maximumRequestBytes?: number;
          /**
           * Bytes of an answer's body.
           */
          maximumResponseBytes?: number;
        }
    )[];
    /**
     * Lift the guard against private, loopback and link-local addresses for exactly these hosts, and for the keys and providers of this tenant at these hosts. Addresses of cloud metadata stay out of reach.
     */
    allowPrivate?: boolean;
  };
  /**
   * Names and values that callbacks read by `Environment.getEnv(name)`. Text may stand inline; what is secret comes from the environment or a file.
   */
  environment?: {
    /**
     * A value: text, or a reference to the environment or to a file below the tenant's folder.
     */
    [k: string]:
      | string
      | {
          /**
           * Name of an environment variable.
           */
          env: string;
        }
      | {
          /**
           * A file below the tenant's folder.
           */
          file: string;
        };
  };
  /**
   * Parameters of the authorization request that callbacks may read.
   */
  requestParameterAllowList?: string[];
  /**
   * The EHR launch, and the choice of a context.
   */
  launch?: {
    /**
     * Accept `launch` values that this server did not make, and leave it to `onTokenGenerating` to resolve them: nobody is asked for a context, and a token with scopes for a patient's record is refused where the callback named no patient.
     */
    acceptUnknown?: boolean;
    /**
     * Take the only choice of a context that `onSmartLoginPreContextSelection` offers or a search finds, and do not ask the person to pick it.
     */
    skipOnlyChoice?: boolean;
    /**
     * Let people have the record they choose offered first, and chosen beforehand, when they come with the same app again. Only a record that is among the choices then is offered at all. Kept as long as a remembered approval (`lifetimes.consentSeconds`).
     */
    rememberChoice?: boolean;
    /**
     * Searches on the FHIR server that an app names, by which people choose the context it wants: the records they find are what they may choose, searched there while they type. Asked for in this order, each kind that neither the launch nor `onSmartLoginPreContextSelection` names or offers.
     *
     * Items: What some of the people may choose of one kind.
     */
    searches?: {
      /**
       * The type of resource. Its name in lower case is the kind of context: `Encounter` is asked for by `launch/encounter`.
       */
      resourceType: string;
      /**
       * Whom it is for: people whose `fhirUser`, on that server, is of one of these types. Everybody where absent. The first search of a type that is for a person is the one they get.
       *
       * @minItems 1
       */
      for?: [string, ...string[]];
      /**
       * Only for apps that name this one of `fhirServers` in `aud`. It is always the server the app names that is searched, as the records are those of that server.
       */
      server?: string;
      /**
       * Search parameters that say which records the person may choose, each with a value or, where it stands several times, a list. Gaps are `{username}`, `{fhirUser}` (a reference such as `Practitioner/drsmith`), `{fhirUser.id}`, and a kind of context that is settled already, such as `{patient}` (its id). Where a gap cannot be filled, nothing is offered.
       */
      parameters?: {
        [k: string]: string | [string, ...string[]];
      };
      /**
       * By which search parameters what people type is searched. A word goes to the first of `dates`, `numbers` and `words` that takes it; without any of them there is no search field.
       */
      find?: {
        /**
         * For words, each of which must match.
         */
        words?: string;
        /**
         * For dates, as people write them.
         */
        dates?: string;
        /**
         * For words with digits in them, such as record numbers. With `identifierSystem` only those of that system.
         */
        numbers?: string;
      };
      /**
       * The system of the identifier that is shown beside each record. None is shown where absent.
       */
      identifierSystem?: string;
      /**
       * Let people go on without a record of this kind, by a button. A patient that the scopes need is never optional.
       */
      optional?: boolean;
      /**
       * How many are shown on one page.
       */
      pageSize?: number;
    }[];
  };
  /**
   * Access for people of other organisations by signed requests (CODAP).
   */
  codap?: {
    /**
     * Whether CODAP is offered. It needs `scripts.codapAuthorization` and at least one entry in `trust`.
     */
    enabled?: boolean;
    /**
     * Organisations whose requests are considered.
     *
     * Items: One trusted organisation, with exactly one of `jwks`, `jwksUri`, `jwksFile`.
     */
    trust?: {
      /**
       * The `iss` of its authorization tokens.
       */
      issuer: string;
      /**
       * Its public keys, inline.
       */
      jwks?: {
        /**
         * The keys (RFC 7517).
         *
         * @minItems 1
         */
        keys: [{}, ...{}[]];
      };
      /**
       * Where its public keys are fetched.
       */
      jwksUri?: string;
      /**
       * A file below the tenant's folder with its public keys; private members are ignored.
       */
      jwksFile?: string;
      /**
       * Algorithms its tokens may be signed with.
       *
       * @minItems 1
       */
      algorithms: [
        'RS256' | 'RS384' | 'PS256' | 'ES256' | 'ES384',
        ...('RS256' | 'RS384' | 'PS256' | 'ES256' | 'ES384')[],
      ];
      /**
       * Clients of this tenant that may present its tokens.
       *
       * @minItems 1
       */
      clients: [string, ...string[]];
      /**
       * Scopes it may ask for.
       */
      scopes: string[];
      /**
       * Levels of assurance of which its tokens must name one; any where empty.
       */
      requiredAcr?: string[];
    }[];
  };
  /**
   * The page on which people approve.
   */
  consent?: {
    /**
     * Whether people may strike out single scopes.
     */
    allowDecline?: boolean;
  };
  /**
   * Terms that people accept once for each app and version.
   */
  termsOfService?: {
    /**
     * Changing it asks everybody again.
     */
    version: string;
    /**
     * The terms, plain text. Without it people see a sample text that says that it is one.
     */
    text?: string;
  };
  /**
   * What callbacks and apps may do.
   */
  policy?: {
    /**
     * Scopes that a callback may grant beyond those the client may have.
     */
    scopesScriptsMayAdd?: string[];
    /**
     * Whether a flow goes on when `onPostAuthorize` fails. A denial still denies.
     */
    onPostAuthorizeOpen?: boolean;
    /**
     * What becomes of requested scopes that the client may not have: `ignore` leaves them out, `reject` refuses the request.
     */
    unlistedScopes?: 'ignore' | 'reject';
    /**
     * Whether `onPostAuthorize` sees the value of the access token, instead of a mask.
     */
    showAccessTokenToPostAuthorize?: boolean;
    /**
     * Whether what callbacks log, and the messages of errors they throw, go to the server's log and the traces. They may hold people's data: turn it on where your callbacks log none. Demo tenants always do.
     */
    keepScriptLogs?: boolean;
  };
  /**
   * What is kept of flows for who looks into them later: all that failed, and a share of the others.
   */
  traces?: {
    /**
     * What of the inputs and effects of callbacks is kept. `redacted`: their members, with stand-ins for every value that could tell of a person; enough to see why a callback did what it did, and to run it again. `all` is for demo tenants, who have it unless told otherwise; for others it is `none`.
     */
    values?: 'none' | 'redacted' | 'all';
    /**
     * The part of successful flows that is kept. Of flows without a person no more than ten in a second and node are.
     */
    share?: number;
    /**
     * Days after which a trace is deleted.
     */
    days?: number;
    /**
     * How many are kept: the newest.
     */
    most?: number;
  };
  /**
   * Origins that may show the pages in a frame (CSP `frame-ancestors`). None, unless listed.
   */
  frameAncestors?: string[];
  /**
   * How the pages look: the name of a skin in `skins/`, or a folder below the tenant's.
   */
  skin?: string;
  /**
   * Secrets that scripts read by name through Secrets, each in the hooks it names. They are masked wherever a script prints them.
   */
  secrets?: {
    /**
     * One secret.
     */
    [k: string]: {
      /**
       * The secret; at least 8 characters.
       */
      value:
        | string
        | {
            /**
             * Name of an environment variable.
             */
            env: string;
          }
        | {
            /**
             * A file below the tenant's folder.
             */
            file: string;
          };
      /**
       * The hooks that may read it.
       *
       * @minItems 1
       */
      hooks: [
        (
          | 'onAuthenticateSuccess'
          | 'getUserName'
          | 'authenticate'
          | 'onSmartLoginPreContextSelection'
          | 'onTokenGenerating'
          | 'onPostAuthorize'
          | 'onSelfRegistration'
        ),
        ...(
          | 'onAuthenticateSuccess'
          | 'getUserName'
          | 'authenticate'
          | 'onSmartLoginPreContextSelection'
          | 'onTokenGenerating'
          | 'onPostAuthorize'
          | 'onSelfRegistration'
        )[],
      ];
    };
  };
}

/**
 * The server: where it listens, stores and finds its tenants. Most properties may also be set by an environment variable.
 */
export interface ServerDocument {
  /**
   * Where this schema is, for editors that complete and check the file.
   */
  $schema?: string;
  /**
   * Folder that holds a folder for each tenant, relative to the server file; `tenants` beside it where absent.
   */
  tenants?: string;
  /**
   * Folder of the embedded store, the master key and the administrator's secret, relative to the server file; `./data` below the working directory where absent.
   */
  data?: string;
  /**
   * A PostgreSQL server (14 or newer) instead of the embedded store.
   */
  databaseUrl?: string;
  /**
   * Port to listen on; 0 takes a free one.
   */
  port?: number;
  /**
   * Address to listen on. `0.0.0.0` listens on all of them.
   */
  host?: string;
  /**
   * Sandbox processes that run callbacks.
   */
  workers?: number;
  /**
   * The first administrator's secret; made once and kept in the data folder where absent. Prefer the variable: a file is no place for secrets.
   */
  adminSecret?: string;
  /**
   * Encrypts private keys and provider secrets at rest: 32 random bytes in hex or base64url, or at least 32 characters; made once and kept in the data folder where absent. Prefer the variable: a file is no place for secrets.
   */
  masterKey?: string;
  /**
   * Days that audit events are kept; older ones are deleted for good. Six years where absent.
   */
  auditRetentionDays?: number;
  /**
   * Addresses or networks of the reverse proxies whose X-Forwarded-For is believed. Without it everybody behind a proxy has the proxy's address, and shares its bound of wrong log-ins.
   */
  trustProxy?: string[];
}

/** One client of a tenant document. */
export type ClientDocument = NonNullable<TenantDocument['clients']>[number];
/** One person of a tenant document. */
export type UserDocument = NonNullable<TenantDocument['users']>[number];
/** One foreign provider of a tenant document. */
export type ProviderDocument = NonNullable<TenantDocument['providers']>[number];
