import { expect, test } from 'vitest';
import { currentFiles } from '#core/lake/scan.ts';
import { candles } from '#core/lake/tables.ts';
import { buildDue, holdTrades, sql } from '#tests/pipelines/build-candles/support.ts';
import { openTestLake, tradeOf } from '#tests/support/lake.ts';
import { python, pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';

const needsPython = {
  ...requires((await pythonEnvironment()) !== undefined, 'Python with PyIceberg', pythonRemedy),
  timeout: 180_000,
};

test('PyIceberg and DuckDB read candles, all revisions of them, as our SQL does', needsPython, async () => {
  const held = await openTestLake();
  try {
    const tape = Array.from({ length: 3_000 }, (_, i) => tradeOf('binance', 'BTCUSDT', i));
    await holdTrades(held, [...tape.slice(0, 1_000), ...tape.slice(1_010)]);
    await buildDue(held);
    await holdTrades(held, tape.slice(1_000, 1_010));
    await buildDue(held);

    const all = `count(*) as bars, count(distinct ("interval", open_time)) as keys, count(first_trade_id) as traded, max(revision) as revisions,
                 sum(trade_count)::bigint as trades, sum(quote_volume)::varchar as quote, max(close)::varchar as dearest`;
    const { metadataLocation: metadata } = await currentFiles(held.lake, candles);
    const answers = await python<Record<string, Record<string, unknown>[]>>('engines/iceberg_reader.py', {
      metadata,
      questions: [{ select: all }],
    });
    const [ours] = await sql(held, `select ${all} from market.candles_revisions`);
    expect(ours).toMatchObject({ revisions: '2' });
    expect(Object.keys(answers)).toEqual(['pyiceberg', 'duckdb']);
    for (const [engine, [answer]] of Object.entries(answers)) {
      expect(texts(answer), engine).toEqual(texts(ours));
    }
    const [latest] = await sql(held, 'select count(*)::varchar as keys from market.candles');
    expect(latest).toEqual({ keys: ours?.['keys'] });
  } finally {
    await held.close();
  }
});

function texts(row: Record<string, unknown> | undefined): string[] {
  return Object.values(row ?? {}).map(String);
}
