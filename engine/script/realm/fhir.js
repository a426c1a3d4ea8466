// FHIR for scripts, in the compatible style: calls look synchronous, the engine makes them with the tenant's own credential.

const nameOfType = (type) => {
  const name = StringType(type);
  if (!/^[A-Z][A-Za-z]{1,63}$/.test(name)) throw new ErrorType(`${show(type)} is no type of a FHIR resource`);
  return name;
};

/** Resources know their own text, as Smile CDR's do. */
function withJson(resource) {
  if (typeof resource !== 'object' || resource === null) return resource;
  defineProperty(resource, 'toJson', { value: () => stringify(resource) });
  return resource;
}

/** What an unsuccessful answer says of itself, with the status a script may want to look at. */
function fhirFailure(what, answer) {
  const issue = answer.body?.issue?.[0];
  const text = issue?.diagnostics ?? issue?.details?.text ?? answer.message ?? `HTTP status ${answer.status}`;
  const error = new ErrorType(`${what} failed: ${text}`);
  error.status = answer.status ?? null;
  error.outcome = answer.body ?? null;
  return error;
}

/** @param server a tenant's FHIR server by name or address; its first where undefined. */
function fhirHelper(server) {
  const call = (method, path, body) => {
    const answer = askNow({
      service: 'fhir',
      server,
      method,
      path,
      ...(body === undefined ? {} : { body: plain(body) }),
    });
    return { ...answer, gone: answer.status === 404 || answer.status === 410 };
  };
  const need = (what, answer) => {
    if (!answer.ok) throw fhirFailure(what, answer);
    return withJson(answer.body);
  };
  const fill = (resource, answer) => {
    const { id, versionId } = answer.created ?? {};
    if (answer.body?.id !== undefined) resource.id = answer.body.id;
    else if (id !== undefined) resource.id = id;
    if (versionId !== undefined) resource.meta = { ...resource.meta, versionId };
    return resource;
  };

  function search(wantedType) {
    let type = wantedType === undefined ? undefined : nameOfType(wantedType);
    const parameters = [];
    const add = (name, value) => {
      parameters.push([StringType(name), StringType(value)]);
      return made;
    };
    const escape = (value) => StringType(value).replace(/[\\$,|]/g, '\\$&');
    const run = () => {
      if (type === undefined) throw new ErrorType('search() needs forResource(type)');
      const query = parameters
        .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
        .join('&');
      return need(`the search for ${type}`, call('GET', `${type}${query === '' ? '' : `?${query}`}`));
    };
    const resources = () =>
      list(
        (run().entry ?? [])
          .filter((entry) => entry.search?.mode !== 'outcome' && entry.resource)
          .map(({ resource }) => withJson(resource)),
      );
    const made = {
      forResource(name) {
        type = nameOfType(name);
        return made;
      },
      where: (name, value) => add(name, value),
      whereString: (name, value) => add(name, escape(value)),
      whereToken: (name, system, value) =>
        value === undefined
          ? add(name, escape(system))
          : add(name, `${system === null ? '' : `${escape(system)}|`}${escape(value)}`),
      whereReference: (name, reference) => add(name, reference),
      whereDate: (name, prefix, date) => (date === undefined ? add(name, prefix) : add(name, `${prefix}${date}`)),
      include: (what) => add('_include', what),
      sort: (name) => add('_sort', name),
      count: (most) => add('_count', Math.trunc(Number(most))),
      asList: resources,
      asBundle: run,
      first: () => resources()[0] ?? null,
    };
    return made;
  }

  return {
    read(reference) {
      const answer = call('GET', StringType(reference));
      return answer.gone ? null : need(`reading ${StringType(reference)}`, answer);
    },
    search,
    create(resource) {
      const answer = call('POST', nameOfType(resource?.resourceType), resource);
      need(`creating a ${resource.resourceType}`, answer);
      fill(resource, answer);
    },
    update(resource) {
      const reference = `${nameOfType(resource?.resourceType)}/${StringType(resource.id)}`;
      const answer = call('PUT', reference, resource);
      need(`updating ${reference}`, answer);
      fill(resource, answer);
    },
    delete(reference) {
      const answer = call('DELETE', StringType(reference));
      if (!answer.gone) need(`deleting ${StringType(reference)}`, answer);
    },
    operation(path, parameters) {
      return need(
        `the operation ${StringType(path)}`,
        call(parameters === undefined ? 'GET' : 'POST', StringType(path), parameters),
      );
    },
    transaction(bundle) {
      if (bundle?.resourceType !== 'Bundle') throw new ErrorType('transaction takes a Bundle');
      return need('the transaction', call('POST', '', bundle));
    },
  };
}

function fhirHelpers() {
  return {
    Fhir: fhirHelper(undefined),
    FhirClientFactory: { newClient: (address) => fhirHelper(StringType(address)) },
    ResourceBuilder: { build: (type) => ({ resourceType: nameOfType(type) }) },
  };
}
