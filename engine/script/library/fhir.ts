/** `sallyport/fhir`: the tenant's FHIR servers, with the tenant's own credential. */
import { ask, type HostAnswer } from 'sallyport:host';

export interface Resource {
  readonly resourceType: string;
  readonly id?: string;
  readonly [element: string]: unknown;
}

export interface Bundle extends Resource {
  readonly entry?: readonly { readonly resource?: Resource; readonly [member: string]: unknown }[];
}

type Values = string | number | boolean | readonly (string | number | boolean)[];

/** The server refused, or could not be reached. */
export class FhirError extends Error {
  /** The HTTP status; undefined where there was no answer. */
  readonly status: number | undefined;
  /** What the server sent, most often an OperationOutcome. */
  readonly outcome: unknown;
  constructor(message: string, status: number | undefined, outcome: unknown) {
    super(message);
    this.name = 'FhirError';
    this.status = status;
    this.outcome = outcome;
  }
}

export interface FhirClient {
  /** @returns undefined where there is none, or no longer. */
  read(reference: string): Promise<Resource | undefined>;
  /** The resources of the first page. A list of values stands for repeated parameters (all must match). */
  search(type: string, parameters?: Readonly<Record<string, Values>>): Promise<readonly Resource[]>;
  /** The same as a Bundle, with its links and its total. */
  searchBundle(type: string, parameters?: Readonly<Record<string, Values>>): Promise<Bundle>;
  /** @returns what was created, with its id. */
  create(resource: Resource): Promise<Resource>;
  update(resource: Resource): Promise<Resource>;
  remove(reference: string): Promise<void>;
  /** `Patient/1/$everything`; with parameters it is a POST. */
  operation(path: string, parameters?: Resource): Promise<Resource>;
  transaction(bundle: Bundle): Promise<Bundle>;
}

function failure(what: string, answer: HostAnswer): FhirError {
  const outcome = answer['body'] as
    | { readonly issue?: readonly { readonly diagnostics?: string; readonly details?: { readonly text?: string } }[] }
    | undefined;
  const issue = outcome?.issue?.[0];
  const status = typeof answer['status'] === 'number' ? answer['status'] : undefined;
  const text = issue?.diagnostics ?? issue?.details?.text ?? answer.message ?? `HTTP status ${status}`;
  return new FhirError(`${what} failed: ${text}`, status, outcome);
}

function clientOf(server: string | undefined): FhirClient {
  const call = (method: string, path: string, body?: unknown) =>
    ask({
      service: 'fhir',
      ...(server === undefined ? {} : { server }),
      method,
      path,
      ...(body === undefined ? {} : { body }),
    });
  const gone = (answer: HostAnswer) => answer['status'] === 404 || answer['status'] === 410;
  async function resourceOf(what: string, pending: Promise<HostAnswer>): Promise<Resource> {
    const answer = await pending;
    if (!answer.ok) throw failure(what, answer);
    return answer['body'] as Resource;
  }
  async function written(what: string, resource: Resource, pending: Promise<HostAnswer>): Promise<Resource> {
    const answer = await pending;
    if (!answer.ok) throw failure(what, answer);
    const created = answer['created'] as { readonly id?: string } | undefined;
    return (
      (answer['body'] as Resource | null) ?? { ...resource, ...(created?.id === undefined ? {} : { id: created.id }) }
    );
  }
  const searchBundle = async (type: string, parameters: Readonly<Record<string, Values>> = {}): Promise<Bundle> => {
    const query = new URLSearchParams();
    for (const [name, values] of Object.entries(parameters))
      for (const value of Array.isArray(values) ? (values as readonly Values[]) : [values])
        query.append(name, String(value));
    return (await resourceOf(
      `the search for ${type}`,
      call('GET', `${type}${query.size > 0 ? `?${query}` : ''}`),
    )) as Bundle;
  };
  return {
    async read(reference) {
      const answer = await call('GET', reference);
      if (gone(answer)) return undefined;
      if (!answer.ok) throw failure(`reading ${reference}`, answer);
      return answer['body'] as Resource;
    },
    async search(type, parameters) {
      const { entry = [] } = await searchBundle(type, parameters);
      return entry.flatMap(({ resource }) =>
        resource && resource.resourceType !== 'OperationOutcome' ? [resource] : [],
      );
    },
    searchBundle,
    create: (resource) =>
      written(`creating a ${resource.resourceType}`, resource, call('POST', resource.resourceType, resource)),
    update(resource) {
      const reference = `${resource.resourceType}/${resource.id}`;
      return written(`updating ${reference}`, resource, call('PUT', reference, resource));
    },
    async remove(reference) {
      const answer = await call('DELETE', reference);
      if (!answer.ok && !gone(answer)) throw failure(`removing ${reference}`, answer);
    },
    operation: (path, parameters) =>
      resourceOf(`the operation ${path}`, call(parameters === undefined ? 'GET' : 'POST', path, parameters)),
    transaction: async (bundle) => (await resourceOf('the transaction', call('POST', '', bundle))) as Bundle,
  };
}

/** Another of the tenant's FHIR servers by its name, or any allowed one by its address. */
export function server(name: string): FhirClient {
  return clientOf(name);
}

export const { read, search, searchBundle, create, update, remove, operation, transaction } = clientOf(undefined);
