import { randomUUID } from 'node:crypto';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import { replaceSpans } from '#core/lake/replace.ts';
import { klines as klinesTable } from '#core/lake/tables.ts';
import { intervalUs, isInterval } from '#core/market/interval.ts';
import type { Kline } from '#core/market/kline.ts';
import type { TestLake } from '#tests/support/lake.ts';

/** Puts bars of the exchange into the lake, in the place of those that are held, each market as the first of its name. */
export async function holdKlines(
  { lake, spillDir }: TestLake,
  source: string,
  bars: readonly Kline[],
): Promise<void> {
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '1GB', spillDir });
  const decimal = (text: string) => `${literal(text)}::decimal(38, 18)`;
  try {
    const rows = bars.map((bar) => {
      const { open, high, low, close, volume, quoteVolume, takerBuyVolume, takerBuyQuoteVolume } = bar;
      return `(${[
        ...[literal(bar.symbol), literal(bar.interval), `make_timestamptz(${bar.openTimeUs})`],
        ...[open, high, low, close, volume].map(decimal),
        ...[`make_timestamptz(${bar.closeTimeUs})`, decimal(quoteVolume), bar.tradeCount],
        ...[decimal(takerBuyVolume), decimal(takerBuyQuoteVolume), literal(source), 'false'],
        `make_timestamp(${bar.openTimeUs})::date`,
      ].join(', ')})`;
    });
    const columns = klinesTable.columns.map(({ name }) => `"${name}"`).join(', ');
    await duck.run(`create temp table brought as from (values ${rows.join(', ')}) t(${columns})`);
    const spans = bars.map(({ symbol, interval, openTimeUs }) => ({
      ...{ source, listing: `${symbol}#1`, interval, lo: openTimeUs },
      hi: openTimeUs + (isInterval(interval) ? intervalUs(interval) : 0),
    }));
    await replaceSpans(lake, duck, {
      ...{ commitId: randomUUID(), table: klinesTable, relation: 'brought', spans, added: spans },
      ...{ explained: [], summary: {}, guard: () => Promise.resolve() },
    });
  } finally {
    duck.close();
  }
}
