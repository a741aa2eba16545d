import { randomUUID } from 'node:crypto';
import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exchange } from '#core/exchanges/exchange.ts';
import type { DuckDb } from '#core/lake/duckdb.ts';
import type { Trade } from '#core/market/trade.ts';
import type { Range } from '#pipelines/detect-gaps/partitions.ts';
import { fetchIds } from '#pipelines/ingest-trades/fetch-ids.ts';
import { readTape, type Span, type Tape } from './tape.ts';

export interface RestRequest {
  exchange: Exchange;
  symbol: string;
  /** Ids, ascending. */
  ranges: readonly Range[];
  /** The time in which the name was the coin's: trades outside are another's. */
  life: Span;
  /** For trades on their way. */
  folder: string;
  signal: AbortSignal;
  /** Most trades of one piece. */
  pieceTradesMax?: number;
}

/** Trades that REST gave, in DuckDB's table `checked`, and what was said of other ids up to the last of them. */
export interface RestPiece {
  tape: Tape;
  /** Ids that REST passed over: it has later ones, but not these. */
  absent: Range[];
  /** Ids of trades outside the coin's life. */
  foreign: Range[];
  /** Nothing follows. */
  isLast: boolean;
}

/** A hundred answers: half a minute of a venue's usual request weight. */
const pieceTradesMaxDefault = 100_000;

/**
 * Asks REST for ids, and hands them on in pieces that are small enough to be staged at once. Ends early, with what there
 * is, where the venue has no later trade. Throws what the exchange throws.
 */
export async function* restPieces(duck: DuckDb, request: RestRequest): AsyncGenerator<RestPiece> {
  const { exchange, symbol, ranges, life, folder, signal } = request;
  const { pieceTradesMax = pieceTradesMaxDefault } = request;
  const spans = ranges.map(({ from, to }) => ({ fromId: from, toId: to }));
  let piece = new Draft(folder);
  try {
    for await (const { trades, absent } of fetchIds(exchange, symbol, spans, signal)) {
      if (piece.trades >= pieceTradesMax) {
        yield await piece.read(duck, exchange.source, false);
        await piece.remove();
        piece = new Draft(folder);
      }
      await piece.add(trades, life);
      piece.absent.push(...absent.map(({ fromId, toId }) => ({ from: fromId, to: toId })));
    }
    yield await piece.read(duck, exchange.source, true);
  } finally {
    await piece.remove();
  }
}

/** Trades as they come, on disk in the columns of the archive, so that the same checks read them. */
class Draft {
  trades = 0;
  readonly absent: Range[] = [];
  readonly #foreign: Range[] = [];
  readonly #path: string;

  constructor(folder: string) {
    this.#path = join(folder, `rest-${randomUUID()}.csv`);
  }

  async add(trades: readonly Trade[], { fromUs, toUs }: Span): Promise<void> {
    const lines: string[] = [];
    for (const { tradeId, price, volume, side, timestampUs } of trades) {
      if (timestampUs < fromUs || timestampUs >= toUs) {
        this.#foreign.push({ from: tradeId, to: tradeId + 1 });
        continue;
      }
      lines.push(`${tradeId},${price},${volume},0,${timestampUs},${side === 'sell'},true\n`);
    }
    this.trades += lines.length;
    if (lines.length > 0) await appendFile(this.#path, lines.join(''));
  }

  async read(duck: DuckDb, source: string, isLast: boolean): Promise<RestPiece> {
    const always = { fromUs: 0, toUs: Number.MAX_SAFE_INTEGER };
    const file = { csvPath: this.#path, timeUnit: 'us', hasHeader: false, period: always } as const;
    const tape =
      this.trades === 0
        ? { trades: 0, firstUs: 0, lastUs: 0, runs: [] }
        : await readTape(duck, file, `REST of ${source}`, always);
    return { tape, absent: this.absent, foreign: this.#foreign, isLast };
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
