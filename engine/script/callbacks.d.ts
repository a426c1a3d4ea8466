/* oxlint-disable */
/**
 * What callback scripts have. Generated from engine/script/api/ by `npm run generate`. Do not edit.
 *
 * In a script that imports nothing: `// @ts-check` on its first line, and above a hook a comment `@type {OnTokenGenerating}`.
 * In a module: `import type { OnTokenGenerating } from 'sallyport'`.
 */

declare module 'sallyport' {
  /** A value, or a promise of it: hooks may be async. */
  export type Awaitable<T> = T | PromiseLike<T>;
  /** A permission. Editors complete those that Smile CDR knows; a tenant may have others. */
  export type Permission =
    | 'ROLE_ANONYMOUS'
    | 'ROLE_FHIR_CLIENT'
    | 'ROLE_FHIR_CLIENT_SUPERUSER'
    | 'ROLE_FHIR_CLIENT_SUPERUSER_RO'
    | 'ROLE_FHIR_TERMINOLOGY_READ_CLIENT'
    | 'ROLE_SUPERUSER'
    | 'ROLE_SYSTEM'
    | 'ROLE_SYSTEM_INITIALIZATION'
    | 'ACCESS_ADMIN_JSON'
    | 'ACCESS_ADMIN_WEB'
    | 'ACCESS_FHIRWEB'
    | 'ACCESS_FHIR_ENDPOINT'
    | 'AG_ADMIN_CONSOLE_READ'
    | 'AG_ADMIN_CONSOLE_WRITE'
    | 'AG_DEV_PORTAL_READ'
    | 'AG_DEV_PORTAL_WRITE'
    | 'ARCHIVE_MODULE'
    | 'BLOCK_FHIR_READ_UNLESS_CODE_IN_VS'
    | 'BLOCK_FHIR_READ_UNLESS_CODE_NOT_IN_VS'
    | 'CDA_IMPORT'
    | 'CHANGE_OWN_DEFAULT_LAUNCH_CONTEXTS'
    | 'CHANGE_OWN_PASSWORD'
    | 'CHANGE_OWN_TFA_KEY'
    | 'CONTROL_MODULE'
    | 'CREATE_CDA_TEMPLATE'
    | 'CREATE_MODULE'
    | 'CREATE_USER'
    | 'DELETE_CDA_TEMPLATE'
    | 'DOCREF'
    | 'DQM_QPP_BUILD'
    | 'EMPI_ADMIN'
    | 'EMPI_UPDATE_MATCH_RULES'
    | 'EMPI_VIEW_MATCH_RULES'
    | 'ETL_IMPORT_PROCESS_FILE'
    | 'FHIR_ACCESS_PARTITION_ALL'
    | 'FHIR_ACCESS_PARTITION_NAME'
    | 'FHIR_ALL_DELETE'
    | 'FHIR_ALL_READ'
    | 'FHIR_ALL_WRITE'
    | 'FHIR_AUTO_MDM'
    | 'FHIR_BATCH'
    | 'FHIR_CAPABILITIES'
    | 'FHIR_DELETE_ALL_IN_COMPARTMENT'
    | 'FHIR_DELETE_ALL_OF_TYPE'
    | 'FHIR_DELETE_CASCADE_ALLOWED'
    | 'FHIR_DELETE_EXPUNGE'
    | 'FHIR_DELETE_TYPE_IN_COMPARTMENT'
    | 'FHIR_DTR_USER'
    | 'FHIR_EMPI_ADMIN'
    | 'FHIR_EXPUNGE_DELETED'
    | 'FHIR_EXPUNGE_EVERYTHING'
    | 'FHIR_EXPUNGE_PREVIOUS_VERSIONS'
    | 'FHIR_EXTENDED_OPERATION_ON_ANY_INSTANCE'
    | 'FHIR_EXTENDED_OPERATION_ON_ANY_INSTANCE_OF_TYPE'
    | 'FHIR_EXTENDED_OPERATION_ON_SERVER'
    | 'FHIR_EXTENDED_OPERATION_ON_TYPE'
    | 'FHIR_GET_RESOURCE_COUNTS'
    | 'FHIR_GRAPHQL'
    | 'FHIR_LIVEBUNDLE'
    | 'FHIR_MANAGE_PARTITIONS'
    | 'FHIR_MANUAL_VALIDATION'
    | 'FHIR_MDM_ADMIN'
    | 'FHIR_META_OPERATIONS_SUPERUSER'
    | 'FHIR_MODIFY_SEARCH_PARAMETERS'
    | 'FHIR_OP_APPLY'
    | 'FHIR_OP_BINARY_ACCESS_READ'
    | 'FHIR_OP_BINARY_ACCESS_WRITE'
    | 'FHIR_OP_CQL_EVALUATE_MEASURE'
    | 'FHIR_OP_EMPI_CLEAR'
    | 'FHIR_OP_EMPI_DUPLICATE_PERSONS'
    | 'FHIR_OP_EMPI_MERGE_PERSONS'
    | 'FHIR_OP_EMPI_QUERY_LINKS'
    | 'FHIR_OP_EMPI_SUBMIT'
    | 'FHIR_OP_EMPI_UPDATE_LINK'
    | 'FHIR_OP_ENCOUNTER_EVERYTHING'
    | 'FHIR_OP_EXTRACT'
    | 'FHIR_OP_INITIATE_BULK_DATA_EXPORT'
    | 'FHIR_OP_INITIATE_BULK_DATA_EXPORT_GROUP'
    | 'FHIR_OP_INITIATE_BULK_DATA_EXPORT_PATIENT'
    | 'FHIR_OP_INITIATE_BULK_DATA_EXPORT_SYSTEM'
    | 'FHIR_OP_INITIATE_BULK_DATA_IMPORT'
    | 'FHIR_OP_MDM_CLEAR'
    | 'FHIR_OP_MDM_CREATE_LINK'
    | 'FHIR_OP_MDM_DUPLICATE_GOLDEN_RESOURCES'
    | 'FHIR_OP_MDM_LINK_HISTORY'
    | 'FHIR_OP_MDM_MERGE_GOLDEN_RESOURCES'
    | 'FHIR_OP_MDM_NOT_DUPLICATE'
    | 'FHIR_OP_MDM_QUERY_LINKS'
    | 'FHIR_OP_MDM_SUBMIT'
    | 'FHIR_OP_MDM_UPDATE_LINK'
    | 'FHIR_OP_MEMBER_MATCH'
    | 'FHIR_OP_PACKAGE'
    | 'FHIR_OP_PATIENT_EVERYTHING'
    | 'FHIR_OP_PATIENT_MATCH'
    | 'FHIR_OP_PATIENT_SUMMARY'
    | 'FHIR_OP_POPULATE'
    | 'FHIR_OP_PREPOPULATE'
    | 'FHIR_OP_STRUCTUREDEFINITION_SNAPSHOT'
    | 'FHIR_PATCH'
    | 'FHIR_PROCESS_MESSAGE'
    | 'FHIR_READ_ALL_IN_COMPARTMENT'
    | 'FHIR_READ_ALL_OF_TYPE'
    | 'FHIR_READ_INSTANCE'
    | 'FHIR_READ_SEARCH_PARAMETERS'
    | 'FHIR_READ_TYPE_IN_COMPARTMENT'
    | 'FHIR_TRANSACTION'
    | 'FHIR_TRIGGER_SUBSCRIPTION'
    | 'FHIR_UPDATE_REWRITE_HISTORY'
    | 'FHIR_UPLOAD_EXTERNAL_TERMINOLOGY'
    | 'FHIR_WRITE_ALL_IN_COMPARTMENT'
    | 'FHIR_WRITE_ALL_OF_TYPE'
    | 'FHIR_WRITE_INSTANCE'
    | 'FHIR_WRITE_TYPE_IN_COMPARTMENT'
    | 'INVOKE_CDS_HOOKS'
    | 'MANAGE_BATCH_JOBS'
    | 'MDM_ADMIN'
    | 'MDM_UPDATE_MATCH_RULES'
    | 'MDM_VIEW_MATCH_RULES'
    | 'MODULE_ADMIN'
    | 'OIDC_CLIENT_PRESET_PERMISSION'
    | 'OPENID_CONNECT_ADD_CLIENT'
    | 'OPENID_CONNECT_ADD_SERVER'
    | 'OPENID_CONNECT_EDIT_CLIENT'
    | 'OPENID_CONNECT_EDIT_SERVER'
    | 'OPENID_CONNECT_MANAGE_GLOBAL_SESSIONS'
    | 'OPENID_CONNECT_VIEW_CLIENT_LIST'
    | 'OPENID_CONNECT_VIEW_SERVER_LIST'
    | 'PACKAGE_REGISTRY_READ'
    | 'PACKAGE_REGISTRY_WRITE'
    | 'REINSTATE_MODULE'
    | 'SAVE_USER'
    | 'START_STOP_MODULE'
    | 'SUBMIT_ATTACHMENT'
    | 'UPDATE_MODULE_CONFIG'
    | 'UPDATE_USER'
    | 'USE_CDA_TEMPLATE'
    | 'VIEW_AUDIT_LOG'
    | 'VIEW_BATCH_JOBS'
    | 'VIEW_CDA_TEMPLATE'
    | 'VIEW_METRICS'
    | 'VIEW_MODULE_CONFIG'
    | 'VIEW_MODULE_STATUS'
    | 'VIEW_TRANSACTION_LOG'
    | 'VIEW_TRANSACTION_LOG_EVENT'
    | 'VIEW_USERS'
    | (string & {});
  /**
   * Somebody proved who they are, here or at a foreign provider; neither their session nor, if they are new, their user exists yet. Returns the session, a success of the factory, or nothing to let them in; a failure of the factory denies.
   *
   * When: after the password was right, or the provider’s ID token was.
   * Configured at: the script of the inbound module; the `federationAuth` script of the provider.
   */
  export type OnAuthenticateSuccess = (
    theUserSession: UserSessionDetails,
    theOutcomeFactory: ScriptAuthenticationOutcomeFactory,
    theContext: SecurityInSmartAuthenticationContext,
  ) => Awaitable<UserSessionDetails | AuthenticationFailure | null | undefined | void>;
  /**
   * What a user of a foreign provider is called here. Answers the name as a text. Without the function, provider and subject make one up that equals no local name.
   *
   * When: before `onAuthenticateSuccess` of the same provider.
   * Configured at: the `federationAuth` script of the provider.
   */
  export type GetUserName = (theOidcUserInfoMap: OidcUserInfoMap, theServerInfo: OAuth2Server) => Awaitable<string>;
  /**
   * Whether a partner organisation’s request is granted, and what its user may do here; or, in the script of a scripted log-in module, whether a user name and password are right, and who that is. `theRequest` has the members of the one or of the other. Returns a success of the factory, filled in, or a failure; nothing denies, too, and anything else is a fault.
   *
   * When: after both tokens were verified; when a person has typed in user name and password.
   * Configured at: `scripts.codapAuthorization`; the script of an inbound module of type `scripted`.
   */
  export type Authenticate = (
    theRequest: CodapRequest & AuthenticationRequest,
    theOutcomeFactory: ScriptAuthenticationOutcomeFactory,
  ) => Awaitable<UserSessionDetails | AuthenticationFailure | null | undefined | void>;
  /**
   * Whether the person must pick a record before the app gets in, and from which. What it returns is ignored. Runs once more where the person picked and the app asks for a further kind (`launch/encounter`) that nothing names and of which nothing was offered: what was picked then stands in `theUserSession.getLaunchResourceIds()`.
   *
   * When: the person has logged in, or had a session.
   * Configured at: `callbacks`.
   */
  export type OnSmartLoginPreContextSelection = (
    theUserSession: UserSessionDetails,
    theContextSelectionChoices: ContextSelectionChoices,
  ) => any;
  /**
   * The token is about to be made: last chance to change launch context, claims and scopes. `theUserSession` is null where there is no user. What it returns is ignored.
   *
   * When: before access token and ID token are made, at each refresh, too.
   * Configured at: `callbacks`.
   */
  export type OnTokenGenerating = (
    theUserSession: UserSessionDetails | null,
    theAuthorizationRequestDetails: OAuth2AuthorizationRequestDetails,
    theClientDetails: ClientDetails,
  ) => any;
  /**
   * The token is stored and about to be returned. Nothing of it can be changed any more; a throw takes it back, unless the tenant’s `policy.onPostAuthorizeOpen` is on. What it returns is ignored.
   *
   * When: after the token was stored, before it is returned.
   * Configured at: `callbacks`.
   */
  export type OnPostAuthorize = (theDetails: SmartOnPostAuthorizeDetails) => any;
  /**
   * Somebody registered: their mail address is proven and their password chosen, and the account is about to be made of `theUserSession`. Returns nothing or the session to go on; a failure of the factory refuses, and the person reads its `message`. Runs once more where the person must choose another user name.
   *
   * When: the person opened the link in the mail and chose a password.
   * Configured at: `callbacks`.
   */
  export type OnSelfRegistration = (
    theUserSession: UserSessionDetails,
    theOutcomeFactory: ScriptAuthenticationOutcomeFactory,
    theContext: RegistrationContext,
  ) => Awaitable<UserSessionDetails | AuthenticationFailure | null | undefined | void>;
  /** The user and what they bring to this launch. What a script changes here holds from this hook on: for the token, and, where a hook of the log-in changes it, for the whole session. */
  export interface UserSessionDetails {
    /** Who it is. A script names the user in `getUserName`, or on a success of `authenticate`; to change it anywhere else ends the flow. */
    username: string;
    /** The same as `username`. */
    getUsername(): string;
    /** Sets `username`. */
    setUsername(value: string): void;
    /** Whether the user came from elsewhere: a foreign provider or a CODAP partner. */
    readonly external: boolean;
    /** The same as `external`. */
    getExternal(): boolean;
    /** The given name. The ID token has it where `profile` was granted. */
    givenName: string | null;
    /** The same as `givenName`. */
    getGivenName(): string | null;
    /** Sets `givenName`. */
    setGivenName(value: string | null): void;
    /** The family name. The ID token has it where `profile` was granted. */
    familyName: string | null;
    /** The same as `familyName`. */
    getFamilyName(): string | null;
    /** Sets `familyName`. */
    setFamilyName(value: string | null): void;
    /** The e-mail address. The ID token has it where `email` was granted. */
    email: string | null;
    /** The same as `email`. */
    getEmail(): string | null;
    /** Sets `email`. */
    setEmail(value: string | null): void;
    /** Free text about the user, up to 8192 characters. */
    notes: string | null;
    /** The same as `notes`. */
    getNotes(): string | null;
    /** Sets `notes`. */
    setNotes(value: string | null): void;
    /** The FHIR resource that is this user: the `fhirUser` claim. Best an absolute URL on the FHIR server. Where nobody sets it there is no such claim: none is made up. */
    fhirUserUrl: string | null;
    /** The same as `fhirUserUrl`. */
    getFhirUserUrl(): string | null;
    /** Sets `fhirUserUrl`. */
    setFhirUserUrl(value: string | null): void;
    /** What the user may do. */
    authorities: JavaList<GrantedAuthority>;
    /** The same as `authorities`. */
    getAuthorities(): JavaList<GrantedAuthority>;
    /** Sets `authorities`. */
    setAuthorities(value: JavaList<GrantedAuthority>): void;
    /** Records the user comes with when no launch names one. */
    defaultLaunchContexts: JavaList<LaunchContext>;
    /** The same as `defaultLaunchContexts`. */
    getDefaultLaunchContexts(): JavaList<LaunchContext>;
    /** Sets `defaultLaunchContexts`. */
    setDefaultLaunchContexts(value: JavaList<LaunchContext>): void;
    /** The records in the context of this launch. */
    launchResourceIds: JavaList<LaunchResourceId>;
    /** The same as `launchResourceIds`. */
    getLaunchResourceIds(): JavaList<LaunchResourceId>;
    /** Sets `launchResourceIds`. */
    setLaunchResourceIds(value: JavaList<LaunchResourceId>): void;
    /** Further records in the context of this launch. */
    fhirContext: JavaList<FhirContextEntry>;
    /** The same as `fhirContext`. */
    getFhirContext(): JavaList<FhirContextEntry>;
    /** Sets `fhirContext`. */
    setFhirContext(value: JavaList<FhirContextEntry>): void;
    /** What scripts keep with the session from one hook to the next: any JSON, up to 200 entries. */
    userData: JavaMap<any>;
    /** Whether the user has a permission; with an argument, exactly that one. */
    hasAuthority(permission: Permission, argument?: string | null): boolean;
    /**
     * Gives the user a permission for this session. Adding one twice changes nothing.
     *
     * Not as in Smile CDR: Any well-formed name is taken (capitals, digits, underscores), for a tenant may have permissions of its own. Smile CDR throws for a name it does not know.
     */
    addAuthority(permission: Permission, argument?: string | null): void;
    /** Takes a permission away for this session; without an argument, with whatever argument it stands. */
    removeAuthority(permission: Permission, argument?: string | null): void;
    /** The default record of a type, whatever its case; one with a null `resourceId` where there was none. */
    getOrCreateDefaultLaunchContext(contextType: string): LaunchContext;
    /** Puts a record into the context of this launch. The type may be written in any case, the id with or without its type. It replaces another record of the same type. */
    addLaunchResourceId(resourceType: string, resourceId: string): void;
    /** Puts a further record into the context of this launch. Adding one twice changes nothing. */
    addFhirContext(reference: string, role?: string): void;
    /** What was kept under a key; null where there is nothing. */
    getUserData(key: string): any;
    /** What was kept under a key; null where there is nothing. */
    getUserData(): JavaMap<any>;
    /** Keeps any JSON under a key. */
    setUserData(key: string, value: any): void;
  }
  /** A permission of the user, with an argument where the permission needs one. */
  export interface GrantedAuthority {
    /** The permission, such as `FHIR_READ_INSTANCE`. */
    permission: Permission;
    /** The same as `permission`. */
    getPermission(): Permission;
    /** Sets `permission`. */
    setPermission(value: Permission): void;
    /** What the permission is for, such as `Patient/123`; null where it has none. */
    argument: string | null;
    /** The same as `argument`. */
    getArgument(): string | null;
    /** Sets `argument`. */
    setArgument(value: string | null): void;
  }
  /** A record that the user comes with when no launch names one: a practitioner their own Practitioner, a parent their child. */
  export interface LaunchContext {
    /** What the record is, such as `patient` or `practitioner`. */
    contextType: string;
    /** The same as `contextType`. */
    getContextType(): string;
    /** Sets `contextType`. */
    setContextType(value: string): void;
    /** The id, with or without its type; null until it is set. */
    resourceId: string | null;
    /** The same as `resourceId`. */
    getResourceId(): string | null;
    /** Sets `resourceId`. */
    setResourceId(value: string | null): void;
  }
  /** A record in the context of this launch. It becomes a launch parameter of the token response, and a claim. */
  export interface LaunchResourceId {
    /** The type in lower case, such as `patient`. */
    resourceType: string;
    /** The same as `resourceType`. */
    getResourceType(): string;
    /** Sets `resourceType`. */
    setResourceType(value: string): void;
    /** The id without its type. */
    resourceId: string;
    /** The same as `resourceId`. */
    getResourceId(): string;
    /** Sets `resourceId`. */
    setResourceId(value: string): void;
  }
  /** A further record in the context of this launch: an item of `fhirContext` in the token response (SMART App Launch 2.2). */
  export interface FhirContextEntry {
    /** A relative reference, such as `ImagingStudy/123`. */
    reference: string;
    /** The same as `reference`. */
    getReference(): string;
    /** Sets `reference`. */
    setReference(value: string): void;
    /** What the record is in this launch for; null where that is not said. */
    role: string | null;
    /** The same as `role`. */
    getRole(): string | null;
    /** Sets `role`. */
    setRole(value: string | null): void;
  }
  /** Makes what `onAuthenticateSuccess`, `authenticate` and `onSelfRegistration` answer. */
  export interface ScriptAuthenticationOutcomeFactory {
    /** An empty session for the script to fill and return. */
    newSuccess(): UserSessionDetails;
    /** A refusal for the script to return. */
    newFailure(): AuthenticationFailure;
  }
  /** A refusal, made by `theOutcomeFactory.newFailure()`. Returned from the hook it denies, even when nothing is filled in. */
  export interface AuthenticationFailure {
    /** Why; for the log and the trace. The person and the app do not see it, but for `onSelfRegistration`, where the person reads it. */
    message: string | null;
    /** The same as `message`. */
    getMessage(): string | null;
    /** Sets `message`. */
    setMessage(value: string | null): void;
    /** Whether it is because there is no such user. */
    unknownUsername: boolean;
    /** The same as `unknownUsername`. */
    getUnknownUsername(): boolean;
    /** Sets `unknownUsername`. */
    setUnknownUsername(value: boolean): void;
    /** Whether it is because of a wrong password. */
    incorrectPassword: boolean;
    /** The same as `incorrectPassword`. */
    getIncorrectPassword(): boolean;
    /** Sets `incorrectPassword`. */
    setIncorrectPassword(value: boolean): void;
  }
  /** How the user logged in. */
  export interface AuthenticationContext {
    /** The inbound module, or the provider, that checked who the user is. */
    readonly moduleId: string;
    /** The same as `moduleId`. */
    getModuleId(): string;
    /**
     * When the log-in was answered.
     *
     * Not as in Smile CDR: A text in ISO 8601, not a Java Instant: `new Date(theContext.startTime)` makes a date of it.
     */
    readonly startTime: string;
    /** The same as `startTime`. */
    getStartTime(): string;
    /** The address of the browser. */
    readonly remoteAddress: string;
    /** The same as `remoteAddress`. */
    getRemoteAddress(): string;
    /**
     * The node that the log-in came to.
     *
     * Not as in Smile CDR: Always null: there are no named nodes.
     */
    readonly nodeId: null;
    /** The same as `nodeId`. */
    getNodeId(): null;
    /**
     * The scheme that the browser used.
     *
     * Not as in Smile CDR: Always null: scripts cannot tell by it how the browser came. An issuer is https, but on loopback.
     */
    readonly remoteScheme: null;
    /** The same as `remoteScheme`. */
    getRemoteScheme(): null;
    /**
     * The headers of the request.
     *
     * Not as in Smile CDR: Always empty: the headers of the browser are not handed to scripts.
     */
    readonly headers: JavaMap<string>;
    /** The same as `headers`. */
    getHeaders(): JavaMap<string>;
  }
  /** How the user logged in, with what the foreign provider said of them in its ID token. After a log-in at a directory its claims are `dn` and `groups`; after one with a password kept here it has no more than `AuthenticationContext`. */
  export interface SecurityInSmartAuthenticationContext extends AuthenticationContext {
    /** A claim as it stands in the ID token; null where it does not. */
    getClaim(name: string): any;
    /** A claim as a text; null where there is none. */
    getStringClaim(name: string): string | null;
    /**
     * A claim as a list of texts; one that is a single value is a list of one.
     *
     * Not as in Smile CDR: Empty where there is no such claim; Smile CDR answers null.
     */
    getStringArrayClaim(name: string): JavaList<string>;
    /** Always empty in this hook: consent is yet to come. */
    readonly approvedScopes: JavaList<string>;
    /** The same as `approvedScopes`. */
    getApprovedScopes(): JavaList<string>;
    /** Whether a scope is among them. */
    hasApprovedScope(scope: string): boolean;
  }
  /** The claims of the ID token of the foreign provider, by name: `theOidcUserInfoMap["sub"]`. */
  export interface OidcUserInfoMap extends JavaMap<any> {}
  /** The foreign provider, `theServerInfo`. */
  export interface OAuth2Server {
    /** The id that the tenant gave it. */
    readonly id: string;
    /** The same as `id`. */
    getId(): string;
    /** The name that people see. */
    readonly name: string;
    /** The same as `name`. */
    getName(): string;
    /** Its issuer URL. */
    readonly issuer: string;
    /** The same as `issuer`. */
    getIssuer(): string;
  }
  /** What else is known of somebody who registers: `theContext` of `onSelfRegistration`. */
  export interface RegistrationContext {
    /** When the person chose their password, as a text in ISO 8601. */
    readonly startTime: string;
    /** The same as `startTime`. */
    getStartTime(): string;
    /** The address of the browser. */
    readonly remoteAddress: string;
    /** The same as `remoteAddress`. */
    getRemoteAddress(): string;
    /** The telephone number, where it was asked for. */
    readonly phone: string | null;
    /** The same as `phone`. */
    getPhone(): string | null;
    /** The app whose log-in the person came from. */
    readonly clientId: string | null;
    /** The same as `clientId`. */
    getClientId(): string | null;
  }
  /** What a person typed in: `theRequest` of `authenticate` in the script of a scripted log-in module. */
  export interface AuthenticationRequest {
    /** The user name, as it was typed. */
    readonly username: string;
    /** The same as `username`. */
    getUsername(): string;
    /** The password, never empty. It is masked in what the script logs and throws, and must not be put into the session. */
    readonly password: string;
    /** The same as `password`. */
    getPassword(): string;
    /** The address of the browser. */
    readonly remoteAddress: string;
    /** The same as `remoteAddress`. */
    getRemoteAddress(): string;
    /**
     * The headers of the request.
     *
     * Not as in Smile CDR: Always empty: the headers of the browser are not handed to scripts.
     */
    readonly headers: JavaMap<string>;
    /** The same as `headers`. */
    getHeaders(): JavaMap<string>;
  }
  /** What a partner organisation asks for on behalf of its user. The tokens were checked before; the script decides whether to let them in, and to which record. */
  export interface CodapRequest {
    /** Who the partner’s system is. */
    readonly authenticationToken: SignedToken;
    /** The same as `authenticationToken`. */
    getAuthenticationToken(): SignedToken;
    /** Who its user is, and what for. */
    readonly authorizationToken: SignedToken;
    /** The same as `authorizationToken`. */
    getAuthorizationToken(): SignedToken;
    /** The user as a FHIR Practitioner; null where it was not said. */
    readonly requestingPractitioner: any;
    /** The same as `requestingPractitioner`. */
    getRequestingPractitioner(): any;
    /** The record as a FHIR Patient, by what is known of them; null where it was not said. */
    readonly requestedRecord: any;
    /** The same as `requestedRecord`. */
    getRequestedRecord(): any;
    /** The scopes asked for. */
    readonly requestedScopes: JavaList<string>;
    /** The same as `requestedScopes`. */
    getRequestedScopes(): JavaList<string>;
    /** Why, such as `treatment`. */
    readonly reasonForRequest: string;
    /** The same as `reasonForRequest`. */
    getReasonForRequest(): string;
    /** How the partner made sure who its user is. */
    readonly acr: string;
    /** The same as `acr`. */
    getAcr(): string;
    /** The partner. */
    readonly issuer: string;
    /** The same as `issuer`. */
    getIssuer(): string;
    /** The partner’s system, as a client here. */
    readonly clientId: string;
    /** The same as `clientId`. */
    getClientId(): string;
    /** The address it called from. */
    readonly remoteAddress: string;
    /** The same as `remoteAddress`. */
    getRemoteAddress(): string;
    /** The headers of the request; none are handed over so far. */
    readonly headers: JavaMap<string>;
    /** The same as `headers`. */
    getHeaders(): JavaMap<string>;
  }
  /** A token whose signature, issuer and times were found right. */
  export interface SignedToken {
    /** The header of the JWT. */
    readonly header: JavaMap<any>;
    /** The same as `header`. */
    getHeader(): JavaMap<any>;
    /** The claims of the JWT. */
    readonly claims: JavaMap<any>;
    /** The same as `claims`. */
    getClaims(): JavaMap<any>;
    /** A claim as it stands; null where there is none. */
    getClaim(name: string): any;
    /** A claim as a text; null where there is none. */
    getStringClaim(name: string): string | null;
    /** A claim as a list of texts; empty where there is none. */
    getStringArrayClaim(name: string): JavaList<string>;
  }
  /** What the person is asked to pick from before the app gets in. Nobody is asked where there is no choice. */
  export interface ContextSelectionChoices {
    /** Whether there is something to pick from. */
    haveChoices(): boolean;
    /** The choices so far. */
    readonly choices: JavaList<ContextChoice>;
    /** The choices so far. */
    getChoices(): JavaList<ContextChoice>;
    /** Offers a record. What the launch already names is not asked for again. */
    addChoice(choice: ContextChoice): void;
    /** Takes all choices back. */
    clear(): void;
    /** Whether the person must pick one. Where a script offers choices they must, unless it says otherwise. */
    setRequired(required: boolean): void;
  }
  /** A record that the person may pick. */
  export interface ContextChoice {
    /** What it is, such as `patient`; the name of the launch parameter. One of each kind is picked, kind after kind. */
    contextType: string;
    /** The id, with or without its type. */
    resourceId: string;
    /** What the person reads: a name. */
    display: string;
    /** Tells two of the same name apart. */
    birthDate?: string;
    /** Tells two of the same name apart. */
    sex?: string;
    /** Tells two of the same name apart, such as a record number. */
    identifier?: string;
    /** Further launch parameters that come with this choice. A `patient` or an `encounter` among them says whose it is: it is offered only where that fits what was picked before. */
    launchParameters?: { [name: string]: any };
  }
  /** The token that is about to be made: what was asked for, and what a script adds to it or takes from it. */
  export interface OAuth2AuthorizationRequestDetails {
    /** The app. */
    readonly clientId: string;
    /** The same as `clientId`. */
    getClientId(): string;
    /**
     * The member id.
     *
     * Not as in Smile CDR: Always null: Sallyport keeps no member ids. Keep one in `userData` where the tenant has them.
     */
    readonly memberId: string | null;
    /** The same as `memberId`. */
    getMemberId(): string | null;
    /** The OAuth grant: `authorization_code`, `client_credentials`, `refresh_token` and others. */
    readonly grantType: string;
    /** The same as `grantType`. */
    getGrantType(): string;
    /** The scopes that the app asked for. */
    readonly requestedScopes: JavaList<string>;
    /** The same as `requestedScopes`. */
    getRequestedScopes(): JavaList<string>;
    /** The scopes that the token will have. Change them with `removeScope` and `addScope`. */
    readonly approvedScopes: JavaList<string>;
    /** The same as `approvedScopes`. */
    getApprovedScopes(): JavaList<string>;
    /** The same as `getLaunch()`. */
    readonly launch: string | null;
    /** The same as `getAudience()`. */
    readonly audience: string | null;
    /** The same as `getRequestParameters()`. */
    readonly requestParameters: JavaMap<string>;
    /** The `launch` value that the EHR gave the app, as it came; null where there was none. It is still there at a refresh. */
    getLaunch(): string | null;
    /** The FHIR server that the token is for, without a slash at its end. Always known here; Smile CDR may answer null. */
    getAudience(): string | null;
    /** Parameters of the authorization request, as far as the tenant’s `requestParameterAllowList` names them. */
    getRequestParameters(): JavaMap<string>;
    /**
     * Puts a claim of any JSON into the access token.
     *
     * Not as in Smile CDR: Names that say what a token is (`iss`, `sub`, `aud`, `exp`, `scope`, …) or begin with `smile_` are the engine’s; to set one ends the flow.
     */
    addAccessTokenClaim(name: string, value: any): void;
    /** Puts a claim of any JSON into the ID token. */
    addIdTokenClaim(name: string, value: any): void;
    /** Puts a member of any JSON beside the token into the response, such as `need_patient_banner`. */
    addLaunchParameter(name: string, value: any): void;
    /** Adds a scope. Only one that was approved before, a part of such a one, or what the tenant’s `policy.scopesScriptsMayAdd` lists. */
    addScope(scope: string): void;
    /** Takes a scope away, written as it stands in `approvedScopes`. */
    removeScope(scope: string): void;
  }
  /** The app as the tenant defined it, `theClientDetails`. */
  export interface ClientDetails {
    /** Its id. */
    readonly clientId: string;
    /** The same as `clientId`. */
    getClientId(): string;
    /** The name that people see. */
    readonly clientName: string;
    /** The same as `clientName`. */
    getClientName(): string;
    /** The scopes that it may be given. */
    readonly scopes: JavaList<string>;
    /** The same as `scopes`. */
    getScopes(): JavaList<string>;
    /** The OAuth grants that it may use. */
    readonly grantTypes: JavaList<string>;
    /** The same as `grantTypes`. */
    getGrantTypes(): JavaList<string>;
    /** What it may do when it acts for itself. */
    readonly permissions: JavaList<{ readonly permission: string; readonly argument?: string }>;
    /** The same as `permissions`. */
    getPermissions(): JavaList<{ readonly permission: string; readonly argument?: string }>;
  }
  /** The token that was just stored and is about to be returned. Nothing of it can be changed any more. */
  export interface SmartOnPostAuthorizeDetails {
    /** The app. */
    readonly clientId: string;
    /** The same as `clientId`. */
    getClientId(): string;
    /** The user; null where a client acts for itself. */
    readonly username: string | null;
    /** The same as `username`. */
    getUsername(): string | null;
    /** The OAuth grant. */
    readonly grantType: string;
    /** The same as `grantType`. */
    getGrantType(): string;
    /**
     * The access token itself.
     *
     * Not as in Smile CDR: `***` unless the tenant’s `policy.showAccessTokenToPostAuthorize` is on.
     */
    readonly accessToken: string;
    /** The same as `accessToken`. */
    getAccessToken(): string;
    /** The scopes that the token has. */
    readonly grantedScopes: JavaList<string>;
    /** The same as `grantedScopes`. */
    getGrantedScopes(): JavaList<string>;
    /** The claims of the access token. */
    readonly claims: JavaMap<any>;
    /** The same as `claims`. */
    getClaims(): JavaMap<any>;
    /** What stands beside the token in the response. */
    readonly launchParameters: JavaMap<any>;
    /** The same as `launchParameters`. */
    getLaunchParameters(): JavaMap<any>;
    /** Whom the partner’s user is (CODAP); null elsewhere. */
    readonly requestingPractitioner: any;
    /** The same as `requestingPractitioner`. */
    getRequestingPractitioner(): any;
  }
  /** A JavaScript array (`length`, `for…of`, `map`, `filter`, …) that also answers as a Java list does. */
  export interface JavaList<T> extends Array<T> {
    /** How many items there are; the same as `length`. */
    size(): number;
    /** The item at a place, counted from 0; undefined where there is none. */
    get(index: number): T;
    /** Whether there is no item. */
    isEmpty(): boolean;
  }
  /** The methods of JavaMap. */
  export interface JavaMapMethods<T> {
    /** The value of an entry; null where there is none. */
    get(name: string): T | null;
    /** Whether there is an entry of that name. */
    containsKey(name: string): boolean;
    /** @deprecated Not supported: Maps are JavaScript objects here. Assign instead: `map[name] = value`. */
    readonly put: never;
    /** @deprecated Not supported: Maps are JavaScript objects here. Use `map[name] ?? otherwise`. */
    readonly getOrDefault: never;
    /** @deprecated Not supported: Maps are JavaScript objects here. Use `Object.keys(map)`. */
    readonly keySet: never;
    /** @deprecated Not supported: Maps are JavaScript objects here. Use `Object.entries(map)`. */
    readonly entrySet: never;
  }
  /** A JavaScript object whose properties are the entries (`map.name`, `map["name"]`), with the reading methods of a Java map. */
  export type JavaMap<T> = { [name: string]: T } & JavaMapMethods<T>;
  /** Writes to the log of the tenant and to the trace of the flow, up to the tenant’s `scriptLimits.logLines` for each invocation. Values of secrets are masked. */
  export interface LogApi {
    /** A line for whoever looks into a problem. Objects are written as JSON. */
    debug(...parts: any[]): void;
    /** A line that says what happened. Objects are written as JSON. */
    info(...parts: any[]): void;
    /** A line about something that should not be. Objects are written as JSON. */
    warn(...parts: any[]): void;
    /** A line about something that went wrong. Objects are written as JSON. */
    error(...parts: any[]): void;
    /** The same as `info`. */
    log(...parts: any[]): void;
  }
  /** Writes where `Log` writes. */
  export interface ConsoleApi {
    /** A line for whoever looks into a problem. Objects are written as JSON. */
    debug(...parts: any[]): void;
    /** A line that says what happened. Objects are written as JSON. */
    info(...parts: any[]): void;
    /** A line about something that should not be. Objects are written as JSON. */
    warn(...parts: any[]): void;
    /** A line about something that went wrong. Objects are written as JSON. */
    error(...parts: any[]): void;
    /** The same as `info`. */
    log(...parts: any[]): void;
  }
  /** Base64 of texts. */
  export interface Base64Api {
    /** A text’s UTF-8 in base64. */
    encode(text: string): string;
    /** The text that base64 or base64url stands for; bytes that are no UTF-8 come as one character each. */
    decode(text: string): string;
  }
  /** Turns texts into other notations and back. */
  export interface ConverterApi {
    /** A text’s UTF-8 in base64. */
    base64Encode(text: string): string;
    /** The text that base64 or base64url stands for; bytes that are no UTF-8 come as one character each. */
    base64Decode(text: string): string;
    /** A text as it may stand in a query or a form. */
    urlEncodeString(text: string): string;
    /** The text that such a one stands for. */
    urlDecodeString(text: string): string;
  }
  /** The values that the tenant’s document names in `environment`. */
  export interface EnvironmentApi {
    /** A value; null where there is none. */
    getEnv(name: string): string | null;
    /** The same as `getEnv`. */
    getProperty(name: string): string | null;
  }
  /** Random identifiers. */
  export interface UuidApi {
    /** A random UUID (version 4). The same as `crypto.randomUUID()`. */
    randomUuid(): string;
  }
  /** The tenant’s secrets. Each is readable in the hooks that its `hooks` lists, and masked wherever it is written. */
  export interface SecretsApi {
    /** A secret. Throws where there is none, or this hook may not read it. */
    get(name: string): string;
  }
  /** Calls to the hosts that the tenant allows in `outboundHttp.allow`. Every other host fails, as do private addresses. */
  export interface HttpApi {
    /** A GET request to be filled in and executed. */
    get(url: string): HttpRequest;
    /** A POST request to be filled in and executed. */
    post(url: string): HttpRequest;
    /** A PUT request to be filled in and executed. */
    put(url: string): HttpRequest;
    /** A PATCH request to be filled in and executed. */
    patch(url: string): HttpRequest;
    /** A HEAD request to be filled in and executed. */
    head(url: string): HttpRequest;
    /** A DELETE request to be filled in and executed. */
    delete(url: string): HttpRequest;
  }
  /** A call: prepared, executed, and then asked what came back. What came back throws before `execute()`. */
  export interface HttpRequest {
    /** Sends a header. */
    addRequestHeader(name: string, value: string): HttpRequest;
    /** Says what the body is. */
    setContentType(type: string): HttpRequest;
    /** Sends a body. */
    setContentString(text: string): HttpRequest;
    /** The same as `setContentString`. */
    setRequestBody(text: string): HttpRequest;
    /** Sends any value as JSON, and says so. */
    setContentJson(value: any): HttpRequest;
    /** Sends a user name and a password (HTTP Basic). */
    setBasicAuth(username: string, password: string): HttpRequest;
    /** How long to wait, instead of as long as the hook may run. */
    setTimeoutMilliseconds(milliseconds: number): HttpRequest;
    /** Makes the call and waits for the answer, which then stands on the request itself, at most as long as the tenant’s wall clock lets the hook run. */
    execute(): HttpRequest;
    /** Whether the host answered with a status of 2xx. */
    isSuccess(): boolean;
    /** Why not; null on success. */
    getFailureMessage(): string | null;
    /** The body, read as JSON. Throws where it is none. */
    parseResponseAsJson(): any;
    /** The same as `parseResponseAsJson`. */
    getResponseAsJson(): any;
    /** The HTTP status; null where there was no answer. */
    getStatusCode(): number | null;
    /** The body as it came; null where there was no answer. */
    getResponseString(): string | null;
    /** A header of the answer, by its name in any case; null where there is none. */
    getResponseHeader(name: string): string | null;
  }
  /**
   * A FHIR resource in JSON.
   *
   * Not as in Smile CDR: Resources are FHIR JSON, so that repeating elements are arrays: `patient.name = [{ family: "Smith", given: ["John"] }]`. Smile CDR’s Java objects take `patient.name.family = "Smith"`.
   */
  export interface FhirResource {
    [name: string]: any;
    /** Its type. */
    resourceType: string;
    /** Its id, without its type. */
    id?: string;
    /** Answers its JSON text. Only what `Fhir` answered has it. */
    toJson?: () => string;
  }
  /** Makes FHIR resources. */
  export interface ResourceBuilderApi {
    /**
     * A resource of a type, to be filled in.
     *
     * Not as in Smile CDR: Resources are FHIR JSON, so that repeating elements are arrays: `patient.name = [{ family: "Smith", given: ["John"] }]`. Smile CDR’s Java objects take `patient.name.family = "Smith"`. What it makes has its `resourceType` only.
     */
    build(type: string): FhirResource;
  }
  /** Makes clients of other FHIR servers. */
  export interface FhirClientFactoryApi {
    /**
     * A client of the FHIR server at an address, or of one of the tenant’s by its name.
     *
     * Not as in Smile CDR: The host must be one that the tenant allows. No credential is sent, unless the address or the name is one of the tenant’s `fhirServers`.
     */
    newClient(address: string): FhirClient;
  }
  /** Calls to a FHIR server. What it refuses is thrown, with `status` and `outcome` (the OperationOutcome). */
  export interface FhirClient {
    /** A resource such as `Patient/123`; null where there is none. */
    read(reference: string): FhirResource | null;
    /** A search to be built up: `Fhir.search().forResource("Patient")…asList()`. */
    search(type?: string): FhirSearch;
    /** Creates a resource. Its `id` is filled in. */
    create(resource: FhirResource): void;
    /** Replaces a resource, or creates it under its id. */
    update(resource: FhirResource): void;
    /** Deletes a resource; one that is gone is fine. */
    delete(reference: string): void;
    /**
     * Runs an operation, such as `Patient/123/$everything`; with parameters it is a POST.
     *
     * Not as in Smile CDR: The path of the operation and its Parameters resource are given as FHIR has them on the wire.
     */
    operation(path: string, parameters?: FhirResource): any;
    /** Runs a Bundle of type `transaction` or `batch`; answers the Bundle of the results. */
    transaction(bundle: FhirResource): any;
  }
  /** A search that is being built up. Each condition narrows it. */
  export interface FhirSearch {
    /** The type of the resources. */
    forResource(type: string): FhirSearch;
    /** A condition as it stands in a query: `where("identifier", "urn:mrn|123")`. */
    where(parameter: string, value: string): FhirSearch;
    /** A code or an identifier of a system; null stands for none. */
    whereToken(parameter: string, system: string | null, value: string): FhirSearch;
    /** A code or an identifier of a system; null stands for none. */
    whereToken(parameter: string, value: string): FhirSearch;
    /** A text, whose characters mean themselves. */
    whereString(parameter: string, value: string): FhirSearch;
    /** A reference such as `Patient/123`. */
    whereReference(parameter: string, reference: string): FhirSearch;
    /** A date: `whereDate("date", "ge", "2026-01-01")`. */
    whereDate(
      parameter: string,
      prefix: 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb' | 'ap',
      date: string,
    ): FhirSearch;
    /** A date: `whereDate("date", "ge", "2026-01-01")`. */
    whereDate(parameter: string, date: string): FhirSearch;
    /** Brings what is referred to along: `Encounter:patient`. It stands in `asList()`, too. */
    include(what: string): FhirSearch;
    /** The order; with `-` in front from the end. */
    sort(parameter: string): FhirSearch;
    /** How many at most. */
    count(most: number): FhirSearch;
    /**
     * Runs the search; answers the resources.
     *
     * Not as in Smile CDR: The first page only; ask for more with `count(n)`. The `id` of a resource is bare, without its type.
     */
    asList(): JavaList<FhirResource>;
    /** Runs the search; answers the Bundle, with its links and its total. */
    asBundle(): any;
    /** Runs the search; answers the first resource, or null. */
    first(): FhirResource | null;
  }
  export {};
}

