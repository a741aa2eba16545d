import { LRUCache } from 'lru-cache';
import { loadTable } from '#core/lake/catalog.ts';
import { listGaps } from '#core/lake/gaps.ts';
import type { Lake } from '#core/lake/lake.ts';
import {
  proveDays,
  proveListings,
  type ListingProof,
  type Proof,
  type ProofFilter,
} from '#core/lake/proof.ts';
import { lakeQuality, type TableQuality as Quality } from '#core/lake/quality.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { lakeTables, tableId, trades, type LakeTable } from '#core/lake/tables.ts';
import { changePercent } from './change-percent.ts';
import type { DuckReader } from './duck-reader.ts';
import { plainDecimal, timeFromUs } from './format.ts';
import type { MarketData, TradesRequest } from './market-data.ts';
import type { LakeTable as TableState } from './schemas/lake.ts';
import type { TableQuality } from './schemas/quality.ts';
import type { Market, Trade } from './schemas/markets.ts';

export interface LakeMarketDataOptions {
  lake: Lake;
  reader: DuckReader;
}

const marketsFreshMs = 5_000;
/** How long after that they are still told, while newer ones are being read. */
const marketsStaleMs = 5_000;
const sourcesMax = 16;
const proofsMax = 64;
const proofFreshMs = 1_000;
const qualityFreshMs = 5_000;
const rangesMax = 1_000;
const tradesTable = tableId(trades);

/** Market data as the lake has it: the ledger says which ids are held, so that few files are opened for them. */
export function lakeMarketData({ lake, reader }: LakeMarketDataOptions): MarketData {
  const markets = new LRUCache<string, Market[]>({
    max: sourcesMax,
    ttl: marketsFreshMs,
    fetchMethod: (source) => readMarkets(lake, reader, source),
  });
  const proofs = new LRUCache<string, Proof<ListingProof>>({
    max: proofsMax,
    ttl: proofFreshMs,
    fetchMethod: (filter) => proveListings(lake, JSON.parse(filter) as ProofFilter),
  });
  const qualities = new LRUCache<'all', TableQuality[]>({
    max: 1,
    ttl: qualityFreshMs,
    fetchMethod: async () => {
      const tables = await lakeQuality(lake, (work) => reader.turn('quality', work));
      return tables.map(tableQuality);
    },
  });
  return {
    sources: (symbol) => readSources(lake, symbol),
    async markets(source) {
      // Who asks again and again never waits for the files, and who asks after a quiet time is told nothing old.
      const allowStale = markets.getRemainingTTL(source) > -marketsStaleMs;
      return (await markets.fetch(source, { allowStale })) ?? [];
    },
    trades: (request, signal) => readTrades(lake, reader, request, signal),
    tables: () => Promise.all(lakeTables.map((table) => tableState(lake, table))),
    coverage: async (filter) => (await proofs.fetch(JSON.stringify(filter))) ?? { rows: [], moments: [] },
    coverageByDay: (filter) => proveDays(lake, filter),
    gaps: (filter) => listGaps(lake.database, filter),
    quality: async () => (await qualities.fetch('all')) ?? [],
  };
}

async function readSources(lake: Lake, symbol: string | undefined): Promise<string[]> {
  const { rows } = await lake.database.query<{ source: string }>(
    `select distinct source from lake.coverage
      where table_name = $1 and ($2::text is null or listing like $2 || '#%') order by source`,
    [tradesTable, symbol ?? null],
  );
  return rows.map((row) => row.source);
}

