import { intervalUs, type Interval } from '#core/market/interval.ts';
import type { Lake } from '#core/lake/lake.ts';
import { proveListings } from '#core/lake/proof.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { klines, tableId } from '#core/lake/tables.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { changePercent } from './change-percent.ts';
import { averageOf, unitsOf } from './decimal.ts';
import type { DuckReader } from './duck-reader.ts';
import { plainDecimal, timeFromUs } from './format.ts';
import type { BarStatistics, MarketSummary, RankingBy, Rankings } from './schemas/bars.ts';

/** A window of time in microseconds, half-open. */
interface Window {
  fromUs: number;
  toUs: number;
}

export interface StatisticsRequest extends Partial<Window> {
  source: string;
  symbol: string;
  interval: Interval;
}

/** What is counted from the lake's bars. */
export interface BarData {
  /** Venues of which bars of a market (of any, without one) are held, in alphabetical order. */
  sources(interval: Interval, symbol?: string): Promise<string[]>;
  /** @throws NOT_FOUND when no bar is held in the window, BAD_REQUEST when it is too long. */
  statistics(request: StatisticsRequest, signal: AbortSignal): Promise<BarStatistics>;
  /** All markets of which bars are held, by symbol. */
  summary(
    source: string,
    interval: Interval,
    signal: AbortSignal,
  ): Promise<{ markets: MarketSummary[]; snapshotId: string | null }>;
  /** Markets by what they traded in the last days, the most first. @throws BAD_REQUEST when those are too many. */
  rankings(
    request: { source: string; interval: Interval; by: RankingBy; days: number },
    signal: AbortSignal,
  ): Promise<Rankings>;
}

const dayUs = 86_400_000_000;
const windowDays = 365;
const lastDays = 4;
const barsMax = 600_000;
const barsOfRankingMax = 50_000;
const klinesTable = tableId(klines);

export function lakeBarData({ lake, reader }: { lake: Lake; reader: DuckReader }): BarData {
  return {
    sources: (interval, symbol) => readSources(lake, interval, symbol),
    statistics: (request, signal) => readStatistics(lake, reader, request, signal),
    summary: (source, interval, signal) => readSummary(lake, reader, source, interval, signal),
    rankings: (request, signal) => readRankings(lake, reader, request, signal),
  };
}

async function readSources(lake: Lake, interval: Interval, symbol?: string): Promise<string[]> {
  const { rows } = await lake.database.query<{ source: string }>(
    `select distinct source from lake.coverage
      where table_name = $1 and "interval" = $2 and ($3::text is null or listing like $3 || '#%') order by source`,
    [klinesTable, interval, symbol ?? null],
  );
  return rows.map((row) => row.source);
}

async function readStatistics(
  lake: Lake,
  reader: DuckReader,
  request: StatisticsRequest,
  signal: AbortSignal,
): Promise<BarStatistics> {
  const { source, symbol, interval } = request;
  const toUs = request.toUs ?? (await newestEnd(lake, source, interval, symbol));
  if (toUs === undefined) throw nothingHeld(request);
  const fromUs = request.fromUs ?? toUs - windowDays * dayUs;
  assertBounded({ fromUs, toUs }, interval, barsMax);
  const { files, snapshotId } = await filesOf(lake, { fromUs, toUs }, interval, { source, symbol });
  const window = { from_us: BigInt(fromUs), to_us: BigInt(toUs), step_us: BigInt(intervalUs(interval)) };
  const [row] = await reader.read('statistics', files, { source, symbol, interval, ...window }, signal);
  if (row === undefined || Number(row['bars']) === 0) throw nothingHeld(request);
  const bars = Number(row['bars']);
  const decimal = (name: string): string => plainDecimal(String(row[name]));
  const traded = (name: string) => ({
    total: decimal(name),
    average: averageOf(String(row[name]), bars),
    maximum: decimal(`maximum_${name}`),
  });
  return {
    ...{ symbol, source, interval, bars, snapshotId },
    from: timeFromUs(fromUs),
    to: timeFromUs(toUs),
    filledBars: Number(row['filled']),
    first: timeFromUs(Number(row['first_us'])),
    last: timeFromUs(Number(row['last_us'])),
    open: decimal('open'),
    high: decimal('high'),
    low: decimal('low'),
    close: decimal('close'),
    changePercent: changePercent(Number(row['open']), Number(row['close'])),
    volume: traded('volume'),
    quoteVolume: traded('quote_volume'),
    trades: Number(row['trades']),
    volatility: row['volatility'] === null ? null : Number(row['volatility']),
    missingBars: Number(row['missing_bars']),
    missingDays: Number(row['missing_days']),
  };
}