/** Calls to the hosts that the tenant allows, with time-outs and retries. */
declare module 'sallyport/http' {
  /** Makes a call. An answer of any status is one; rejects with HttpError where there is none. */
  export function request(url: string | URL, options?: HttpOptions & { readonly method?: string }): Promise<HttpAnswer>;
  /** A GET request. */
  export function get(url: string | URL, options?: HttpOptions): Promise<HttpAnswer>;
  /** A HEAD request. */
  export function head(url: string | URL, options?: HttpOptions): Promise<HttpAnswer>;
  /** A POST request. */
  export function post(url: string | URL, options?: HttpOptions): Promise<HttpAnswer>;
  /** A PUT request. */
  export function put(url: string | URL, options?: HttpOptions): Promise<HttpAnswer>;
  /** A PATCH request. */
  export function patch(url: string | URL, options?: HttpOptions): Promise<HttpAnswer>;
  /** A DELETE request. */
  export function del(url: string | URL, options?: HttpOptions): Promise<HttpAnswer>;
  /** How to call. */
  export interface HttpOptions {
    /** Headers to send. */
    readonly headers?: { readonly [name: string]: string };
    /** A body to send. */
    readonly body?: string;
    /** A body to send as JSON, with its content type. */
    readonly json?: unknown;
    /** Of each attempt; the wall clock of the invocation ends it at the latest. */
    readonly timeoutMilliseconds?: number;
    /** Further attempts where the host cannot be reached or answers 502, 503 or 504; at most 3, of methods that may be repeated only. */
    readonly retries?: number;
  }
  /** What came back. */
  export interface HttpAnswer {
    /** The HTTP status. */
    readonly status: number;
    /** Whether it is 2xx. */
    readonly ok: boolean;
    /** By their names in lower case. */
    readonly headers: { readonly [name: string]: string };
    /** The body. */
    readonly text: string;
    /** The body, read as JSON. Throws where it is none. */
    json(): any;
  }
  /** The host could not be reached, or the tenant’s rules forbid the call. */
  export class HttpError extends Error {
    constructor(message: string, code: string);
    /** A stable name of the failure: `blocked`, `unreachable`, `timeout`, `too-large`. */
    readonly code: string;
  }
  export {};
}

