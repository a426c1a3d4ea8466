/** Which tenant an address belongs to. */
import { expect } from 'chai';
import fc from 'fast-check';
import { createLocator } from '../../engine/tenant/locator.ts';
import type { Tenant } from '../../engine/tenant/tenant.ts';

const tenant = (issuer: string) => ({ id: issuer, issuer }) as Tenant;

/** The rule itself, tenant by tenant: the longest issuer whose host and path lead the address. */
function byRule(tenants: readonly Tenant[], host: string, path: string): Tenant | undefined {
  const prefixOf = ({ issuer }: Tenant) => new URL(issuer).pathname.replace(/\/$/, '');
  return tenants
    .filter((one) => new URL(one.issuer).host === host.toLowerCase())
    .filter((one) => path === prefixOf(one) || path.startsWith(`${prefixOf(one)}/`))
    .toSorted((left, right) => prefixOf(right).length - prefixOf(left).length)[0];
}

describe('tenants by location', () => {
  const tenants = ['https://a', 'https://a/x', 'https://a/x/y', 'https://b/x', 'https://b:8443/x/'].map(tenant);
  const locate = createLocator(tenants);

  it('takes the longest issuer, whole segments, and the host with its port', () => {
    for (const [host, path, issuer] of [
      ['a', '/', 'https://a'],
      ['a', '', 'https://a'],
      ['A', '/x', 'https://a/x'],
      ['a', '/xy', 'https://a'],
      ['a', '/x/y/z', 'https://a/x/y'],
      ['b', '/x/oauth/token', 'https://b/x'],
      ['b:8443', '/x/oauth/token', 'https://b:8443/x/'],
    ] as const)
      expect(locate(host, path)?.issuer, `${host}${path}`).to.equal(issuer);
    for (const [host, path] of [
      ['b', '/'],
      ['b', '/xy'],
      ['c', '/x'],
      ['a', '*'],
      ['a ', '/x'],
      ['', ''],
    ] as const)
      expect(locate(host, path), `${host}${path}`).to.equal(undefined);
  });

  it('is the rule, for any address', () => {
    const segment = fc.constantFrom('', '/', 'x', 'y', '/x', '/y', '//', 'z');
    const host = fc.constantFrom('a', 'A', 'b', 'b:8443', 'c');
    fc.assert(
      fc.property(host, fc.array(segment, { maxLength: 6 }), (at, parts) => {
        const path = parts.join('');
        expect(locate(at, path)).to.equal(byRule(tenants, at, path));
      }),
      { numRuns: 2000 },
    );
  });
});
