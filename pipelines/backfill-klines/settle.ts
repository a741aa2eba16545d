import type { Exchange } from '#core/exchanges/exchange.ts';
import type { Explanation } from '#core/lake/coverage.ts';
import { literal, type DuckDb } from '#core/lake/duckdb.ts';
import { intervalUs } from '#core/market/interval.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { Range } from '#pipelines/detect-gaps/partitions.ts';
import type { BarHolder } from './holders.ts';
import type { BarTarget } from './sources.ts';

const fillSql = sqlFile(import.meta.url, 'sql/fill.sql');

/** Bars of a target that no source gave, where the venue was asked for exactly these. */
export interface Hole extends Range {
  target: BarTarget;
}

export interface Settled {
  filled: number;
  explained: Explanation[];
  /** Bars that stay missing: too new to tell. */
  left: number;
}

export interface SettleOptions {
  exchange: Exchange;
  holders: readonly BarHolder[];
  /** The venue's clock before it was asked. */
  nowUs: number;
  signal?: AbortSignal | undefined;
}

/** How long after its end a bar may still be on its way to the venue's answers. */
const lagUs = 60_000_000;
/** A market that gave no bar for so long may have ended; before that it may only stand still. */
const quietUs = 86_400_000_000;

/**
 * Makes flat bars, in DuckDB's table `filled`, of holes that lie between two bars of the venue; says of the others why
 * there are none. Asks the venue for neighbours that are not in the table `brought`.
 */
export async function settleHoles(
  duck: DuckDb,
  holes: readonly Hole[],
  options: SettleOptions,
): Promise<Settled> {
  const settled: Settled = { filled: 0, explained: [], left: 0 };
  for (const hole of holes) {
    const { interval } = hole.target;
    const lengthUs = intervalUs(interval);
    const knownTo = Math.floor((options.nowUs - lagUs) / lengthUs) * lengthUs;
    const to = Math.max(hole.from, Math.min(hole.to, knownTo));
    settled.left += (hole.to - to) / lengthUs;
    if (to === hole.from) continue;
    const count = (to - hole.from) / lengthUs;
    const verdict = await judge(duck, { ...hole, to }, options);
    if (verdict.kind === 'left') {
      settled.left += count;
    } else if (verdict.kind === 'explained') {
      settled.explained.push(neverPublished(options.exchange.source, { ...hole, to }, verdict.detail));
    } else {
      await fill(duck, options.exchange.source, { ...hole, to }, verdict.price);
      settled.filled += count;
    }
  }
  return settled;
}

/** Why there are no bars where neither venue nor archive has any. */
export function neverPublished(source: string, { target, from, to }: Hole, detail: string): Explanation {
  const { listing, interval } = target;
  return { source, listing, interval, lo: from, hi: to, cause: 'never_published', detail };
}

type Verdict = { kind: 'flat'; price: string } | { kind: 'explained'; detail: string } | { kind: 'left' };

async function judge(duck: DuckDb, hole: Hole, options: SettleOptions): Promise<Verdict> {
  if (!(await isFollowed(duck, hole, options))) {
    if (options.nowUs - hole.to < quietUs) return { kind: 'left' };
    return { kind: 'explained', detail: 'the venue has no bar of it from then on' };
  }
  const price = await priceBefore(duck, hole, options);
  return price === undefined
    ? { kind: 'explained', detail: 'the venue has no bar of it before' }
    : { kind: 'flat', price };
}

/** Whether the venue has a bar of the coin after the hole, be it still open. */
async function isFollowed(
  duck: DuckDb,
  hole: Hole,
  { exchange, holders, signal }: SettleOptions,
): Promise<boolean> {
  const { symbol, interval } = hole.target;
  if ((await broughtClose(duck, hole.target, hole.to)) !== undefined) return true;
  const [next] = await exchange.klines({ symbol, interval, fromUs: hole.to, limit: 1 }, signal);
  return next !== undefined && next.openTimeUs < lifeOf(holders, hole.target).toUs;
}

/** Close of the coin's last bar before the hole. */
async function priceBefore(
  duck: DuckDb,
  hole: Hole,
  { exchange, holders, signal }: SettleOptions,
): Promise<string | undefined> {
  const { symbol, interval } = hole.target;
  const brought = await broughtClose(duck, hole.target, hole.from - intervalUs(interval));
  if (brought !== undefined) return brought;
  const [before] = await exchange.klines({ symbol, interval, toUs: hole.from - 1, limit: 1 }, signal);
  if (before === undefined || before.openTimeUs < lifeOf(holders, hole.target).fromUs) return undefined;
  return before.close;
}

function lifeOf(holders: readonly BarHolder[], { listing, interval }: BarTarget) {
  const holder = holders.find((of) => of.listing === listing && of.interval === interval);
  return holder ?? { fromUs: 0, toUs: Infinity };
}

async function broughtClose(
  duck: DuckDb,
  { listing, interval }: BarTarget,
  openUs: number,
): Promise<string | undefined> {
  const [row] = await duck.rows(
    `select close::varchar as close from brought
      where listing = ${literal(listing)} and "interval" = ${literal(interval)} and open_us = ${openUs}`,
  );
  return row === undefined ? undefined : String(row['close']);
}

async function fill(duck: DuckDb, source: string, hole: Hole, price: string): Promise<void> {
  const { symbol, listing, interval } = hole.target;
  const texts = [symbol, listing, interval].map(literal).join(', ');
  const row = `(${texts}, ${hole.from}, ${hole.to}, ${intervalUs(interval)}, ${literal(price)})`;
  await duck.run(fillSql.replace('$holes', () => row).replace('$source', () => literal(source)));
}