/** The tenant’s FHIR servers, with the tenant’s own credential. The functions are for its first server; `server(name)` is another. */
declare module 'sallyport/fhir' {
  /** A resource such as `Patient/123`; undefined where there is none, or no longer. */
  export function read(reference: string): Promise<Resource | undefined>;
  /** The resources of the first page. A list of values stands for repeated parameters, all of which must match. */
  export function search(type: string, parameters?: SearchParameters): Promise<readonly Resource[]>;
  /** The same as a Bundle, with its links and its total. */
  export function searchBundle(type: string, parameters?: SearchParameters): Promise<Bundle>;
  /** Creates a resource; answers it with its id. */
  export function create(resource: Resource): Promise<Resource>;
  /** Replaces a resource, or creates it under its id. */
  export function update(resource: Resource): Promise<Resource>;
  /** Deletes a resource; one that is gone is fine. */
  export function remove(reference: string): Promise<void>;
  /** Runs an operation, such as `Patient/123/$everything`; with parameters it is a POST. */
  export function operation(path: string, parameters?: Resource): Promise<Resource>;
  /** Runs a Bundle of type `transaction` or `batch`. */
  export function transaction(bundle: Bundle): Promise<Bundle>;
  /** Another of the tenant’s FHIR servers by its name, or any allowed one by its address. */
  export function server(name: string): FhirClient;
  /** A FHIR resource in JSON. */
  export interface Resource {
    [name: string]: any;
    /** Its type. */
    readonly resourceType: string;
    /** Its id. */
    readonly id?: string;
  }
  /** A FHIR Bundle. */
  export interface Bundle extends Resource {
    /** What is in it. */
    readonly entry?: readonly { readonly resource?: Resource; readonly [member: string]: any }[];
  }
  /** Conditions by the names of their search parameters. */
  export interface SearchParameters {
    [name: string]: string | number | boolean | readonly (string | number | boolean)[];
  }
  /** Calls to one FHIR server. */
  export interface FhirClient {
    /** A resource such as `Patient/123`; undefined where there is none, or no longer. */
    read(reference: string): Promise<Resource | undefined>;
    /** The resources of the first page. A list of values stands for repeated parameters, all of which must match. */
    search(type: string, parameters?: SearchParameters): Promise<readonly Resource[]>;
    /** The same as a Bundle, with its links and its total. */
    searchBundle(type: string, parameters?: SearchParameters): Promise<Bundle>;
    /** Creates a resource; answers it with its id. */
    create(resource: Resource): Promise<Resource>;
    /** Replaces a resource, or creates it under its id. */
    update(resource: Resource): Promise<Resource>;
    /** Deletes a resource; one that is gone is fine. */
    remove(reference: string): Promise<void>;
    /** Runs an operation, such as `Patient/123/$everything`; with parameters it is a POST. */
    operation(path: string, parameters?: Resource): Promise<Resource>;
    /** Runs a Bundle of type `transaction` or `batch`. */
    transaction(bundle: Bundle): Promise<Bundle>;
  }
  /** The server refused, or could not be reached. */
  export class FhirError extends Error {
    constructor(message: string, status: number | undefined, outcome: unknown);
    /** The HTTP status; undefined where there was no answer. */
    readonly status: number | undefined;
    /** What the server sent, most often an OperationOutcome. */
    readonly outcome: any;
  }
  export {};
}

