import { intervalUs, type Interval } from '#core/market/interval.ts';
import { hourOf } from '#core/trading/analytics/figures.ts';
import {
  readFirstOpening,
  readHeld,
  readOwners,
  type Owner,
  type OwnerKind,
} from '#core/trading/analytics/owners.ts';
import { readSteps, type Whose } from '#core/trading/analytics/steps.ts';
import { readOwnerSums, type Hours } from '#core/trading/analytics/sums.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { timeFromUs } from '../format.ts';
import type { PerformanceList } from '../schemas/analytics.ts';
import { ownerCursor, pageAfter } from '../trading/cursors.ts';
import { gridOf, intervalFor, type Span } from './grid.ts';
import { performanceFigures } from './performance.ts';
import { flowsOf, valuesOf, type ValuationDeps, type ValuedSteps } from './valuation.ts';

export interface PerformanceDeps extends ValuationDeps {
  database: Database;
}

export interface PerformanceRequest {
  whose: Whose;
  hours: Hours;
  nowUs: number;
  valuedIn: string;
  by: OwnerKind;
  cursor: string | undefined;
  limit: number;
}

/** What is valued, and whether each movement of money is. */
interface Group extends ValuedSteps {
  isExact: boolean;
}

const hourUs = 3_600_000_000;
const dayUs = 24 * hourUs;
/** So long a time is told of unless one is asked for: as many days as a grid may have points. */
const daysMax = 990;
/** Where money moved more often, it is not valued each time, and no return is told. */
const flowsMax = 2_000;

/** What became of the money of some owners, and of all of it. @throws BAD_REQUEST, TIMEOUT, OVERLOADED, UNAVAILABLE */
export async function readPerformance(
  deps: PerformanceDeps,
  request: PerformanceRequest,
  signal: AbortSignal,
): Promise<PerformanceList> {
  const { database, markets, defaultSource } = deps;
  const { whose, hours, nowUs, valuedIn, by, cursor, limit } = request;
  const isNow = hours.toUs >= nowUs;
  const span = await spanOf(deps, request);
  const instants = gridOf(span, hourly(intervalFor(span)));
  const found = await readOwners(database, whose, by, { after: ownerCursor(cursor), limit: limit + 1 });
  const { items, nextCursor } = pageAfter(found, limit, ({ id }) => id);
  const groups: Group[] = [];
  for (const one of [whose, ...items.map((owner) => ownOf(whose, by, owner))])
    groups.push(await groupOf(deps, one, span, instants));
  const values = await valuesOf(deps, { groups, valuedIn, nowUs }, signal);
  const sums = await readOwnerSums(database, whose, { fromUs: span.fromUs, toUs: hours.toUs }, by);
  const held = isNow ? await readHeld(database, whose, by, valuedIn) : undefined;

  const figuresOf = (place: number, ownerId?: string): PerformanceList['overall'] => {
    const isOwn = (one: { ownerId: string }): boolean => ownerId === undefined || one.ownerId === ownerId;
    return performanceFigures({
      values: values[place] ?? [],
      isExact: groups[place]?.isExact ?? false,
      sums: [...sums.values()].filter(isOwn),
      held: held?.filter(isOwn),
      asset: valuedIn,
      priceOf: (base) => markets.find(defaultSource, base, valuedIn)?.last?.price,
    });
  };
  return {
    asset: valuedIn,
    from: timeFromUs(span.fromUs),
    to: timeFromUs(span.toUs),
    overall: figuresOf(0),
    items: items.map((owner, i) => ({
      userId: owner.userId,
      portfolioId: by === 'portfolio' ? owner.id : null,
      ...figuresOf(i + 1, owner.id),
    })),
    nextCursor,
  };
}

/** From the hour in which the first portfolio was opened, unless a later one is asked for. */
async function spanOf(
  { database }: PerformanceDeps,
  { whose, hours, nowUs }: PerformanceRequest,
): Promise<Span> {
  const toUs = Math.min(hours.toUs, nowUs);
  const openedUs = (await readFirstOpening(database, whose)) ?? toUs;
  const fromUs = Math.max(hours.fromUs, Math.min(openedUs, toUs - 1), toUs - daysMax * dayUs);
  return { fromUs: hourOf(fromUs), toUs };
}

async function groupOf(
  { database }: PerformanceDeps,
  whose: Whose,
  span: Span,
  instants: readonly number[],
): Promise<Group> {
  const steps = await readSteps(database, { ...whose, ...span, isFine: false });
  const isExact = flowsOf({ steps, instants }) <= flowsMax;
  return {
    ...{ instants, isExact },
    steps: isExact ? steps : steps.map((step) => ({ ...step, isFlow: false })),
  };
}

function ownOf(whose: Whose, by: OwnerKind, { id }: Owner): Whose {
  return by === 'user' ? { ...whose, userId: id } : { portfolioId: id };
}

/** Balances are kept by hours. */
function hourly(interval: Interval): Interval {
  return intervalUs(interval) < hourUs ? '1h' : interval;
}
