import { isDeepStrictEqual } from 'node:util';
import { multiply, parseDecimal } from '#core/market/decimal.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { changesOf, figuresOf, hourOf, isFlow } from '#core/trading/analytics/figures.ts';
import { addSums, noSums, readMarketSums, readOwnerSums } from '#core/trading/analytics/sums.ts';
import { readSteps, type Step, type Whose } from '#core/trading/analytics/steps.ts';
import { valuesOver, type WorthAt } from '#core/trading/analytics/value.ts';
import type { DeliveredEvent } from '#pipelines/deliver-events/consumer.ts';
import { startUs, type Traded } from './history.ts';

const hourUs = 3_600_000_000;

/** What has happened, and whose it is. */
export interface Happened {
  portfolios: readonly Traded[];
  events: readonly DeliveredEvent[];
}

/** What was held against the events, and what was not as they say. */
export interface Compared {
  comparisons: number;
  differences: string[];
}

/** Holds what is read of figures, of each portfolio, each user and all, to the events themselves, one after another. */
export async function compareFigures(database: Database, happened: Happened): Promise<Compared> {
  const compared: Compared = { comparisons: 0, differences: [] };
  const check = (what: string, found: unknown, wanted: unknown): void => {
    compared.comparisons += 1;
    if (!isDeepStrictEqual(found, wanted)) compared.differences.push(what);
  };
  for (const whose of whoever(happened)) {
    const who = JSON.stringify(whose);
    for (const [fromUs, toUs] of windows(happened)) {
      const instants = [fromUs];
      for (let at = hourOf(fromUs) + hourUs; at < toUs; at += 4 * hourUs) instants.push(at);
      instants.push(toUs);
      const slow = valuesOver(slowSteps(happened, whose, toUs), instants, worthAt);
      for (const isFine of [true, false]) {
        const steps = await readSteps(database, { ...whose, fromUs, toUs, isFine });
        const found = valuesOver(steps, instants, worthAt);
        check(`values of ${who} from ${fromUs} to ${toUs}, fine ${isFine}`, found, slow);
      }
    }
    await compareSums(database, happened, whose, check);
  }
  return compared;
}

async function compareSums(
  database: Database,
  happened: Happened,
  whose: Whose,
  check: (what: string, found: unknown, wanted: unknown) => void,
): Promise<void> {
  const who = JSON.stringify(whose);
  const hours = { fromUs: hourOf(startUs) + 3 * hourUs, toUs: hourOf(startUs) + 60 * hourUs };
  const within = slowEvents(happened, whose).filter(
    ({ event }) => event.atUs >= hours.fromUs && event.atUs < hours.toUs,
  );
  const slow = figuresOf(within);
  const total = slow.fills.reduce(addSums, noSums);
  const markets = await readMarketSums(database, whose, hours, 24 * hourUs);
  check(`fills of ${who}`, markets.reduce(addSums, noSums), total);
  check(
    `buckets of ${who}`,
    markets.filter(({ bucketUs }) => bucketUs % (24 * hourUs) !== 0),
    [],
  );
  for (const side of ['buy', 'sell'])
    check(
      `fills of ${who}, ${side}`,
      markets.filter((one) => one.side === side).reduce(addSums, noSums),
      slow.fills.filter((one) => one.side === side).reduce(addSums, noSums),
    );
  for (const by of ['user', 'portfolio'] as const) {
    const owners = [...(await readOwnerSums(database, whose, hours, by)).values()];
    const traded = owners.map((owner) => owner.traded.get('USDT') ?? noSums);
    check(`fills of ${who} by ${by}`, traded.reduce(addSums, noSums), total);
    const count = (type: DeliveredEvent['event']['type']): number =>
      owners.reduce((sum, owner) => sum + (owner.events.get(type) ?? 0), 0);
    for (const type of ['order_rejected', 'order_accepted', 'order_canceled', 'deposited'] as const)
      check(
        `${type} of ${who} by ${by}`,
        count(type),
        within.filter(({ event }) => event.type === type).length,
      );
  }
}

/** Everything; one that begins and ends within an hour; one of whole hours. */
function windows({ events }: Happened): [fromUs: number, toUs: number][] {
  const last = Math.max(...events.map(({ event }) => event.atUs));
  return [
    [startUs - hourUs, last + hourUs],
    [startUs + 17 * hourUs + 123_456_789, Math.max(last - 5 * hourUs - 1, startUs + 18 * hourUs)],
    [hourOf(startUs) + 5 * hourUs, hourOf(startUs) + 40 * hourUs],
  ];
}

function whoever({ portfolios }: Happened): Whose[] {
  return [
    {},
    ...[...new Set(portfolios.map(({ userId }) => userId))].map((userId) => ({ userId })),
    ...portfolios.map(({ portfolioId }) => ({ portfolioId })),
  ];
}

function slowEvents({ portfolios, events }: Happened, { userId, portfolioId }: Whose): DeliveredEvent[] {
  const own = portfolios.filter(
    (one) =>
      (userId === undefined || one.userId === userId) &&
      (portfolioId === undefined || one.portfolioId === portfolioId),
  );
  const ids = new Set(own.map((one) => one.portfolioId));
  return events
    .filter((one) => ids.has(one.portfolioId))
    .sort(
      (a, b) =>
        a.event.atUs - b.event.atUs ||
        (a.portfolioId < b.portfolioId ? -1 : Number(a.portfolioId > b.portfolioId)) ||
        a.event.number - b.event.number,
    );
}

function slowSteps(happened: Happened, whose: Whose, toUs: number): Step[] {
  return slowEvents(happened, whose)
    .filter(({ event }) => event.atUs <= toUs)
    .flatMap(({ event }) =>
      [...changesOf(event)].map(([asset, amount]) => ({
        ...{ atUs: event.atUs, asset, amount, isFlow: isFlow(event) },
      })),
    );
}

const worthAt: WorthAt = (asset, amount, atUs) => {
  const price = asset === 'USDT' ? '1' : String(90 + (Math.floor(atUs / 60_000_000) % 23));
  return { worth: multiply(amount, parseDecimal(price), 'down'), ageUs: 0 };
};
