import type { Lake } from '#core/lake/lake.ts';
import { tableId, trades } from '#core/lake/tables.ts';
import { tradeKey, tradesTopic } from '#core/market/topics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { Assignment } from '#core/streams/event-log.ts';
import { partitionOf } from '#core/streams/partitioner.ts';
import { lakeGroup } from '../ingest-trades/group.ts';
import { loadVenue, type LoadTarget, type VenueMarkets } from './load.ts';

/** Where reading starts: what is before is in the lake. */
export async function startOffsets(database: Database, assigned: readonly Assignment[]): Promise<number[]> {
  const { rows } = await database.query<{ incarnation: string; partition: number; next_offset: number }>(
    `select incarnation, partition, next_offset from log.offsets where consumer_group = $1 and topic = $2`,
    [lakeGroup, tradesTopic],
  );
  const offsets = new Map(rows.map((row) => [`${row.incarnation} ${row.partition}`, row.next_offset]));
  return assigned.map(({ incarnation, partition }) => offsets.get(`${incarnation} ${partition}`) ?? 0);
}

/** Forgets the markets of partitions that leave, and rebuilds those of partitions that come; how many these are. */
export async function changePartitions(
  target: LoadTarget,
  { leaving, coming, count }: { leaving: readonly number[]; coming: readonly number[]; count: number },
): Promise<number> {
  const { lake, live, tails } = target;
  const changed = await venuesOf(lake, new Set([...leaving, ...coming]), count);
  const markets = changed.flatMap(({ source, markets: of }) => of.map(({ symbol }) => ({ source, symbol })));
  await live.forget(markets);
  await tails.forget(markets);
  if (coming.length === 0) return 0;
  const venues = await venuesOf(lake, new Set(coming), count);
  for (const venue of venues) await loadVenue(target, venue);
  return venues.reduce((sum, venue) => sum + venue.markets.length, 0);
}

// A venue whose clock is not known, as that of a recording, has come to the end of the day of its newest trades.
const venuesSql = `
  select s.source, s.symbol, s.listing,
         coalesce(v.time_us, (
           select (extract(epoch from least(max(d.day) + interval '1 day', now())) * 1000000)::bigint
             from lake.tape_days d where d.table_name = $1 and d.source = s.source)) as time_us
    from ingest.symbols s left join ingest.venues v using (source)`;

async function venuesOf(lake: Lake, partitions: ReadonlySet<number>, count: number): Promise<VenueMarkets[]> {
  const { rows } = await lake.database.query<{
    source: string;
    symbol: string;
    listing: string;
    time_us: number | null;
  }>(venuesSql, [tableId(trades)]);
  const ours = rows.filter(({ source, symbol }) =>
    partitions.has(partitionOf(tradeKey(source, symbol), count)),
  );
  return [...Map.groupBy(ours, ({ source }) => source)].map(([source, markets]) => ({
    source,
    markets,
    timeUs: markets[0]?.time_us ?? Date.now() * 1_000,
  }));
}
