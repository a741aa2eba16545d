import { decimalText } from '#core/market/decimal.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Owner } from '#core/trading/analytics/owners.ts';
import { addSums, noSums, type OwnerSums } from '#core/trading/analytics/sums.ts';
import { timeFromUs } from '../format.ts';
import { decodeCursor } from '../paging.ts';
import type { UserList } from '../schemas/analytics.ts';
import { pageAfter } from '../trading/cursors.ts';

interface Row {
  owner: Owner;
  did: OwnerSums;
}

const nothing = (ownerId: string): OwnerSums => ({
  ...{ ownerId, traded: new Map(), events: new Map(), lastHourUs: 0 },
});

/** What users did, as clients see it: who traded most for the asset first. @throws BAD_REQUEST for a foreign cursor */
export function shownUsers(
  owners: readonly Owner[],
  sums: ReadonlyMap<string, OwnerSums>,
  asset: string,
  { cursor, limit }: { cursor?: string; limit: number },
): UserList {
  const volumeOf = ({ did }: Row): bigint => did.traded.get(asset)?.volume ?? 0n;
  const compared = (a: { volume: bigint; id: string }, b: { volume: bigint; id: string }): number =>
    a.volume === b.volume ? (a.id < b.id ? -1 : Number(a.id > b.id)) : a.volume > b.volume ? -1 : 1;
  const placeOf = (row: Row) => ({ volume: volumeOf(row), id: row.owner.id });
  const rows = owners
    .map((owner): Row => ({ owner, did: sums.get(owner.id) ?? nothing(owner.id) }))
    .sort((a, b) => compared(placeOf(a), placeOf(b)));
  const after = cursor === undefined ? undefined : placeOfCursor(cursor);
  const rest = after === undefined ? rows : rows.filter((row) => compared(after, placeOf(row)) < 0);
  const page = pageAfter(rest, limit, (row) => `${volumeOf(row)}@${row.owner.id}`);
  const portfolios = rows.reduce((count, { owner }) => count + owner.portfolios, 0);
  return {
    asset,
    totals: {
      users: rows.length,
      ...shownSums(
        rows.map(({ did }) => did),
        portfolios,
        asset,
      ),
    },
    items: page.items.map(({ owner, did }) => ({
      userId: owner.id,
      ...shownSums([did], owner.portfolios, asset),
      otherQuotes: [...did.traded.keys()].filter((quote) => quote !== asset).sort(),
      lastActive: did.lastHourUs === 0 ? null : timeFromUs(did.lastHourUs),
    })),
    nextCursor: page.nextCursor,
  };
}

function shownSums(
  some: readonly OwnerSums[],
  portfolios: number,
  asset: string,
): Omit<UserList['totals'], 'users'> {
  const traded = some.map((did) => did.traded.get(asset) ?? noSums).reduce(addSums, noSums);
  const count = (type: Parameters<OwnerSums['events']['get']>[0]): number =>
    some.reduce((sum, { events }) => sum + (events.get(type) ?? 0), 0);
  return {
    portfolios,
    ordersPlaced: count('order_accepted') + count('order_rejected'),
    ordersRejected: count('order_rejected'),
    ordersCanceled: count('order_canceled'),
    ordersExpired: count('order_expired'),
    fills: traded.fills,
    volume: decimalText(traded.volume),
    fees: decimalText(traded.fees),
    realizedProfit: decimalText(traded.realizedAverage),
  };
}

function placeOfCursor(cursor: string): { volume: bigint; id: string } {
  const [, volume = '', id = ''] = /^(\d{1,60})@([0-9a-f-]{36})$/.exec(decodeCursor(cursor)) ?? [];
  if (id !== '') return { volume: BigInt(volume), id };
  throw new TicklakeError('BAD_REQUEST', 'the cursor is not one of this list', {
    remedy: 'Pass `nextCursor` of the page before, unchanged, or none to start again.',
  });
}
