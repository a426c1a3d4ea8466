/** The one door between a script and the engine: every call is counted, bounded, dispatched to a service and recorded. */
import { fhirService } from './service/fhir.ts';
import { httpService } from './service/http.ts';
import { jwtService } from './service/jwt.ts';
import { kvService } from './service/kv.ts';
import { type HostContext, refusal, type Service, type ServiceAnswer, targetOf } from './service/context.ts';
import type { HostCall } from './runner.ts';

const services: Readonly<Record<string, Service>> = {
  http: httpService,
  fhir: fhirService,
  kv: kvService,
  jwt: jwtService,
};
/** These leave the machine, which is what takes time. */
const outbound = ['http', 'fhir'];

/** How many calls an invocation made so far. */
export interface CallCount {
  all: number;
  http: number;
}

/** Answers the JSON for the script and the record for the trace, which holds no query, body or credential. */
export async function callHost(
  text: string,
  count: CallCount,
  context: HostContext,
): Promise<{ readonly body: string; readonly call: HostCall }> {
  const began = performance.now();
  const request = readRequest(text);
  const service = request?.service ?? 'unknown';
  const { target, outcome, body } = await dispatch(request, count, context);
  return {
    body: JSON.stringify(body),
    call: { service, target, outcome, milliseconds: Math.round(performance.now() - began) },
  };
}

/** The record of a call whose answer nobody waited for. */
export function unansweredCall(text: string, milliseconds: number): HostCall {
  const request = readRequest(text);
  const service = request?.service ?? 'unknown';
  const target = service === 'http' ? targetOf(String(request?.rest['method']), String(request?.rest['url'])) : service;
  return { service, target, outcome: 'unanswered', milliseconds: Math.round(milliseconds) };
}

async function dispatch(
  request: { readonly service: string; readonly rest: Readonly<Record<string, unknown>> } | undefined,
  count: CallCount,
  context: HostContext,
): Promise<ServiceAnswer> {
  const service = request && Object.hasOwn(services, request.service) ? services[request.service] : undefined;
  if (!request || !service) return refusal('malformed', 'malformed', 'the request is malformed');
  const { limits } = context.invocation;
  count.all += 1;
  if (count.all > limits.hostCalls)
    return refusal(request.service, 'blocked', `more than ${limits.hostCalls} calls to the engine`);
  if (outbound.includes(request.service)) {
    count.http += 1;
    if (count.http > limits.httpCalls)
      return refusal(request.service, 'blocked', `more than ${limits.httpCalls} HTTP calls`);
  }
  return service(request.rest, context);
}

function readRequest(
  text: string,
): { readonly service: string; readonly rest: Readonly<Record<string, unknown>> } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const { service, ...rest } = value as Record<string, unknown>;
    return typeof service === 'string' ? { service, rest } : undefined;
  } catch {
    return undefined;
  }
}
