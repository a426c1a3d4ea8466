/** Which addresses the engine may call: the public internet; private networks only where a tenant says so; some never. */
import { BlockList, isIP } from 'node:net';

type Subnet = readonly [address: string, prefix: number];

function listOf(four: readonly Subnet[], six: readonly Subnet[]): (address: string) => boolean {
  const list = new BlockList();
  for (const [address, prefix] of four) list.addSubnet(address, prefix, 'ipv4');
  for (const [address, prefix] of six) list.addSubnet(address, prefix, 'ipv6');
  return (address) => list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

/** Where machines in a cloud learn their credentials. No flow has business there, whatever a tenant's list says. */
const isMetadata = listOf(
  [
    ['169.254.169.254', 32],
    ['169.254.169.253', 32],
    ['169.254.170.2', 32],
    ['169.254.170.23', 32],
    ['100.100.100.200', 32],
    ['168.63.129.16', 32],
    ['192.0.0.192', 32],
  ],
  [
    ['fd00:ec2::', 32],
    ['fd20:ce::', 32],
  ],
);

/** Loopback, link-local and private networks: what an operator may have on purpose. */
const isPrivate = listOf(
  [
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
    ['172.16.0.0', 12],
    ['192.168.0.0', 16],
  ],
  [
    ['::1', 128],
    ['fc00::', 7],
    ['fe80::', 10],
  ],
);

// IANA special-purpose registries (RFC 6890): everything else that is not globally reachable.
const isSpecial = listOf(
  [
    ['0.0.0.0', 8],
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['192.88.99.0', 24],
    ['198.18.0.0', 15],
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ],
  [
    ['2001::', 23],
    ['2001:db8::', 32],
    ['2002::', 16],
    ['3fff::', 20],
  ],
);
/** The part of IPv6 that is routed at all; translated, tunnelled, local and multicast addresses lie elsewhere. */
const isGlobal = listOf([], [['2000::', 3]]);

/** An IPv4 address written as IPv6 (`::ffff:127.0.0.1`) is that IPv4 address. */
function plain(address: string): string {
  const [bare = ''] = address.split('%');
  if (isIP(bare) !== 6) return bare;
  const found = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(new URL(`http://[${bare}]`).hostname);
  if (!found) return bare;
  const [high, low] = [parseInt(found[1] ?? '', 16), parseInt(found[2] ?? '', 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** What kind of address it is. Anything that is not an address is `never`. */
export function kindOfAddress(address: string): 'public' | 'private' | 'never' {
  const bare = plain(address);
  const family = isIP(bare);
  if (family === 0 || isMetadata(bare)) return 'never';
  if (isPrivate(bare)) return 'private';
  if (isSpecial(bare) || (family === 6 && !isGlobal(bare))) return 'never';
  return 'public';
}

/** Whether an IP address is publicly reachable. Anything that is not an address is not. */
export function isPublicAddress(address: string): boolean {
  return kindOfAddress(address) === 'public';
}
