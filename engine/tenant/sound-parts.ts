/**
 * What of a faulty document can be checked further, so that a person learns everything that is wrong at once: its sound
 * parts, with misspelt names read as what they were meant to be.
 */
import type { ErrorObject } from 'ajv/dist/2020.js';
import type { TenantDocument } from './document.ts';
import { violationsOf } from './validate.ts';
import { nearestName } from './violation.ts';

type Open = Record<string, unknown>;

/** Members that rules of `codap` speak of: where they are unsound, its rules would complain about what follows from that. */
const codapNeeds = ['clients', 'scripts', 'codap'];

function at(document: Open, pointer: string): Open {
  const steps = pointer.split('/').slice(1);
  return steps.reduce<Open>((value, step) => {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    return value[name] as Open;
  }, document);
}

/** Gives a misspelt member its right name, unless that is taken; drops what nobody knows. */
function mendName(document: Open, { instancePath, params, parentSchema }: ErrorObject): void {
  const name = String(params['additionalProperty']);
  const object = at(document, instancePath);
  const meant = nearestName(name, parentSchema);
  if (meant !== undefined && !(meant in object)) object[meant] = object[name];
  delete object[name];
}

/** @returns undefined where too little is sound to judge the rest. */
export function soundParts(faulty: unknown, id: string): TenantDocument | undefined {
  if (typeof faulty !== 'object' || faulty === null || Array.isArray(faulty)) return undefined;
  const document = structuredClone(faulty) as Open;
  for (const error of violationsOf('tenant', document)) {
    // Within alternatives (a secret is one of three) every alternative complains about the other's names.
    if (error.keyword === 'additionalProperties' && !/\/(any|one)Of\//.test(error.schemaPath))
      mendName(document, error);
  }
  for (const name of ['id', 'name']) document[name] ??= id;
  const unsound = new Set(violationsOf('tenant', document).map(({ instancePath }) => instancePath.split('/')[1] ?? ''));
  // Whether secrets may stand inline depends on these two; an empty name is the document itself.
  if (['', 'issuer', 'demo'].some((name) => unsound.has(name))) return undefined;
  for (const name of unsound) {
    delete document[name];
    if (codapNeeds.includes(name)) delete document['codap'];
  }
  for (const name of ['id', 'name']) document[name] ??= id;
  return violationsOf('tenant', document).length === 0 ? (document as unknown as TenantDocument) : undefined;
}