/** JSON Web Tokens of others. The engine verifies them, with keys that it fetches and keeps. */
declare module 'sallyport/jwt' {
  /** What a token says, NOT verified. */
  export function decode(token: string): Jwt;
  /** What a token says, once signature, issuer, audience and times are right. */
  export function verify(token: string, options: VerifyOptions): Promise<Jwt>;
  /** What a token says. */
  export interface Jwt {
    /** Its header. */
    readonly header: { readonly [name: string]: any };
    /** Its claims. */
    readonly claims: { readonly [name: string]: any };
  }
  /** What a token must be. */
  export interface VerifyOptions {
    /** Where the keys are; the host must be one that the tenant allows. */
    readonly jwksUri?: string;
    /** The keys themselves, instead. */
    readonly jwks?: { readonly keys: readonly object[] };
    /** Who must have made it. */
    readonly issuer: string;
    /** Whom it must be for; one of several. */
    readonly audience: string | readonly string[];
    /** RS256, RS384, PS256, ES256 and ES384 unless given. */
    readonly algorithms?: readonly string[];
    /** How long ago `iat` may be. */
    readonly maximumAgeSeconds?: number;
    /** 10 unless given, at most 60. */
    readonly clockToleranceSeconds?: number;
  }
  /** The token is not what it should be. */
  export class JwtError extends Error {
    constructor(message: string, code: string);
    /** A stable name of the failure: `expired`, `signature`, `audience`, `issuer`, `claim`, `algorithm`, `key`, `malformed`. */
    readonly code: string;
  }
  export {};
}

