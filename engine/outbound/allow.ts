/** Lists of hosts. An entry is `host`, which is the scheme's own port there, or `host:port`, which is that port alone. */

const standardPort: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** Whether a list names the host and port that a URL calls. A name is compared in the form in which URLs hold it. */
export function isListed(entries: readonly string[], url: URL): boolean {
  return entries.some((entry) => names(entry, url));
}

/** Whether one entry does. */
export function names(entry: string, url: URL): boolean {
  const [, host, port] = /^(\[[^\]]*\]|[^:/@]+)(?::(\d{1,5}))?$/.exec(entry) ?? [];
  if (host === undefined || !URL.canParse(`http://${host}`)) return false;
  const standard = standardPort[url.protocol];
  return new URL(`http://${host}`).hostname === url.hostname && (port ?? standard) === (url.port || standard);
}
