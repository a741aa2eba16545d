import type { DuckDb } from '#core/lake/duckdb.ts';

/** A table of random walks with the columns of the model `int_bars`, minute bars, the same each time. */
export async function putWalks(duck: DuckDb, table: string, markets: number, bars: number): Promise<void> {
  await duck.run('select setseed(0.5)');
  await duck.run(
    `create or replace table ${table} as
     select 'bench' as source, printf('M%03dUSDT', market) as symbol, '1m' as "interval", 60000000::bigint as length_us,
            1700000040000000 + bar * 60000000 as open_us, close as open, close as high, close as low, close,
            1::double as volume, close as quote_volume, 1::bigint as trade_count, false as is_filled
       from (select market, bar,
                    100 * exp(sum(step) over (partition by market order by bar) / 1000) as close
               from (select m.range as market, b.range as bar, random() - 0.5 as step
                       from range(${markets}) m, range(${bars}) b))
      order by symbol, open_us`,
  );
}
