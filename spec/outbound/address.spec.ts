/** Every kind of address in every notation: which the engine may call, and which never, whatever a tenant lists. */
import { expect } from 'chai';
import { array, assert as assertProperty, integer, property } from 'fast-check';
import { isIP } from 'node:net';
import { isPublicAddress, kindOfAddress } from '../../engine/outbound/address.ts';

const addresses = {
  public: [
    '8.8.8.8',
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2a00:1450:4001::1',
    '::ffff:8.8.8.8',
  ],
  private: [
    '10.0.0.1',
    '10.255.255.255',
    '127.0.0.1',
    '127.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '169.254.1.1',
    '::1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fd12:3456::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::FFFF:10.0.0.1',
    '0:0:0:0:0:ffff:c0a8:0101',
  ],
  never: [
    // Where clouds keep credentials.
    '169.254.169.254',
    '169.254.170.2',
    '169.254.170.23',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd20:ce::254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    // Nowhere, everywhere, many.
    '0.0.0.0',
    '0.1.2.3',
    '::',
    '255.255.255.255',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    'ff02::1',
    // Translated and tunnelled.
    '64:ff9b::7f00:1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::1',
    '2002:7f00:1::',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    '::127.0.0.1',
    '::ffff:0:127.0.0.1',
    'fec0::1',
    // Documentation and measurement.
    '192.0.2.1',
    '198.51.100.1',
    '203.0.113.1',
    '198.18.0.1',
    '192.88.99.1',
    '2001:db8::1',
    '3fff::1',
    '100::1',
    '5f00::1',
    // No addresses.
    '',
    'localhost',
    '127.1',
    '0x7f.0.0.1',
    '2130706433',
    '1.2.3',
    '[::1]',
    '1.2.3.4.5',
    '256.1.1.1',
    '8.8.8.8 ',
    ':::',
    '8.8.8.8\0',
  ],
} as const;

describe('addresses', () => {
  for (const [kind, list] of Object.entries(addresses))
    for (const address of list)
      it(`${JSON.stringify(address)} is ${kind}`, () => {
        expect(kindOfAddress(address)).to.equal(kind);
        expect(isPublicAddress(address)).to.equal(kind === 'public');
      });

  it('an IPv4 address is the same written as IPv6, in each notation', () => {
    assertProperty(
      property(array(integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 }), (bytes) => {
        const four = bytes.join('.');
        const [a = 0, b = 0, c = 0, d = 0] = bytes;
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        for (const six of [`::ffff:${four}`, `::ffff:${hex}`, `0:0:0:0:0:FFFF:${hex.toUpperCase()}`]) {
          expect(isIP(six)).to.equal(6);
          expect(kindOfAddress(six), six).to.equal(kindOfAddress(four));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('no IPv6 address outside the routed part is public', () => {
    assertProperty(
      property(array(integer({ min: 0, max: 65_535 }), { minLength: 8, maxLength: 8 }), ([first = 0, ...rest]) => {
        const address = [first, ...rest].map((group) => group.toString(16)).join(':');
        if (kindOfAddress(address) !== 'public') return;
        expect(first >> 13, address).to.equal(1);
      }),
      { numRuns: 2000 },
    );
  });
});