async function readMarkets(lake: Lake, reader: DuckReader, source: string): Promise<Market[]> {
  const { rows } = await lake.database.query<{ since: string | null }>(
    `select (max(day) - 1)::text as since from lake.tape_days where table_name = $1 and source = $2`,
    [tradesTable, source],
  );
  const since = rows[0]?.since;
  if (since === undefined || since === null) return [];
  const { files } = await currentFiles(lake, trades, {
    filter: [
      { column: 'date', op: '>=', value: since },
      { column: 'source', op: '=', value: source },
    ],
  });
  const found = await reader.read('markets', files, { source });
  return found.map((row) => ({
    symbol: String(row['symbol']),
    source,
    lastPrice: plainDecimal(String(row['last_price'])),
    lastTradeId: Number(row['last_trade_id']),
    lastTime: timeFromUs(Number(row['last_us'])),
    openPrice: plainDecimal(String(row['open_price'])),
    highPrice: plainDecimal(String(row['high_price'])),
    lowPrice: plainDecimal(String(row['low_price'])),
    changePercent: changePercent(Number(row['open_price']), Number(row['last_price'])),
    volume: plainDecimal(String(row['volume'])),
    quoteVolume: Number(row['quote_volume']).toFixed(2),
    tradeCount: Number(row['trade_count']),
  }));
}

async function readTrades(
  lake: Lake,
  reader: DuckReader,
  request: TradesRequest,
  signal: AbortSignal,
): Promise<Trade[]> {
  const { source, symbol, limit } = request;
  const span = await heldSpan(lake, request);
  if (span === undefined) return [];
  const { files } = await currentFiles(lake, trades, {
    filter: [
      { column: 'source', op: '=', value: source },
      { column: 'symbol', op: '=', value: symbol },
      { column: 'trade_id', op: '>=', value: BigInt(span.lo) },
      { column: 'trade_id', op: '<', value: BigInt(span.hi) },
    ],
  });
  const params = { source, symbol, lo: BigInt(span.lo), hi: BigInt(span.hi), limit: BigInt(limit) };
  const found = await reader.read('trades', files, params, signal);
  return found.map((row) => ({
    symbol,
    source,
    tradeId: Number(row['trade_id']),
    price: plainDecimal(String(row['price'])),
    volume: plainDecimal(String(row['volume'])),
    side: row['side'] === 'buy' ? 'buy' : 'sell',
    timestamp: timeFromUs(Number(row['timestamp_us'])),
  }));
}

/** The ids [lo, hi) below `beforeId` that hold the newest `limit` trades, by the ledger. */
async function heldSpan(
  lake: Lake,
  { source, symbol, beforeId, limit }: TradesRequest,
): Promise<{ lo: number; hi: number } | undefined> {
  const { rows } = await lake.database.query<{ lo: number; hi: number }>(
    `select lo, least(hi, coalesce($4::bigint, hi)) as hi from lake.coverage
      where table_name = $1 and source = $2 and listing like $3 || '#%' and "interval" = ''
        and ($4::bigint is null or lo < $4::bigint)
      order by lo desc limit ${rangesMax}`,
    [tradesTable, source, symbol, beforeId ?? null],
  );
  const newest = rows[0];
  if (newest === undefined) return undefined;
  let wanted = limit;
  for (const { lo, hi } of rows) {
    if (hi - lo >= wanted) return { lo: hi - wanted, hi: newest.hi };
    wanted -= hi - lo;
  }
  return { lo: rows.at(-1)?.lo ?? newest.lo, hi: newest.hi };
}

function tableQuality({ freshness, tests, ...rest }: Quality): TableQuality {
  return {
    ...rest,
    state: tests.fail > 0 ? 'blocked' : tests.warn > 0 ? 'warn' : 'ok',
    tests,
    freshness: freshness.map(({ newestUs, ...row }) => ({ ...row, newest: timeFromUs(newestUs) })),
  };
}

async function tableState(lake: Lake, table: LakeTable): Promise<TableState> {
  const { metadata, metadataLocation } = await loadTable(lake, table);
  const current = metadata['current-snapshot-id'];
  const snapshot = metadata.snapshots?.find((candidate) => candidate['snapshot-id'] === current);
  const total = (name: string): number => Number(snapshot?.summary[name] ?? 0);
  return {
    name: tableId(table),
    rows: total('total-records'),
    files: total('total-data-files'),
    bytes: total('total-files-size'),
    snapshotId: snapshot === undefined ? null : String(snapshot['snapshot-id']),
    committedAt: snapshot === undefined ? null : timeFromUs(Number(snapshot['timestamp-ms']) * 1000),
    metadataLocation,
  };
}
