/** A device is known by kind only, whatever the header says. */
import { expect } from 'chai';
import { deviceOf } from '../../engine/identity/device.ts';

const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)';
const rows: readonly (readonly [string | undefined, string | undefined, string | undefined])[] = [
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox', 'Windows'],
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/140.0 Safari/537.36 Edg/140.0`, 'Edge', 'Windows'],
  [`Mozilla/5.0 (X11; Linux x86_64) ${webkit} HeadlessChrome/140.0 Safari/537.36`, 'Chrome', 'Linux'],
  [
    `Mozilla/5.0 (Linux; Android 16) ${webkit} SamsungBrowser/28.0 Chrome/130.0 Safari/537.36`,
    'Samsung Internet',
    'Android',
  ],
  [`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${webkit} Chrome/140.0 Safari/537.36 OPR/120.0`, 'Opera', 'macOS'],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15',
    'Safari',
    'macOS',
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 CriOS/140.0 Safari/604.1',
    'Chrome',
    'iOS',
  ],
  ['Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1', 'Safari', 'iPadOS'],
  ['<script>alert(1)</script>', undefined, undefined],
  ['', undefined, undefined],
  [undefined, undefined, undefined],
  [`Firefox/1 Windows${'x'.repeat(1_000)}`, undefined, undefined],
];

describe('the kind of a device', () => {
  for (const [userAgent, browser, system] of rows)
    it(`${browser ?? 'unknown'} on ${system ?? 'unknown'}: ${userAgent?.slice(0, 40) ?? 'no header'}`, () => {
      expect(deviceOf(userAgent)).to.deep.equal({ ...(browser ? { browser } : {}), ...(system ? { system } : {}) });
    });
});
