import { symbolOf } from '#core/lake/ledger.ts';
import { tableId, trades } from '#core/lake/tables.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';

/** A UTC day of trades of one coin, whose candles are to be made. Days are `YYYY-MM-DD`. */
export interface DueDay {
  source: string;
  listing: string;
  day: string;
  /** The day, or an earlier one from which on nothing was traded before it. */
  fromDay: string;
  /** Trade ids between its first and its last. */
  ids: number;
  /** How often its candles were made. */
  builds: number;
  /** Whether all its trades are held, whatever is held of its neighbour days. */
  isWhole: boolean;
  /** The trades before and after it that are held, null where there is none. */
  before: TradeAt | null;
  after: TradeAt | null;
}

export interface TradeAt {
  day: string;
  id: number;
}

export interface DueFilter {
  symbols?: readonly string[] | undefined;
  /** The first and the last day; the default of the last is the venue's yesterday. */
  fromDay?: string | undefined;
  toDay?: string | undefined;
  /** Also days that nothing has touched since. */
  all?: boolean | undefined;
}

/** What one commit makes: days of one source and month. */
export interface DueGroup {
  /** `binance/2024-08`, and where a month is too much for one, `binance/2024-08/2`. */
  key: string;
  source: string;
  ids: number;
  days: DueDay[];
}

const dueSql = sqlFile(import.meta.url, 'sql/due.sql');
/** Trades that one commit is made of, unless a day alone has more, and days. */
const groupIdsMax = 20_000_000;
const groupDaysMax = 200;

interface DueRow {
  source: string;
  listing: string;
  day: string;
  from_day: string;
  ids: number;
  builds: number;
  is_whole: boolean;
  before_day: string | null;
  before_id: number | null;
  after_day: string | null;
  after_id: number | null;
  is_due: boolean;
}

/**
 * Days whose candles are due, and the commit of trades they are due by. What is found untouched is noted as built by then,
 * so that the next look has only later commits to go through.
 */
export async function dueDays(
  database: Database,
  filter: DueFilter = {},
): Promise<{ days: DueDay[]; seq: number }> {
  const clock = await venueClock(database);
  const isOver = ({ source, day }: DueRow): boolean =>
    filter.toDay !== undefined || day < dayOf(clock(source));
  return await database.transaction(async (tx) => {
    const seq = await newestTradesCommit(tx);
    const { rows } = await tx.query<DueRow>(dueSql, [
      ...[filter.symbols ?? null, filter.fromDay ?? null, filter.toDay ?? null, filter.all ?? false],
    ]);
    await noteUntouched(
      tx,
      seq,
      rows.filter((row) => !row.is_due),
    );
    return { seq, days: rows.filter((row) => row.is_due && isOver(row)).map(dueDay) };
  });
}

/** Days in groups, each for one commit. */
export function groupDays(days: readonly DueDay[]): DueGroup[] {
  const months = Map.groupBy(days, ({ source, day }) => `${source}/${day.slice(0, 7)}`);
  return [...months].flatMap(([key, ofMonth]) => {
    const groups: DueGroup[] = [];
    for (const day of ofMonth) {
      const last = groups.at(-1);
      if (last !== undefined && last.ids + day.ids <= groupIdsMax && last.days.length < groupDaysMax) {
        last.days.push(day);
        last.ids += day.ids;
      } else {
        const { source, ids } = day;
        groups.push({
          key: groups.length === 0 ? key : `${key}/${groups.length + 1}`,
          source,
          ids,
          days: [day],
        });
      }
    }
    return groups;
  });
}

/** The venues' clocks as last noted, microseconds; one that tells none is on ours. */
export async function venueClock(database: Database): Promise<(source: string) => number> {
  const { rows } = await database.query<{ source: string; us: number }>(
    'select source, time_us as us from ingest.venues',
  );
  const clocks = new Map(rows.map(({ source, us }) => [source, us]));
  return (source) => clocks.get(source) ?? Date.now() * 1_000;
}

function dayOf(us: number): string {
  return new Date(us / 1_000).toISOString().slice(0, 10);
}

async function newestTradesCommit(tx: Transaction): Promise<number> {
  const { rows } = await tx.query<{ seq: number }>(
    'select coalesce(max(seq), 0) as seq from lake.commits where table_name = $1',
    [tableId(trades)],
  );
  return rows[0]?.seq ?? 0;
}

async function noteUntouched(tx: Transaction, seq: number, rows: readonly DueRow[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(
    `update lake.candle_days built set trades_seq = $1
       from unnest($2::text[], $3::text[], $4::date[]) as t(source, listing, day)
      where built.source = t.source and built.listing = t.listing and built.day = t.day and built.trades_seq < $1`,
    [seq, rows.map((row) => row.source), rows.map((row) => row.listing), rows.map((row) => row.day)],
  );
}

function dueDay(row: DueRow): DueDay {
  return {
    ...{ source: row.source, listing: row.listing, day: row.day, fromDay: row.from_day },
    ...{ ids: row.ids, builds: row.builds, isWhole: row.is_whole },
    before: tradeAt(row.before_day, row.before_id),
    after: tradeAt(row.after_day, row.after_id),
  };
}

function tradeAt(day: string | null, id: number | null): TradeAt | null {
  return day === null || id === null ? null : { day, id };
}

/** What makes a coin's tape one: `binance`, `BTCUSDT`. */
export function marketOf({ source, listing }: Pick<DueDay, 'source' | 'listing'>) {
  return { source, symbol: symbolOf(listing) };
}
