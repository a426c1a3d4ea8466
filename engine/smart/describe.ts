/** What a scope means to the person who is asked to approve it. */
import { parseScope, type PermissionLetter, type ResourceScope } from './scope.ts';

export interface ScopeDescription {
  readonly title: string;
  readonly detail: string;
  /** Something the person should think about before agreeing. */
  readonly warning?: string;
}

const PLAIN: Readonly<Record<string, ScopeDescription>> = {
  openid: {
    title: 'Know that you are signed in',
    detail: 'The app learns an identifier that stands for you here, so that it can recognise you.',
  },
  fhirUser: {
    title: 'Know who you are',
    detail: 'The app learns which record here describes you, for example your patient or practitioner record.',
  },
  profile: { title: 'See your profile', detail: 'The app learns your name and which record here describes you.' },
  email: { title: 'See your email address', detail: 'The app learns the email address of your account.' },
  online_access: {
    title: 'Stay connected while you are signed in',
    detail: 'The app may renew its access until you sign out.',
  },
  offline_access: {
    title: 'Keep access when you are not using the app',
    detail: 'The app may renew its access by itself, without you being there, until you take it back.',
    warning:
      'The app can go on reading or changing data after you have closed it. You can end this at any time on the page of connected apps.',
  },
};

const TYPES: Readonly<Record<string, string>> = {
  '*': 'all data, of every kind',
  AllergyIntolerance: 'allergies and intolerances',
  Appointment: 'appointments',
  CarePlan: 'care plans',
  CareTeam: 'care teams',
  Condition: 'conditions and diagnoses',
  Coverage: 'insurance coverage',
  Device: 'devices and implants',
  DiagnosticReport: 'diagnostic reports',
  DocumentReference: 'documents and notes',
  Encounter: 'visits and stays',
  ExplanationOfBenefit: 'insurance claims and payments',
  Goal: 'health goals',
  Immunization: 'immunizations',
  Location: 'places of care',
  Medication: 'medications',
  MedicationRequest: 'prescriptions',
  Observation: 'observations such as laboratory results and vital signs',
  Organization: 'organizations',
  Patient: 'personal details such as name, address and birth date',
  Practitioner: 'care providers',
  Procedure: 'procedures',
  Provenance: 'where data came from',
  QuestionnaireResponse: 'answers to questionnaires',
};

const WHOSE: Readonly<Record<ResourceScope['context'], string>> = {
  patient: 'of the selected patient',
  user: 'that you may access yourself',
  system: 'that this app was given access to',
};

const VERBS: Readonly<Record<PermissionLetter, string>> = {
  c: 'add',
  r: 'read',
  u: 'change',
  d: 'delete',
  s: 'search',
};

function sentenceList(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

function spacedType(type: string): string {
  return type.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}

function namedType(type: string): string {
  return Object.hasOwn(TYPES, type) ? (TYPES[type] ?? '') : `records of the kind “${spacedType(type)}”`;
}

function shown(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function describeResource(scope: ResourceScope): ScopeDescription {
  const has = (letter: PermissionLetter) => scope.permissions.includes(letter);
  const reads = has('r') || has('s');
  const writes = has('c') || has('u') || has('d');
  const what = namedType(scope.resourceType);
  const verbs = sentenceList(scope.permissions.map((letter) => VERBS[letter]));
  const limit = scope.query.map(([name, value]) => `${name} is ${shown(value)}`);
  const only = limit.length === 0 ? '' : ` Only records where ${sentenceList(limit)}.`;
  const warnings = [
    scope.resourceType === '*' ? 'This includes every kind of data, also data that will be added in the future.' : '',
    has('d') ? 'The app can delete data.' : '',
  ].filter((warning) => warning !== '');
  const title = `${reads && writes ? 'See and change' : writes ? 'Change' : 'See'} ${what}`;
  return {
    title,
    detail: `The app may ${verbs} ${what} ${WHOSE[scope.context]}.${only}`,
    ...(warnings.length === 0 ? {} : { warning: warnings.join(' ') }),
  };
}

/**
 * Describes one scope in plain English. Scopes nobody knows are shown as they are, with a warning: a person should not
 * approve what cannot be explained without noticing.
 */
export function describeScope(text: string): ScopeDescription {
  const scope = parseScope(text);
  if (scope.kind === 'resource') return describeResource(scope);
  if (scope.kind === 'launch') {
    if (scope.resourceType === undefined) {
      return {
        title: 'Open with what you are working on',
        detail: 'The app learns which patient, visit or user it was started for.',
      };
    }
    const type = spacedType(scope.resourceType);
    return {
      title: `Know which ${type} is selected`,
      detail: `When the app starts it learns which ${type} was chosen, or asks you to choose one.`,
    };
  }
  if (scope.kind === 'plain' && Object.hasOwn(PLAIN, text)) return PLAIN[text] as ScopeDescription;
  return {
    title: text,
    detail: 'A permission that is specific to this app or this organization.',
    warning: 'There is no description of this permission. Ask the organization if you are unsure.',
  };
}
