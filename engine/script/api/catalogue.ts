/** The script API in one place: every name a script may use, or may look for. */
import type { GlobalName, Member, Model } from './entry.ts';
import { compatibleGlobals, compatibleModels, missingGlobals } from './global/compatible.ts';
import { fhirModels } from './global/fhir.ts';
import { httpModels } from './global/http.ts';
import { standardGlobals, standardModels } from './global/standard.ts';
import { libraryModules } from './library.ts';
import {
  authenticationContext,
  authenticationFailure,
  authenticationRequest,
  oauth2Server,
  oidcUserInfoMap,
  outcomeFactory,
  registrationContext,
  smartAuthenticationContext,
} from './model/authentication.ts';
import {
  clientCredentialsRequest,
  clientDetails,
  contextChoice,
  contextSelectionChoices,
  postAuthorizeDetails,
  requestDetails,
} from './model/authorization.ts';
import { codapRequest, signedToken } from './model/codap.ts';
import { javaList, javaMap } from './model/collections.ts';
import {
  associatedResource,
  fhirContextEntry,
  grantedAuthority,
  launchContext,
  launchResourceId,
  userSessionDetails,
} from './model/session.ts';

export { hooks, missingHooks } from './hooks.ts';
export { libraryAliases, libraryModules } from './library.ts';
export { missingGlobals };

/** What hooks are called with, and what it holds. */
export const hookModels: readonly Model[] = [
  userSessionDetails,
  grantedAuthority,
  launchContext,
  launchResourceId,
  fhirContextEntry,
  associatedResource,
  outcomeFactory,
  authenticationFailure,
  authenticationContext,
  smartAuthenticationContext,
  oidcUserInfoMap,
  oauth2Server,
  registrationContext,
  authenticationRequest,
  codapRequest,
  signedToken,
  contextSelectionChoices,
  contextChoice,
  requestDetails,
  clientDetails,
  clientCredentialsRequest,
  postAuthorizeDetails,
  javaList,
  javaMap,
];

/** What the globals are, and what they answer. */
export const globalModels: readonly Model[] = [...compatibleModels, ...httpModels, ...fhirModels, ...standardModels];

export const globals: readonly GlobalName[] = [...compatibleGlobals, ...standardGlobals];

/** One member with the model it belongs to; `key` is unique in the catalogue. */
export interface Place {
  readonly key: string;
  readonly model: Model;
  readonly member: Member;
}

const placesOf = (model: Model, owner: string): readonly Place[] => [
  ...model.members.map((member) => ({ key: `${owner}.${member.name}`, model, member })),
  ...(model.statics ?? []).map((member) => ({ key: `${owner}.${member.name}`, model, member })),
];

/** Every member of every model that hooks and globals have. */
export const places: readonly Place[] = [...hookModels, ...globalModels].flatMap((model) =>
  placesOf(model, model.name),
);

/** Every function of every library module, and every member of the models there. */
export const libraryPlaces: readonly Place[] = libraryModules.flatMap(({ name, functions, models, documentation }) => [
  ...placesOf({ kind: 'model', name, documentation, compatibility: 'ours', generics: '', members: functions }, name),
  ...models.flatMap((model) => placesOf(model, `${name}:${model.name}`)),
]);
