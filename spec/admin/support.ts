/** A caller of the admin API. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestServer } from '../support/server.ts';

export interface AdminAnswer {
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export type Admin = (method: string, path: string, body?: unknown) => Promise<AdminAnswer>;

export function adminWith(server: TestServer, token: string | undefined): Admin {
  return async (method, path, body) => {
    const answer = await fetch(`${server.url}/admin/api${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      type: answer.headers.get('content-type') ?? '',
      headers: answer.headers,
      body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    };
  };
}

export async function bootstrapSecret(server: TestServer): Promise<string> {
  return (await readFile(join(server.data, 'admin-secret'), 'utf8')).trim();
}

export async function asAdmin(server: TestServer): Promise<Admin> {
  return adminWith(server, await bootstrapSecret(server));
}

export function itemsOf(answer: AdminAnswer): readonly Record<string, unknown>[] {
  return answer.body['items'] as readonly Record<string, unknown>[];
}
