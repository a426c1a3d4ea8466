/** Generated from schemas/*.schema.json by `npm run generate`. Do not edit. */
/**
 * One tenant: an authorization server of its own.
 */
export interface TenantDocument {
  /**
   * Where this schema is.
   */
  $schema?: string;
  /**
   * Identifier.
   */
  id: string;
  /**
   * The name people see.
   */
  name: string;
  /**
   * The issuer; endpoints lie below its path.
   */
  issuer: string;
  /**
   * A demonstration: inline secrets are allowed, traces hold values, the issuer must be on loopback.
   */
  demo?: boolean;
  /**
   * FHIR servers that tokens are for.
   *
   * Items: One server.
   */
  fhirServers?: {
    /**
     * Identifier.
     */
    name: string;
    /**
     * Its base address, the value of `aud`.
     */
    url: string;
  }[];
  /**
   * Signing keys.
   */
  keystore?: {
    /**
     * Algorithms to sign with; the first signs access tokens.
     *
     * @minItems 1
     */
    algorithms?: [
      'RS256' | 'RS384' | 'PS256' | 'ES256' | 'ES384',
      ...('RS256' | 'RS384' | 'PS256' | 'ES256' | 'ES384')[],
    ];
    /**
     * A JSON Web Key Set.
     */
    jwks?: {
      /**
       * The keys.
       *
       * @minItems 1
       */
      keys: [{}, ...{}[]];
    };
    /**
     * A file with private keys to import.
     */
    jwksFile?: string;
  };
  /**
   * Lifetimes, seconds.
   */
  lifetimes?: {
    /**
     * Authorization codes.
     */
    authorizationCodeSeconds?: number;
    /**
     * Access tokens.
     */
    accessTokenSeconds?: number;
    /**
     * ID tokens.
     */
    idTokenSeconds?: number;
    /**
     * Refresh tokens.
     */
    refreshTokenSeconds?: number;
    /**
     * Log-in sessions.
     */
    sessionSeconds?: number;
    /**
     * How long a page waits for a person.
     */
    interactionSeconds?: number;
    /**
     * Launch handles.
     */
    launchSeconds?: number;
    /**
     * Remembered approvals.
     */
    consentSeconds?: number;
  };
  /**
   * Inbound security modules in order.
   *
   * Items: One module.
   */
  inbound?: {
    /**
     * The kind of module.
     */
    type: 'local';
    /**
     * Identifier.
     */
    id: string;
    /**
     * A script file below the tenant's folder.
     */
    script?: string;
  }[];
  /**
   * How foreign providers are offered.
   */
  federation?: {
    /**
     * Go straight to the only provider.
     */
    autoRedirect?: boolean;
    /**
     * Offer the password form, too.
     */
    passwordForm?: boolean;
  };
  /**
   * Foreign providers.
   *
   * Items: A foreign OpenID Provider.
   */
  providers?: {
    /**
     * Identifier.
     */
    id: string;
    /**
     * The name people see.
     */
    name: string;
    /**
     * Its issuer.
     */
    issuer: string;
    /**
     * Our client_id there.
     */
    clientId: string;
    /**
     * A secret: a reference to the environment or to a file below the tenant's folder. Text stands inline in demo tenants only.
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
     * A script file below the tenant's folder.
     */
    federationAuth?: string;
    /**
     * Permissions in Smile CDR's vocabulary.
     *
     * Items: One permission.
     */
    defaultAuthorities?: {
      /**
       * The permission's name.
       */
      permission: string;
      /**
       * What it is limited to.
       */
      argument?: string;
    }[];
  }[];
  /**
   * Clients.
   *
   * Items: An OAuth client.
   */
  clients?: {
    /**
     * The client_id.
     */
    clientId: string;
    /**
     * The name people see.
     */
    clientName: string;
    /**
     * Whether the client may be used.
     */
    enabled?: boolean;
    /**
     * Which profile's rules hold where specifications disagree.
     */
    profile?: 'smart' | 'oidc';
    /**
     * How the client proves who it is; `none` for public clients.
     *
     * @minItems 1
     */
    tokenEndpointAuthMethods: [
      'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt',
      ...('none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt')[],
    ];
    /**
     * Client secrets; several may be active for rotation.
     *
     * Items: One secret.
     */
    secrets?: {
      /**
       * A secret: a reference to the environment or to a file below the tenant's folder. Text stands inline in demo tenants only.
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
       * What it is for.
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
     * A JSON Web Key Set.
     */
    jwks?: {
      /**
       * The keys.
       *
       * @minItems 1
       */
      keys: [{}, ...{}[]];
    };
    /**
     * Address of a JSON Web Key Set.
     */
    jwksUri?: string;
    /**
     * A file below the tenant's folder with a JSON Web Key Set; private members are never used for verification.
     */
    jwksFile?: string;
    /**
     * Grants the client may use.
     */
    grantTypes: (
      'authorization_code' | 'refresh_token' | 'client_credentials' | 'urn:ietf:params:oauth:grant-type:jwt-bearer'
    )[];
    /**
     * Exact addresses the client may be answered at.
     */
    redirectUris?: string[];
    /**
     * Exact addresses a log-out may return to.
     */
    postLogoutRedirectUris?: string[];
    /**
     * Scopes the client may be given.
     */
    scopes?: string[];
    /**
     * Granted without asking when requested.
     */
    autoApproveScopes?: string[];
    /**
     * Granted even when not requested.
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
     * Lifetime of access tokens.
     */
    accessTokenSeconds?: number;
    /**
     * Lifetime of refresh tokens.
     */
    refreshTokenSeconds?: number;
    /**
     * JWT (RFC 9068) or opaque access tokens.
     */
    accessTokenFormat?: 'jwt' | 'opaque';
    /**
     * Algorithm of ID tokens.
     */
    idTokenSigningAlgorithm?: 'RS256' | 'RS384' | 'PS256' | 'ES256' | 'ES384';
    /**
     * Permissions in Smile CDR's vocabulary.
     *
     * Items: One permission.
     */
    permissions?: {
      /**
       * The permission's name.
       */
      permission: string;
      /**
       * What it is limited to.
       */
      argument?: string;
    }[];
    /**
     * May introspect every token of the tenant.
     */
    canIntrospectAnyTokens?: boolean;
    /**
     * May introspect its own tokens.
     */
    canIntrospectOwnTokens?: boolean;
    /**
     * The developer's plain-language attestation, shown at approval.
     */
    attestation?: {
      /**
       * The text.
       */
      text: string;
      /**
       * When it was given.
       */
      date: string;
      /**
       * Where it can be read in full.
       */
      url?: string;
    };
  }[];
  /**
   * People.
   *
   * Items: A person seeded at start.
   */
  users?: {
    /**
     * A stable id; made of the user name unless given.
     */
    id?: string;
    /**
     * The log-in name.
     */
    username: string;
    /**
     * A secret: a reference to the environment or to a file below the tenant's folder. Text stands inline in demo tenants only.
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
     * Whether the person may log in.
     */
    enabled?: boolean;
    /**
     * Permissions in Smile CDR's vocabulary.
     *
     * Items: One permission.
     */
    authorities?: {
      /**
       * The permission's name.
       */
      permission: string;
      /**
       * What it is limited to.
       */
      argument?: string;
    }[];
    /**
     * Address of the FHIR resource that stands for the person.
     */
    fhirUser?: string;
    /**
     * Contexts used when nobody chooses.
     *
     * Items: One context.
     */
    defaultLaunchContexts?: {
      /**
       * Kind of resource.
       */
      contextType: string;
      /**
       * Its id.
       */
      resourceId: string;
    }[];
    /**
     * Free text.
     */
    notes?: string;
    /**
     * Free data for scripts.
     */
    userData?: {};
  }[];
  /**
   * Callback scripts.
   */
  scripts?: {
    /**
     * A script file below the tenant's folder.
     */
    callbacks?: string;
    /**
     * A script file below the tenant's folder.
     */
    codapAuthorization?: string;
  };
  /**
   * Limits of one callback invocation.
   */
  scriptLimits?: {
    /**
     * CPU per invocation, milliseconds.
     */
    cpuMilliseconds?: number;
    /**
     * Wall clock per invocation with all its calls, milliseconds.
     */
    wallMilliseconds?: number;
    /**
     * Memory of an isolate, MiB.
     */
    memoryMebibytes?: number;
    /**
     * Outgoing calls per invocation.
     */
    httpCalls?: number;
    /**
     * Bytes of one response.
     */
    httpResponseBytes?: number;
    /**
     * Bytes of a result.
     */
    outputBytes?: number;
    /**
     * Log lines per invocation.
     */
    logLines?: number;
    /**
     * Invocations at one time.
     */
    concurrency?: number;
    /**
     * Invocations that may wait.
     */
    queue?: number;
  };
  /**
   * Where scripts may call.
   */
  outboundHttp?: {
    /**
     * Hosts, `host` or `host:port`.
     */
    allow?: string[];
    /**
     * Lift the guard against private addresses for these hosts.
     */
    allowPrivate?: boolean;
  };
  /**
   * Names and values scripts read through Environment.
   */
  environment?: {
    /**
     * A secret: a reference to the environment or to a file below the tenant's folder. Text stands inline in demo tenants only.
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
   * Authorization request parameters scripts may read.
   */
  requestParameterAllowList?: string[];
  /**
   * EHR launch.
   */
  launch?: {
    /**
     * Let the script resolve launch values this server did not issue.
     */
    acceptUnknown?: boolean;
  };
  /**
   * Cross-organization data access.
   */
  codap?: {
    /**
     * Whether it is offered.
     */
    enabled?: boolean;
    /**
     * Trusted organisations.
     *
     * Items: One trusted organisation.
     */
    trust?: {
      /**
       * Issuer of its authorization tokens.
       */
      issuer: string;
      /**
       * A JSON Web Key Set.
       */
      jwks?: {
        /**
         * The keys.
         *
         * @minItems 1
         */
        keys: [{}, ...{}[]];
      };
      /**
       * Address of a JSON Web Key Set.
       */
      jwksUri?: string;
      /**
       * A file below the tenant's folder with a JSON Web Key Set; private members are never used for verification.
       */
      jwksFile?: string;
      /**
       * Accepted algorithms.
       *
       * @minItems 1
       */
      algorithms: [
        'RS256' | 'RS384' | 'PS256' | 'ES256' | 'ES384',
        ...('RS256' | 'RS384' | 'PS256' | 'ES256' | 'ES384')[],
      ];
      /**
       * Clients that may present them.
       *
       * @minItems 1
       */
      clients: [string, ...string[]];
      /**
       * Scopes it may ask for.
       */
      scopes: string[];
      /**
       * Accepted levels of assurance; any when empty.
       */
      requiredAcr?: string[];
    }[];
  };
  /**
   * Approval page.
   */
  consent?: {
    /**
     * People may strike out single scopes.
     */
    allowDecline?: boolean;
  };
  /**
   * Terms people accept once per app and version.
   */
  termsOfService?: {
    /**
     * Changing it asks everybody again.
     */
    version: string;
    /**
     * The text.
     */
    text: string;
  };
  /**
   * What scripts and apps may do.
   */
  policy?: {
    /**
     * Scopes a script may grant beyond the client's definition.
     */
    scopesScriptsMayAdd?: string[];
    /**
     * A failing onPostAuthorize does not fail the flow.
     */
    onPostAuthorizeOpen?: boolean;
    /**
     * What becomes of requested scopes the client may not have.
     */
    unlistedScopes?: 'ignore' | 'reject';
    /**
     * onPostAuthorize sees the token's own value.
     */
    showAccessTokenToPostAuthorize?: boolean;
  };
  /**
   * Origins that may frame the pages.
   */
  frameAncestors?: string[];
  /**
   * A folder below the tenant's, or the name of a skin.
   */
  skin?: string;
}

/**
 * The server: where it listens, stores and finds its tenants. Each property may also be set by an environment variable.
 */
export interface ServerDocument {
  /**
   * Where this schema is.
   */
  $schema?: string;
  /**
   * Folder of tenant folders, relative to this file (SALLYPORT_CONFIG).
   */
  tenants?: string;
  /**
   * Folder of the embedded store and the master key (SALLYPORT_DATA).
   */
  data?: string;
  /**
   * PostgreSQL instead of the embedded store (DATABASE_URL).
   */
  databaseUrl?: string;
  /**
   * Port to listen on (PORT).
   */
  port?: number;
  /**
   * Address to listen on (HOST).
   */
  host?: string;
  /**
   * Sandbox processes (SALLYPORT_WORKERS).
   */
  workers?: number;
  /**
   * Secret of the first administrator (SALLYPORT_ADMIN_SECRET).
   */
  adminSecret?: string;
  /**
   * Encrypts private keys at rest (SALLYPORT_MASTER_KEY).
   */
  masterKey?: string;
}

/** One client of a tenant document. */
export type ClientDocument = NonNullable<TenantDocument['clients']>[number];
/** One person of a tenant document. */
export type UserDocument = NonNullable<TenantDocument['users']>[number];
/** One foreign provider of a tenant document. */
export type ProviderDocument = NonNullable<TenantDocument['providers']>[number];
