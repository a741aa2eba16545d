import { csvColumns } from '#core/exchanges/binance/archive/csv.ts';
import type { ArchiveFile } from '#core/exchanges/binance/archive/layout.ts';
import { barOver } from '../bars.ts';
import { minuteMs, type MarketTape } from '../market-tape.ts';
import { barText, intervals, priceText, quantityText, quoteText } from '../messages.ts';
import { barsForward, tradesIn, type TradeRow } from '../rest-history.ts';
import type { Hole } from './faults.ts';

export interface RowsOptions {
  file: ArchiveFile;
  /** All coins that had the name. */
  listings: readonly MarketTape[];
  holes: readonly Hole[];
  hasHeader: boolean;
  /** Lots that are added to every so manieth row's quantity. */
  excess: number;
}

/** From then on, the archive's times are microseconds. */
const microsecondsFromMs = Date.UTC(2025, 0);
const excessEvery = 97;
const rowsPerChunk = 500;

/** The CSV of a file, in chunks of some rows. Nothing where the file has no rows. */
export function* csvOf(options: RowsOptions): Generator<string> {
  let chunk = '';
  let rows = 0;
  for (const line of options.file.kind === 'klines' ? klineLines(options) : tradeLines(options)) {
    if (rows === 0 && options.hasHeader) chunk = `${csvColumns[options.file.kind].names.join(',')}\n`;
    chunk += line;
    rows++;
    if (rows % rowsPerChunk !== 0) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

function* klineLines({ file, listings, holes, excess }: RowsOptions): Generator<string> {
  const { fromMs, toMs, time } = timesOf(file);
  const minutes = intervals.get(file.interval ?? '');
  if (minutes === undefined) return;
  let row = 0;
  for (const { tape, from } of barsForward(listings, minutes, fromMs / minuteMs, toMs / minuteMs - 1)) {
    const openMs = from * minuteMs;
    if (isIn(holes, openMs)) continue;
    const closeMs = openMs + minutes * minuteMs;
    const bar = barOver(tape, from, from + minutes, closeMs);
    bar.volume += row++ % excessEvery === 0 ? excess : 0;
    const text = barText(tape, bar);
    yield (
      `${time(openMs)},${text.open},${text.high},${text.low},${text.close},${text.volume},${time(closeMs, -1)},` +
      `${text.quoteVolume},${text.count},${text.buyVolume},${text.buyQuoteVolume},0\n`
    );
  }
}

function* tradeLines({ file, listings, holes, excess }: RowsOptions): Generator<string> {
  const { fromMs, toMs, time } = timesOf(file);
  const write = file.kind === 'trades' ? tradeLine : aggTradeLine;
  let index = 0;
  for (const tape of listings) {
    for (const row of tradesIn(tape, tape.nextId(fromMs - 1), tape.nextId(toMs - 1))) {
      if (isIn(holes, row.timeMs)) continue;
      row.lots += index++ % excessEvery === 0 ? excess : 0;
      yield write(tape, row, time(row.timeMs));
    }
  }
}

function tradeLine(tape: MarketTape, row: TradeRow, time: string): string {
  const quote = quoteText(tape, BigInt(row.ticks) * BigInt(row.lots));
  const price = priceText(tape, row.ticks);
  return `${row.id},${price},${quantityText(tape, row.lots)},${quote},${time},${truth(row.buyerIsMaker)},True\n`;
}

function aggTradeLine(tape: MarketTape, row: TradeRow, time: string): string {
  const quantity = quantityText(tape, row.lots);
  const ids = `${row.id},${row.id}`;
  return `${row.id},${priceText(tape, row.ticks)},${quantity},${ids},${time},${truth(row.buyerIsMaker)},True\n`;
}

function truth(value: boolean): string {
  return value ? 'True' : 'False';
}

/** The file's span, and how it writes times; `less` is added to the last digit. */
function timesOf({ period }: ArchiveFile) {
  const fromMs = period.fromUs / 1000;
  const scale = fromMs < microsecondsFromMs ? 1 : 1_000;
  return {
    ...{ fromMs, toMs: period.toUs / 1000 },
    time: (ms: number, less = 0) => String(ms * scale + less),
  };
}

function isIn(holes: readonly Hole[], ms: number): boolean {
  return holes.some(({ fromMs, toMs }) => fromMs <= ms && ms < toMs);
}
