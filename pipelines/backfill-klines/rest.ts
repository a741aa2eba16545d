import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Exchange, ExchangeKline } from '#core/exchanges/exchange.ts';
import { closedKlines } from '#core/exchanges/history.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import type { Range } from '#pipelines/detect-gaps/partitions.ts';
import type { BarFile } from './bars.ts';
import { answerWindows, type BarTarget } from './sources.ts';

/** What REST said of a target: whole windows, up to the venue's clock. */
export interface RestBars {
  target: BarTarget;
  /** Where it has bars. */
  file: BarFile | undefined;
  answers: number;
  /** The venue does not know the market's name (any more): then nothing was learnt of its bars. */
  isUnknown: boolean;
}

/** Binance's number for a symbol that it does not list. */
const invalidSymbol = -1121;

/** Asks REST for the bars of a target that are closed, and writes them as the archive would. */
export async function fetchFromRest(
  exchange: Exchange,
  target: BarTarget,
  { nowUs, folder, signal }: { nowUs: number; folder: string; signal?: AbortSignal | undefined },
): Promise<RestBars> {
  const { symbol, interval, ranges } = target;
  const windows = answerWindows(ranges, interval);
  const csvPath = join(folder, `${symbol}-${interval}-${randomUUID()}.csv`);
  let answers = 0;
  let bars = 0;
  async function* lines(): AsyncGenerator<string> {
    for (const { from, to } of windows) {
      const window = { symbol, interval, fromUs: from, toUs: to, nowUs };
      for await (const answer of closedKlines(exchange, window, signal)) {
        answers++;
        bars += answer.length;
        yield answer.map(lineOf).join('');
      }
    }
  }
  try {
    await pipeline(
      Readable.from(lines()),
      createWriteStream(csvPath),
      signal === undefined ? {} : { signal },
    );
  } catch (error) {
    if (isUnknownSymbol(error)) return { target, file: undefined, answers, isUnknown: true };
    throw error;
  }
  const file: BarFile = {
    ...{ csvPath, symbol, interval, period: spanOf(windows), timeUnit: 'us', hasHeader: false },
  };
  return { target, file: bars === 0 ? undefined : file, answers, isUnknown: false };
}

function isUnknownSymbol(error: unknown): boolean {
  return isTicklakeError(error, 'EXCHANGE_REFUSED') && error.context['code'] === invalidSymbol;
}

/** A line as the archive has it, in microseconds. */
function lineOf(bar: ExchangeKline): string {
  return (
    [
      ...[bar.openTimeUs, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.closeTimeUs],
      ...[bar.quoteVolume, bar.tradeCount, bar.takerBuyVolume, bar.takerBuyQuoteVolume, 0],
    ].join(',') + '\n'
  );
}

function spanOf(windows: readonly Range[]): { fromUs: number; toUs: number } {
  return { fromUs: windows[0]?.from ?? 0, toUs: windows.at(-1)?.to ?? 0 };
}
