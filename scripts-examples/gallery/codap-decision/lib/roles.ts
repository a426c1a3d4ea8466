// What people of other organisations may ask for, by their qualification (HL7 table 0360).

const qualifications = 'http://terminology.hl7.org/CodeSystem/v2-0360';

interface Role {
  readonly name: string;
  readonly codes: readonly string[];
  readonly reasons: readonly string[];
  readonly scopes: readonly string[];
}

const roles: readonly Role[] = [
  { name: 'physician', codes: ['MD', 'DO'], reasons: ['treatment', 'emergency'], scopes: ['patient/*.rs'] },
  { name: 'nurse', codes: ['RN', 'NP'], reasons: ['treatment'], scopes: ['patient/*.rs'] },
  {
    name: 'pharmacist',
    codes: ['RPH', 'PharmD'],
    reasons: ['treatment'],
    scopes: ['patient/Patient.rs', 'patient/MedicationRequest.rs', 'patient/AllergyIntolerance.rs'],
  },
];

interface Practitioner {
  readonly qualification?: readonly {
    readonly code?: { readonly coding?: readonly { readonly system?: string; readonly code?: string }[] };
  }[];
}

/** The first role of the practitioner that may ask for the reason. */
export function roleFor(practitioner: Practitioner | null, reason: string): string | undefined {
  const held = (practitioner?.qualification ?? [])
    .flatMap(({ code }) => code?.coding ?? [])
    .filter(({ system }) => system === qualifications)
    .map(({ code }) => code);
  return roles.find(({ codes, reasons }) => reasons.includes(reason) && codes.some((code) => held.includes(code)))
    ?.name;
}

export function scopesOf(name: string): readonly string[] {
  return roles.find((role) => role.name === name)?.scopes ?? [];
}
