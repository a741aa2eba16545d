import { lookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';
import { TicklakeError } from './errors.ts';

/** What is not of the public Internet: IANA's special-purpose registries of IPv4 and IPv6. */
const special = new BlockList();
for (const [net, bits] of [
  ...([
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
    ['172.16.0.0', 12],
  ] as const),
  ...([
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['192.88.99.0', 24],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
    ['198.51.100.0', 24],
  ] as const),
  ...([
    ['203.0.113.0', 24],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ] as const),
] as const)
  special.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  special.addSubnet(net, bits, 'ipv6');
/** All that is given out to anybody. */
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');

/** Whether an IP address is one of the public Internet, and not this machine, a private network, or reserved. */
export function isPublicAddress(address: string): boolean {
  if (isIPv6(address)) return global.check(address, 'ipv6') && !special.check(address, 'ipv6');
  return isIP(address) === 4 && !special.check(address, 'ipv4');
}

/**
 * For the option `lookup` of a socket: names resolve to public addresses only, so that what is connected to is what was
 * looked at. A host that is an address itself is not looked up: check it before.
 */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
    if (error !== null) return callback(error, '');
    const hidden = found.filter(({ address }) => !isPublicAddress(address));
    const [first] = found;
    if (hidden.length > 0 || first === undefined) return callback(notPublic(hostname), '');
    if (options.all === true) return callback(null, found);
    callback(null, first.address, first.family);
  });
};

export function notPublic(host: string): TicklakeError {
  return new TicklakeError('BAD_REQUEST', `${host} is not an address of the public Internet`, {
    remedy: 'Name a host that others can reach; TICKLAKE_WEBHOOK_PRIVATE_NETWORKS=true allows the rest.',
  });
}