/** A small store of the tenant’s own, shared by its hooks, flows and nodes. Everything in it expires. */
declare module 'sallyport/kv' {
  /** A value; undefined where there is none, or no longer. */
  export function get(key: string): Promise<any>;
  /** Keeps any JSON, up to 16 KiB, under a key of up to 200 characters. */
  export function set(key: string, value: unknown, options?: KeepOptions): Promise<void>;
  /** Takes a value out. */
  export function remove(key: string): Promise<void>;
  /** Adds to a number that starts at 0, in one step even between nodes; answers the sum. */
  export function increment(key: string, by?: number, options?: KeepOptions): Promise<number>;
  /** How long to keep it. */
  export interface KeepOptions {
    /** A day unless given, at most thirty days. */
    readonly ttlSeconds?: number;
  }
  /** A key or a value is out of bounds, or the tenant’s store is full. */
  export class KvError extends Error {
    constructor(message: string, code: string);
    /** A stable name of the failure: `key`, `value`, `ttl`, `full`, `unavailable`. */
    readonly code: string;
  }
  export {};
}

/** The few things that callbacks need of cryptography, in one call each. */
declare module 'sallyport/crypto' {
  /** SHA-256 of a text’s UTF-8, in hex. */
  export function sha256(text: string): Promise<string>;
  /** HMAC with SHA-256, in hex. */
  export function hmacSha256(key: string, text: string): Promise<string>;
  /** Random bytes, 16 unless told, in base64url. */
  export function randomId(bytes?: number): string;
  /** Whether two texts are equal, in a time that does not tell where they differ. */
  export function equal(left: string, right: string): boolean;
  export {};
}

