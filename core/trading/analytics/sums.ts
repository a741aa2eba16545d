import { add, parseSum, zero, type Decimal } from '#core/market/decimal.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { NumberedEvent } from '../event.ts';
import { figuresOf, type Fills } from './figures.ts';
import type { Whose } from './steps.ts';
import { readUncounted, type OwnedEvent } from './uncounted.ts';

/** Whole hours, in microseconds, the last one not in it. */
export interface Hours {
  fromUs: number;
  toUs: number;
}

type Sums = Pick<Fills, 'fills' | 'volume' | 'fees' | 'realizedAverage' | 'realizedFifo'>;
type EventType = NumberedEvent['type'];

/** What was traded of a market in a bucket of time, in its quote asset. */
export interface MarketSums extends Sums, Pick<Fills, 'source' | 'symbol' | 'quote' | 'side' | 'quantity'> {
  bucketUs: number;
}

/** What an owner did: a user, or a portfolio. */
export interface OwnerSums {
  ownerId: string;
  /** By quote asset. */
  traded: Map<string, Sums>;
  /** How many events of each type. */
  events: Map<EventType, number>;
  /** When the last hour began in which there were any. */
  lastHourUs: number;
}

type Texts<Row> = { [Name in keyof Row]: Row[Name] extends Decimal ? string : Row[Name] };

const marketSql = sqlFile(import.meta.url, 'sql/market-sums.sql');
const ownerSql = sqlFile(import.meta.url, 'sql/owner-sums.sql');
const activitySql = sqlFile(import.meta.url, 'sql/owner-activity.sql');

/** What was traded by market and buckets of whole hours, all events up to this moment counted. @throws UNAVAILABLE */
export async function readMarketSums(
  database: Database,
  whose: Whose,
  hours: Hours,
  bucketUs: number,
): Promise<MarketSums[]> {
  return await asOfOneMoment(database, whose, async (tx, uncounted) => {
    const { rows } = await tx.query<Texts<MarketSums>>(marketSql, [...asked(whose, hours), bucketUs]);
    const sums = new Map<string, MarketSums>();
    for (const row of rows) addMarket(sums, { ...row, ...parsed(row), quantity: parseSum(row.quantity) });
    for (const fills of figuresOf(uncounted).fills)
      if (isWithin(fills, hours))
        addMarket(sums, { ...fills, bucketUs: fills.hourUs - (fills.hourUs % bucketUs) });
    return [...sums.values()];
  });
}

/** What owners did in some hours, by their ids; those who did nothing are not among them. @throws UNAVAILABLE */
export async function readOwnerSums(
  database: Database,
  whose: Whose,
  hours: Hours,
  by: 'user' | 'portfolio',
): Promise<Map<string, OwnerSums>> {
  return await asOfOneMoment(database, whose, async (tx, uncounted) => {
    const owners = new Map<string, OwnerSums>();
    const params = [...asked(whose, hours), by === 'user'];
    const traded = await tx.query<Texts<Sums> & { ownerId: string; quote: string }>(ownerSql, params);
    const activity = await tx.query<{
      ownerId: string;
      type: EventType;
      events: number;
      lastHourUs: number;
    }>(activitySql, params);
    for (const row of traded.rows) addTraded(ownerOf(owners, row.ownerId), row.quote, parsed(row));
    for (const row of activity.rows)
      addEvents(ownerOf(owners, row.ownerId), row.type, row.events, row.lastHourUs);
    const users = new Map(uncounted.map(({ portfolioId, userId }) => [portfolioId, userId]));
    const owner = (portfolioId: string): OwnerSums =>
      ownerOf(owners, by === 'user' ? (users.get(portfolioId) ?? '') : portfolioId);
    const late = figuresOf(uncounted);
    for (const fills of late.fills)
      if (isWithin(fills, hours)) addTraded(owner(fills.portfolioId), fills.quote, fills);
    for (const row of late.activity)
      if (isWithin(row, hours)) addEvents(owner(row.portfolioId), row.type, row.events, row.hourUs);
    return owners;
  });
}

/** Sums of several owners, or quote assets, together. */
export function addSums(a: Sums, b: Sums): Sums {
  return {
    fills: a.fills + b.fills,
    volume: add(a.volume, b.volume),
    fees: add(a.fees, b.fees),
    realizedAverage: add(a.realizedAverage, b.realizedAverage),
    realizedFifo: add(a.realizedFifo, b.realizedFifo),
  };
}

export const noSums: Readonly<Sums> = {
  ...{ fills: 0, volume: zero, fees: zero, realizedAverage: zero, realizedFifo: zero },
};

/** Figures and what they do not count yet change together: both are read as of one moment. */
async function asOfOneMoment<T>(
  database: Database,
  whose: Whose,
  read: (tx: Transaction, uncounted: OwnedEvent[]) => Promise<T>,
): Promise<T> {
  return await database.transaction(async (tx) => {
    await tx.query('set transaction isolation level repeatable read, read only');
    return await read(tx, await readUncounted(tx, whose));
  });
}

function asked({ userId, portfolioId }: Whose, { fromUs, toUs }: Hours): unknown[] {
  return [userId ?? null, portfolioId ?? null, fromUs, toUs];
}

function isWithin({ hourUs }: { hourUs: number }, { fromUs, toUs }: Hours): boolean {
  return hourUs >= fromUs && hourUs < toUs;
}

function parsed({ fills, volume, fees, realizedAverage, realizedFifo }: Texts<Sums>): Sums {
  return {
    fills,
    volume: parseSum(volume),
    fees: parseSum(fees),
    realizedAverage: parseSum(realizedAverage),
    realizedFifo: parseSum(realizedFifo),
  };
}

function addMarket(sums: Map<string, MarketSums>, row: MarketSums): void {
  const { bucketUs, source, symbol, quote, side, quantity } = row;
  const key = `${bucketUs} ${source} ${symbol} ${side}`;
  const sum = sums.get(key) ?? { bucketUs, source, symbol, quote, side, quantity: zero, ...noSums };
  sums.set(key, { ...sum, ...addSums(sum, row), quantity: add(sum.quantity, quantity) });
}

function ownerOf(owners: Map<string, OwnerSums>, ownerId: string): OwnerSums {
  const owner = owners.get(ownerId) ?? { ownerId, traded: new Map(), events: new Map(), lastHourUs: 0 };
  owners.set(ownerId, owner);
  return owner;
}

function addTraded({ traded }: OwnerSums, quote: string, sums: Sums): void {
  traded.set(quote, addSums(traded.get(quote) ?? noSums, sums));
}

function addEvents(owner: OwnerSums, type: EventType, events: number, hourUs: number): void {
  owner.events.set(type, (owner.events.get(type) ?? 0) + events);
  owner.lastHourUs = Math.max(owner.lastHourUs, hourUs);
}
