/**
 * A form that did not suffice is answered by a redirect to its page, so that neither a reload nor the back button asks
 * to send it once more. What the page then says travels in a short-lived cookie of that page alone.
 */
import { cookieOptions, type TenantRequest } from './http.ts';

export interface Again {
  readonly error?: string;
  readonly view?: Readonly<Record<string, string>>;
}

const name = 'sallyport_again';
/** Longer ones fit no field of the pages and would not fit a cookie. */
const longest = 255;

/** Keeps what the flow's page is to say when it is shown next. */
export function keepAgain(context: TenantRequest, flowId: string, { error, view = {} }: Again): void {
  const short = Object.entries(view).filter(([, value]) => value.length <= longest);
  const value = Buffer.from(JSON.stringify({ ...(error ? { error } : {}), view: Object.fromEntries(short) }));
  context.reply.setCookie(name, value.toString('base64url'), { ...optionsOf(context, flowId), maxAge: 60 });
}

/** What the flow's page is to say now, which it says once. A cookie that somebody else wrote says nothing. */
export function takeAgain(context: TenantRequest, flowId: string): Again {
  const kept = context.request.cookies[name];
  if (!kept) return {};
  context.reply.clearCookie(name, optionsOf(context, flowId));
  try {
    const { error, view } = JSON.parse(Buffer.from(kept, 'base64url').toString()) as Record<string, unknown>;
    const texts = Object.entries(view as object).filter((entry): entry is [string, string] =>
      entry.every((text) => typeof text === 'string' && text.length <= longest),
    );
    return { ...(typeof error === 'string' ? { error } : {}), view: Object.fromEntries(texts) };
  } catch {
    return {};
  }
}

function optionsOf({ tenant }: TenantRequest, flowId: string) {
  const options = cookieOptions(tenant);
  return { ...options, path: `${options.path === '/' ? '' : options.path}/login/${flowId}` };
}
