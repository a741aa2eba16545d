/** Sockets that are served at a time. */
const socketsMax = 1_000;
/** Of them what one address may have, so that none takes the places of all; this machine may have them all. */
export const socketsPerAddressMax = 100;

const own = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);

/** A place that was taken, until it is given back; or of what there are too many. */
export type Place = { giveBack(): void } | { tooMany: 'all' | 'address' };

/** Who has how many sockets of this process. */
export interface Places {
  /** Takes one for an address; those of this machine itself are not counted by address. */
  take(address: string, isOwnMachine: boolean): Place;
}

export function createPlaces(): Places {
  const taken = new Map<string, number>();
  let all = 0;
  return {
    take(address, isOwnMachine) {
      const count = taken.get(address) ?? 0;
      if (!isOwnMachine && count >= socketsPerAddressMax) return { tooMany: 'address' };
      if (all >= socketsMax) return { tooMany: 'all' };
      all += 1;
      taken.set(address, count + 1);
      return {
        giveBack() {
          all -= 1;
          const left = (taken.get(address) ?? 0) - 1;
          if (left > 0) taken.set(address, left);
          else taken.delete(address);
        },
      };
    },
  };
}

/** Whether a request comes from this machine, and not through a proxy that names another. */
export function isOwnMachine(ip: string): boolean {
  return own.has(ip);
}