/** SMART scopes, read and reckoned with by the engine’s own rules (v1 and v2). */
declare module 'sallyport/scopes' {
  /** A scope, taken apart; undefined for what is no well-formed scope. */
  export function parse(scope: string): Scope | undefined;
  /** A scope as it is written. */
  export function format(scope: Scope): string;
  /** Whether a granted scope allows all that a wanted one does: `patient/*.rs` covers `patient/Observation.read`. */
  export function covers(granted: string, wanted: string): boolean;
  /** What two lists both allow. */
  export function intersect(left: readonly string[], right: readonly string[]): readonly string[];
  /** What two lists allow together, as short as can be. */
  export function union(left: readonly string[], right: readonly string[]): readonly string[];
  /** The scopes of a list that a function wants; it is given each one taken apart. */
  export function narrow(scopes: readonly string[], keep: (scope: Scope) => boolean): readonly string[];
  /** A scope for FHIR resources, such as `patient/Observation.rs?category=laboratory`. */
  export interface ResourceScope {
    /** Which of the three it is. */
    readonly kind: 'resource';
    /** Whose resources. */
    readonly context: 'patient' | 'user' | 'system';
    /** A type, or `*`. */
    readonly resourceType: string;
    /** Create, read, update, delete, search. */
    readonly permissions: readonly ('c' | 'r' | 'u' | 'd' | 's')[];
    /** Search parameters that a resource must meet. */
    readonly query: readonly (readonly [name: string, value: string])[];
    /** As `.read`, or as `.rs`. */
    readonly notation: 'v1' | 'v2';
  }
  /** A scope for launch context, such as `launch/patient`. */
  export interface LaunchScope {
    /** Which of the three it is. */
    readonly kind: 'launch';
    /** In lower case; absent for `launch` alone. */
    readonly resourceType?: string;
    /** The role that was asked for. */
    readonly role?: string;
  }
  /** Any other scope, such as `openid`. */
  export interface PlainScope {
    /** Which of the three it is. */
    readonly kind: 'plain';
    /** The scope itself. */
    readonly text: string;
  }
  export type Scope = ResourceScope | LaunchScope | PlainScope;
  export {};
}

