import { query } from '#core/lake/engine.ts';
import { gaps } from '#core/lake/ledger.ts';
import { trades } from '#core/lake/tables.ts';
import { verifyTable } from '#core/lake/verify.ts';
import type { Runtime } from '#cli/runtime.ts';
import type { IngestReport } from '#pipelines/ingest-trades/report.ts';

export interface DeadLetter {
  symbol: string | null;
  tradeId: number | null;
  channel: string;
  reason: string;
  raw: string;
}

export interface ExplainedId {
  symbol: string;
  id: number;
  cause: string | null;
}

/** What the lake says of one venue, id by id, beside the venue's own tape as its REST serves it. */
export interface Audit {
  /** Ids of the tape that were looked at, all markets together. */
  ids: number;
  /** Neither in the table nor explained, as `SYMBOL 123`; so are the following. */
  missing: string[];
  /** In the table more than once. */
  twice: string[];
  /** In the table with another price, volume, side or time than the tape's, or not on the tape at all. */
  wrong: string[];
  /** Both in the table and explained. */
  contradictory: string[];
  explained: ExplainedId[];
  /** Ids that the ledger lists as missing. */
  listedMissing: string[];
  deadLetters: DeadLetter[];
  /** Whether the ledger is what the files hold. */
  filesAgree: boolean;
  report: IngestReport;
  /** Messages that the adapter took for a trade or for nothing it knows. */
  fromSocket: number;
  sentMalformed: number;
}

type Ids = Readonly<Record<string, number>>;

interface TapeRow {
  id: number;
  price: string;
  qty: string;
  time: number;
  isBuyerMaker: boolean;
}

export interface AuditOptions {
  source: string;
  /** The venue's REST. */
  url: string;
  markets: readonly string[];
  /** Newest ids when ingest was known to run, and before it ended: all between must be accounted for. */
  from: Ids;
  to: Ids;
}

/** Looks at every id from the first that ingest knows, or `from` if that is lower, to the last, or `to`. */
export async function audit(
  runtime: Runtime,
  options: AuditOptions,
): Promise<Omit<Audit, 'report' | 'fromSocket' | 'sentMalformed'>> {
  const { source } = options;
  const { lake, spillDir } = runtime;
  const listed = await gaps(lake, { source });
  const explained = listed
    .filter((gap) => gap.kind === 'explained')
    .flatMap((gap) => idsOf(gap).map((id) => ({ symbol: gap.symbol, id, cause: gap.cause })));
  const found = {
    ids: 0,
    missing: [] as string[],
    twice: [] as string[],
    wrong: [] as string[],
    contradictory: [] as string[],
  };
  for (const symbol of options.markets) {
    const rows = await tableRows(runtime, source, symbol);
    const reasons = new Set(explained.filter((one) => one.symbol === symbol).map((one) => one.id));
    const known = [...rows.keys(), ...reasons];
    const first = known.reduce((least, id) => Math.min(least, id), options.from[symbol] ?? 0);
    const last = known.reduce((most, id) => Math.max(most, id), options.to[symbol] ?? 0);
    const tape = await tapeRows(options.url, symbol, first, last);
    found.ids += tape.size;
    for (const [id, content] of tape) {
      const held = rows.get(id) ?? [];
      if (held.length === 0 && !reasons.has(id)) found.missing.push(`${symbol} ${id}`);
      if (held.length > 0 && reasons.has(id)) found.contradictory.push(`${symbol} ${id}`);
      if (held.length > 1) found.twice.push(`${symbol} ${id}`);
      if (held.some((row) => row !== content)) found.wrong.push(`${symbol} ${id}`);
    }
    for (const id of rows.keys()) if (!tape.has(id)) found.wrong.push(`${symbol} ${id}`);
  }
  const verdict = await verifyTable(lake, trades, { spillDir, deep: true });
  return {
    ...found,
    explained,
    listedMissing: listed
      .filter((gap) => gap.kind === 'missing')
      .flatMap((gap) => idsOf(gap).map((id) => `${gap.symbol} ${id}`)),
    deadLetters: await deadLetters(runtime, source),
    filesAgree:
      verdict.damaged.length === 0 &&
      verdict.listings.every((row) => row.duplicates === 0 && row.inFiles === row.held),
  };
}

/** The newest id of each market by the venue's REST. */
export async function newestIds(url: string, markets: readonly string[]): Promise<Ids> {
  const newest = markets.map(async (symbol) => {
    const [row] = await historicalTrades(url, `symbol=${symbol}&limit=1`);
    return [symbol, row?.id ?? 0] as const;
  });
  return Object.fromEntries(await Promise.all(newest));
}

/** A market's rows by id, each as the text that {@link contentOf} makes. */
async function tableRows(runtime: Runtime, source: string, symbol: string): Promise<Map<number, string[]>> {
  const { rows } = await query(
    runtime.lake,
    `select trade_id, price, volume, side, epoch_us(timestamp) as us from market.trades
      where source = '${source}' and symbol = '${symbol}'`,
    { spillDir: runtime.spillDir, rowsMax: 1_000_000 },
  );
  const byId = new Map<number, string[]>();
  for (const row of rows) {
    const id = Number(row['trade_id']);
    const content = contentOf(
      String(row['price']),
      String(row['volume']),
      String(row['side']),
      Number(row['us']),
    );
    byId.set(id, [...(byId.get(id) ?? []), content]);
  }
  return byId;
}

/** The tape's trades with ids in [first, last], in the same text. */
async function tapeRows(
  url: string,
  symbol: string,
  first: number,
  last: number,
): Promise<Map<number, string>> {
  const tape = new Map<number, string>();
  for (let next = first; next <= last;) {
    const limit = Math.min(1_000, last - next + 1);
    const rows = await historicalTrades(url, `symbol=${symbol}&fromId=${next}&limit=${limit}`);
    if (rows.length === 0) throw new Error(`the venue has no ${symbol} from ${next} on`);
    for (const { id, price, qty, time, isBuyerMaker } of rows) {
      tape.set(id, contentOf(price, qty, isBuyerMaker ? 'sell' : 'buy', time * 1_000));
      next = id + 1;
    }
  }
  return tape;
}

async function historicalTrades(url: string, search: string): Promise<TapeRow[]> {
  const answer = await fetch(`${url}/api/v3/historicalTrades?${search}`);
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as TapeRow[];
}

function contentOf(price: string, volume: string, side: string, timestampUs: number): string {
  return [plain(price), plain(volume), side, timestampUs].join(' ');
}

/** Decimal text without the zeros at its end: the table holds eighteen places. */
function plain(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;
}

function idsOf({ from, to }: { from: number; to: number }): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

async function deadLetters(runtime: Runtime, source: string): Promise<DeadLetter[]> {
  const { rows } = await runtime.connection.database.query<DeadLetter>(
    `select symbol, trade_id as "tradeId", channel, reason, raw
       from ingest.dead_letters where source = $1 order by id`,
    [source],
  );
  return rows;
}