async function readSummary(
  lake: Lake,
  reader: DuckReader,
  source: string,
  interval: Interval,
  signal: AbortSignal,
): Promise<{ markets: MarketSummary[]; snapshotId: string | null }> {
  const toUs = await newestEnd(lake, source, interval);
  if (toUs === undefined) return { markets: [], snapshotId: null };
  const window = { fromUs: toUs - lastDays * dayUs, toUs };
  const { files, snapshotId } = await filesOf(lake, window, interval, { source });
  const params = { source, interval, from_us: BigInt(window.fromUs) };
  const rows = await reader.read('summary', files, params, signal);
  const bySymbol = new Map(rows.map((row) => [String(row['symbol']), row]));
  const { rows: listings } = await proveListings(lake, { table: klinesTable, source, interval });
  const held = Map.groupBy(listings, (row) => row.symbol);
  const markets = [...held].map(([symbol, all]): MarketSummary => {
    const row = bySymbol.get(symbol);
    const sum = (count: (listing: (typeof all)[number]) => number): number =>
      all.reduce((total, listing) => total + count(listing), 0);
    const decimal = (name: string): string | null =>
      row === undefined ? null : plainDecimal(String(row[name]));
    return {
      ...{ symbol, source },
      lastPrice: decimal('last_price'),
      lastTime: row === undefined ? null : timeFromUs(Number(row['last_us']) + intervalUs(interval)),
      changePercent:
        row === undefined ? null : changePercent(Number(row['open_price']), Number(row['last_price'])),
      volume: decimal('volume'),
      quoteVolume: decimal('quote_volume'),
      trades: row === undefined ? null : Number(row['trades']),
      completeness: {
        expected: sum(({ expected }) => expected),
        held: sum((listing) => listing.held),
        explained: sum(({ explained }) => explained),
        missing: sum(({ missing }) => missing),
      },
    };
  });
  return { markets, snapshotId };
}

async function readRankings(
  lake: Lake,
  reader: DuckReader,
  { source, interval, by, days }: { source: string; interval: Interval; by: RankingBy; days: number },
  signal: AbortSignal,
): Promise<Rankings> {
  const toUs = await newestEnd(lake, source, interval);
  if (toUs === undefined) return { by, source, interval, from: null, to: null, items: [], snapshotId: null };
  const window = { fromUs: toUs - days * dayUs, toUs };
  assertBounded(window, interval, barsOfRankingMax);
  const { files, snapshotId } = await filesOf(lake, window, interval, { source });
  const params = { source, interval, from_us: BigInt(window.fromUs), to_us: BigInt(toUs) };
  const rows = await reader.read('volumes', files, params, signal);
  const values = rows.map((row) => {
    const bars = Number(row['bars']);
    const total = by.startsWith('average_') ? String(row[by.slice('average_'.length)]) : undefined;
    const value = total === undefined ? plainDecimal(String(row[by])) : averageOf(total, bars);
    return { symbol: String(row['symbol']), value, bars };
  });
  values.sort((a, b) => {
    const difference = unitsOf(b.value) - unitsOf(a.value);
    return difference === 0n ? (a.symbol < b.symbol ? -1 : 1) : difference > 0n ? 1 : -1;
  });
  return {
    ...{ by, source, interval, snapshotId },
    from: timeFromUs(window.fromUs),
    to: timeFromUs(toUs),
    items: values.map((value, index) => ({ rank: index + 1, ...value })),
  };
}

/** End of the newest bar that the ledger holds. */
async function newestEnd(
  lake: Lake,
  source: string,
  interval: Interval,
  symbol?: string,
): Promise<number | undefined> {
  const { rows } = await lake.database.query<{ hi: number | null }>(
    `select max(hi) as hi from lake.coverage
      where table_name = $1 and source = $2 and "interval" = $3 and ($4::text is null or listing like $4 || '#%')`,
    [klinesTable, source, interval, symbol ?? null],
  );
  return rows[0]?.hi ?? undefined;
}

async function filesOf(
  lake: Lake,
  { fromUs, toUs }: Window,
  interval: Interval,
  of: { source: string; symbol?: string },
): Promise<{ files: string[]; snapshotId: string | null }> {
  const { files, snapshotId } = await currentFiles(lake, klines, {
    filter: [
      { column: 'interval', op: '=', value: interval },
      { column: 'source', op: '=', value: of.source },
      ...(of.symbol === undefined ? [] : [{ column: 'symbol', op: '=' as const, value: of.symbol }]),
      { column: 'open_time', op: '>=', value: fromUs },
      { column: 'open_time', op: '<', value: toUs },
    ],
  });
  return { files, snapshotId: snapshotId === null ? null : String(snapshotId) };
}

function assertBounded({ fromUs, toUs }: Window, interval: Interval, max: number): void {
  const bars = (toUs - fromUs) / intervalUs(interval);
  if (bars > 0 && bars <= max) return;
  throw new TicklakeError(
    'BAD_REQUEST',
    bars > 0
      ? `the window holds ${Math.ceil(bars)} bars of ${interval}; at most ${max} are read`
      : 'the window is empty',
    { remedy: 'Choose a shorter window or longer bars, or query the lake with `ticklake sql`.' },
  );
}

function nothingHeld({ source, symbol, interval }: StatisticsRequest): TicklakeError {
  return new TicklakeError(
    'NOT_FOUND',
    `no bars of ${interval} are held of ${symbol} from ${source} in this window`,
    {
      remedy: 'GET /v1/lake/coverage?table=market.klines says what is held.',
    },
  );
}
