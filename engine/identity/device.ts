/** What a person recognises a device by: which browser on which system. No version, no model, no address is kept. */
import type { Device } from '../store/store.ts';

type Families = readonly (readonly [name: string, sign: RegExp])[];

/** In this order: most browsers also claim to be those further down. */
const browsers: Families = [
  ['Edge', /\bEdg(e|A|iOS)?\//],
  ['Opera', /\b(OPR|OPT|Opera)\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(Firefox|FxiOS)\//],
  ['Chrome', /\b(Headless)?Chrom(e|ium)\/|\bCriOS\//],
  ['Safari', /\bSafari\//],
];
const systems: Families = [
  ['Windows', /\bWindows\b/],
  ['Android', /\bAndroid\b/],
  ['iPadOS', /\biPad\b/],
  ['iOS', /\b(iPhone|iPod)\b/],
  ['macOS', /\bMacintosh\b|\bMac OS X\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Linux', /\bLinux\b|\bX11\b/],
];
/** Longer ones are nobody's browser. */
const longest = 1_000;

function familyOf(families: Families, userAgent: string): string | undefined {
  return families.find(([, sign]) => sign.test(userAgent))?.[0];
}

/** @param userAgent the header `User-Agent` (RFC 9110 section 10.1.5), which anybody may invent. */
export function deviceOf(userAgent: string | undefined): Device {
  const text = userAgent === undefined || userAgent.length > longest ? '' : userAgent;
  const browser = familyOf(browsers, text);
  const system = familyOf(systems, text);
  return { ...(browser ? { browser } : {}), ...(system ? { system } : {}) };
}