/** The tenant’s secrets. */
declare module 'sallyport/secrets' {
  /** A secret by its name. Throws where there is none, or this hook may not read it. */
  export function secret(name: string): string;
  export {};
}

/** See `Permission` in "sallyport". */
type Permission = import('sallyport').Permission;
/** See `OnAuthenticateSuccess` in "sallyport". */
type OnAuthenticateSuccess = import('sallyport').OnAuthenticateSuccess;
/** See `GetUserName` in "sallyport". */
type GetUserName = import('sallyport').GetUserName;
/** See `Authenticate` in "sallyport". */
type Authenticate = import('sallyport').Authenticate;
/** See `OnSmartLoginPreContextSelection` in "sallyport". */
type OnSmartLoginPreContextSelection = import('sallyport').OnSmartLoginPreContextSelection;
/** See `OnTokenGenerating` in "sallyport". */
type OnTokenGenerating = import('sallyport').OnTokenGenerating;
/** See `OnPostAuthorize` in "sallyport". */
type OnPostAuthorize = import('sallyport').OnPostAuthorize;
/** See `OnSelfRegistration` in "sallyport". */
type OnSelfRegistration = import('sallyport').OnSelfRegistration;
/** See `UserSessionDetails` in "sallyport". */
type UserSessionDetails = import('sallyport').UserSessionDetails;
/** See `GrantedAuthority` in "sallyport". */
type GrantedAuthority = import('sallyport').GrantedAuthority;
/** See `LaunchContext` in "sallyport". */
type LaunchContext = import('sallyport').LaunchContext;
/** See `LaunchResourceId` in "sallyport". */
type LaunchResourceId = import('sallyport').LaunchResourceId;
/** See `FhirContextEntry` in "sallyport". */
type FhirContextEntry = import('sallyport').FhirContextEntry;
/** See `ScriptAuthenticationOutcomeFactory` in "sallyport". */
type ScriptAuthenticationOutcomeFactory = import('sallyport').ScriptAuthenticationOutcomeFactory;
/** See `AuthenticationFailure` in "sallyport". */
type AuthenticationFailure = import('sallyport').AuthenticationFailure;
/** See `AuthenticationContext` in "sallyport". */
type AuthenticationContext = import('sallyport').AuthenticationContext;
/** See `SecurityInSmartAuthenticationContext` in "sallyport". */
type SecurityInSmartAuthenticationContext = import('sallyport').SecurityInSmartAuthenticationContext;
/** See `OidcUserInfoMap` in "sallyport". */
type OidcUserInfoMap = import('sallyport').OidcUserInfoMap;
/** See `OAuth2Server` in "sallyport". */
type OAuth2Server = import('sallyport').OAuth2Server;
/** See `RegistrationContext` in "sallyport". */
type RegistrationContext = import('sallyport').RegistrationContext;
/** See `AuthenticationRequest` in "sallyport". */
type AuthenticationRequest = import('sallyport').AuthenticationRequest;
/** See `CodapRequest` in "sallyport". */
type CodapRequest = import('sallyport').CodapRequest;
/** See `SignedToken` in "sallyport". */
type SignedToken = import('sallyport').SignedToken;
/** See `ContextSelectionChoices` in "sallyport". */
type ContextSelectionChoices = import('sallyport').ContextSelectionChoices;
/** See `ContextChoice` in "sallyport". */
type ContextChoice = import('sallyport').ContextChoice;
/** See `OAuth2AuthorizationRequestDetails` in "sallyport". */
type OAuth2AuthorizationRequestDetails = import('sallyport').OAuth2AuthorizationRequestDetails;
/** See `ClientDetails` in "sallyport". */
type ClientDetails = import('sallyport').ClientDetails;
/** See `SmartOnPostAuthorizeDetails` in "sallyport". */
type SmartOnPostAuthorizeDetails = import('sallyport').SmartOnPostAuthorizeDetails;
/** See `JavaList` in "sallyport". */
type JavaList<T> = import('sallyport').JavaList<T>;
/** See `JavaMap` in "sallyport". */
type JavaMap<T> = import('sallyport').JavaMap<T>;
/** See `LogApi` in "sallyport". */
type LogApi = import('sallyport').LogApi;
/** See `ConsoleApi` in "sallyport". */
type ConsoleApi = import('sallyport').ConsoleApi;
/** See `Base64Api` in "sallyport". */
type Base64Api = import('sallyport').Base64Api;
/** See `ConverterApi` in "sallyport". */
type ConverterApi = import('sallyport').ConverterApi;
/** See `EnvironmentApi` in "sallyport". */
type EnvironmentApi = import('sallyport').EnvironmentApi;
/** See `UuidApi` in "sallyport". */
type UuidApi = import('sallyport').UuidApi;
/** See `SecretsApi` in "sallyport". */
type SecretsApi = import('sallyport').SecretsApi;
/** See `HttpApi` in "sallyport". */
type HttpApi = import('sallyport').HttpApi;
/** See `HttpRequest` in "sallyport". */
type HttpRequest = import('sallyport').HttpRequest;
/** See `FhirResource` in "sallyport". */
type FhirResource = import('sallyport').FhirResource;
/** See `ResourceBuilderApi` in "sallyport". */
type ResourceBuilderApi = import('sallyport').ResourceBuilderApi;
/** See `FhirClientFactoryApi` in "sallyport". */
type FhirClientFactoryApi = import('sallyport').FhirClientFactoryApi;
/** See `FhirClient` in "sallyport". */
type FhirClient = import('sallyport').FhirClient;
/** See `FhirSearch` in "sallyport". */
type FhirSearch = import('sallyport').FhirSearch;

/** How `fetch` calls. */
interface FetchOptions {
  /** `GET` unless given. */
  method?: string;
  /** Headers to send. */
  headers?: Headers | { readonly [name: string]: string } | Iterable<readonly [name: string, value: string]>;
  /** What to send. */
  body?: string | URLSearchParams | null;
}
/** What `fetch` got. */
interface FetchResponse {
  /** Whether the status is 2xx. */
  readonly ok: boolean;
  /** The HTTP status. */
  readonly status: number;
  /** What was called. */
  readonly url: string;
  /** The headers of the answer. */
  readonly headers: Headers;
  /** The body as a text. */
  text(): Promise<string>;
  /** The body, read as JSON. */
  json(): Promise<any>;
}
/** Headers of HTTP, by their names in any case. */
interface Headers {
  /** Adds a value beside those there are. */
  append(name: string, value: string): void;
  /** Sets the only value. */
  set(name: string, value: string): void;
  /** The value; null where there is none. */
  get(name: string): string | null;
  /** Whether there is one. */
  has(name: string): boolean;
  /** Takes it out. */
  delete(name: string): void;
  /** Calls a function for each entry. */
  forEach(action: (value: string, name: string, all: Headers) => void, self?: any): void;
  /** The entries. */
  entries(): Generator<[name: string, value: string], void>;
  /** The names. */
  keys(): Generator<string, void>;
  /** The values. */
  values(): Generator<string, void>;
  /** The entries. */
  [Symbol.iterator](): Generator<[name: string, value: string], void>;
}
/** An address, read as the WHATWG URL standard says. */
interface URL {
  /** The whole address. */
  href: string;
  /** Scheme, host and port. */
  readonly origin: string;
  /** The scheme with its colon. */
  protocol: string;
  /** The user before the `@`. */
  username: string;
  /** The password before the `@`. */
  password: string;
  /** Host and port. */
  host: string;
  /** The host without its port. */
  hostname: string;
  /** The port; empty where it is the scheme’s own. */
  port: string;
  /** The path. */
  pathname: string;
  /** The query with its question mark. */
  search: string;
  /** The fragment with its number sign. */
  hash: string;
  /** The query by its names. Changing it changes the address. */
  readonly searchParams: URLSearchParams;
  /** The whole address. */
  toString(): string;
  /** The whole address. */
  toJSON(): string;
}
/** A query, or the body of a form. */
interface URLSearchParams {
  /** How many entries there are. */
  readonly size: number;
  /** Adds an entry. */
  append(name: string, value: string): void;
  /** Takes entries of a name out. */
  delete(name: string, value?: string): void;
  /** The first value of a name; null where there is none. */
  get(name: string): string | null;
  /** All values of a name. */
  getAll(name: string): string[];
  /** Whether there is an entry of a name. */
  has(name: string, value?: string): boolean;
  /** Sets the only value of a name. */
  set(name: string, value: string): void;
  /** Puts the entries into the order of their names. */
  sort(): void;
  /** Calls a function for each entry. */
  forEach(action: (value: string, name: string, all: URLSearchParams) => void, self?: any): void;
  /** The entries. */
  entries(): Generator<[name: string, value: string], void>;
  /** The names. */
  keys(): Generator<string, void>;
  /** The values. */
  values(): Generator<string, void>;
  /** The entries. */
  [Symbol.iterator](): Generator<[name: string, value: string], void>;
  /** As it stands in an address or a form. */
  toString(): string;
}
/** Texts to bytes. */
interface TextEncoder {
  /** Always `utf-8`. */
  readonly encoding: 'utf-8';
  /** The UTF-8 of a text. */
  encode(text?: string): Uint8Array<ArrayBuffer>;
}
/** Bytes to texts. */
interface TextDecoder {
  /** Always `utf-8`; others are not there. */
  readonly encoding: 'utf-8';
  /** Whether bytes that are no UTF-8 throw. */
  readonly fatal: boolean;
  /** The text. */
  decode(data?: ArrayBuffer | ArrayBufferView): string;
}
/** Randomness and cryptography. */
interface Crypto {
  /** Digests and signatures. */
  readonly subtle: SubtleCrypto;
  /** A random UUID (version 4). */
  randomUUID(): string;
  /** Fills a typed array, of at most 65536 bytes, with random bytes. */
  getRandomValues<T extends ArrayBufferView>(view: T): T;
}
/** Digests, HMAC, and signatures of others, which it checks. */
interface SubtleCrypto {
  /** SHA-1, SHA-256, SHA-384 or SHA-512. */
  digest(algorithm: string | { name: string }, data: ArrayBuffer | ArrayBufferView): Promise<ArrayBuffer>;
  /** Reads a key: of HMAC, or a public one of RSA or of an elliptic curve. It can never be taken out again. */
  importKey(
    format: 'raw' | 'spki' | 'jwk',
    data: ArrayBuffer | ArrayBufferView | object,
    algorithm:
      | 'HMAC'
      | 'RSASSA-PKCS1-v1_5'
      | 'RSA-PSS'
      | 'ECDSA'
      | {
          name: 'HMAC' | 'RSASSA-PKCS1-v1_5' | 'RSA-PSS' | 'ECDSA';
          hash?: string | { name: string };
          namedCurve?: string;
          saltLength?: number;
        },
    extractable: boolean,
    usages: readonly ('sign' | 'verify')[],
  ): Promise<CryptoKey>;
  /** Signs, with HMAC only. */
  sign(
    algorithm:
      | 'HMAC'
      | 'RSASSA-PKCS1-v1_5'
      | 'RSA-PSS'
      | 'ECDSA'
      | {
          name: 'HMAC' | 'RSASSA-PKCS1-v1_5' | 'RSA-PSS' | 'ECDSA';
          hash?: string | { name: string };
          namedCurve?: string;
          saltLength?: number;
        },
    key: CryptoKey,
    data: ArrayBuffer | ArrayBufferView,
  ): Promise<ArrayBuffer>;
  /** Whether a signature is right: HMAC, RSASSA-PKCS1-v1_5, RSA-PSS or ECDSA. */
  verify(
    algorithm:
      | 'HMAC'
      | 'RSASSA-PKCS1-v1_5'
      | 'RSA-PSS'
      | 'ECDSA'
      | {
          name: 'HMAC' | 'RSASSA-PKCS1-v1_5' | 'RSA-PSS' | 'ECDSA';
          hash?: string | { name: string };
          namedCurve?: string;
          saltLength?: number;
        },
    key: CryptoKey,
    signature: ArrayBuffer | ArrayBufferView,
    data: ArrayBuffer | ArrayBufferView,
  ): Promise<boolean>;
}
/** A key that was read. */
interface CryptoKey {
  /** What it is. */
  readonly type: 'public' | 'private' | 'secret';
  /** Always false. */
  readonly extractable: false;
  /** What it is for. */
  readonly algorithm: { readonly name: string };
  /** What it may be used for. */
  readonly usages: readonly string[];
}

/** The log. */
declare var Log: import('sallyport').LogApi;
/** The log, by the name that JavaScript knows. */
declare var console: import('sallyport').ConsoleApi;
/** Writes a line to the log, as `Log.info` does. */
declare function println(...parts: any[]): void;
/** Calls to the hosts that the tenant allows. */
declare var Http: import('sallyport').HttpApi;
/**
 * The tenant’s FHIR server.
 *
 * Not as in Smile CDR: Calls the first of the tenant’s `fhirServers` over HTTP, with the credential of its `access`. In Smile CDR it is the storage itself, without authorization.
 */
declare var Fhir: import('sallyport').FhirClient;
/** Makes clients of other FHIR servers. */
declare var FhirClientFactory: import('sallyport').FhirClientFactoryApi;
/** Makes FHIR resources. */
declare var ResourceBuilder: import('sallyport').ResourceBuilderApi;
/** Base64 of texts. */
declare var Base64: import('sallyport').Base64Api;
/** Turns texts into other notations and back. */
declare var Converter: import('sallyport').ConverterApi;
/**
 * The tenant’s own settings for its scripts.
 *
 * Not as in Smile CDR: Reads the tenant’s `environment`, never the environment of the server’s process: what belongs to one tenant is no other’s business. Secrets belong into `secrets`.
 */
declare var Environment: import('sallyport').EnvironmentApi;
/** Random identifiers. */
declare var Uuid: import('sallyport').UuidApi;
/** The tenant’s secrets. */
declare var Secrets: import('sallyport').SecretsApi;
/** Ends the flow by the script’s decision: the app is told `access_denied`, the log and the trace the reason. It stays ended where the script catches what this throws. */
declare function deny(reason?: string): never;
/** Calls a host that the tenant allows. Redirects are not followed: they come as answers. Streams and signals are not there. Rejects with a TypeError where there is no answer. */
declare function fetch(address: string | URL, options?: FetchOptions): Promise<FetchResponse>;
/** Headers of HTTP. */
declare var Headers: {
  new (
    init?: Headers | { readonly [name: string]: string } | Iterable<readonly [name: string, value: string]>,
  ): Headers;
  readonly prototype: Headers;
};
/** An address. */
declare var URL: {
  new (address: string | URL, base?: string | URL): URL;
  readonly prototype: URL;
  /** Whether it is an address. */
  canParse(address: string | URL, base?: string | URL): boolean;
  /** The address; null where it is none. */
  parse(address: string | URL, base?: string | URL): URL | null;
};
/** A query, or the body of a form. */
declare var URLSearchParams: {
  new (
    init?:
      string | URLSearchParams | { readonly [name: string]: string } | Iterable<readonly [name: string, value: string]>,
  ): URLSearchParams;
  readonly prototype: URLSearchParams;
};
/** Texts to bytes. */
declare var TextEncoder: {
  new (): TextEncoder;
  readonly prototype: TextEncoder;
};
/** Bytes to texts. */
declare var TextDecoder: {
  new (label?: 'utf-8' | 'utf8', options?: { readonly fatal?: boolean }): TextDecoder;
  readonly prototype: TextDecoder;
};
/** Randomness and cryptography. */
declare var crypto: Crypto;
/** A deep copy of plain values, dates, maps, sets, buffers and errors, with their circles. */
declare function structuredClone<T>(value: T): T;
/** The bytes of base64, one character each. */
declare function atob(text: string): string;
/** Base64 of bytes, one character each. */
declare function btoa(bytes: string): string;
/** Runs a function as soon as the one running has ended. */
declare function queueMicrotask(action: () => void): void;
