import type { Column, ColumnType, LakeTable } from './tables.ts';

/**
 * What the transforms make and publish: the marts of `transforms/models/marts`, whose contracts have the same columns. They
 * have no key of their own, as what they hold follows from the bars.
 */

type Definition = readonly [name: string, type: ColumnType, required: boolean, doc: string];

/** Every bar of a market, in the partitions of bars. */
function martOfBars(name: string, columns: readonly Definition[]): LakeTable {
  return {
    namespace: 'features',
    name,
    columns: [
      ...([
        ['source', 'string', true, 'Venue'],
        ['symbol', 'string', true, 'Market, by the name its venue gives it'],
        ['interval', 'string', true, 'Length of the bar: 1m to 1d'],
        ['open_time', 'timestamptz', true, 'When the bar begins'],
      ] satisfies Definition[]),
      ...columns,
      ['date', 'date', true, 'UTC day of open_time'] satisfies Definition,
    ].map(([column, type, required, doc], i): Column => ({ id: i + 1, name: column, type, required, doc })),
    partition: [
      { column: 'interval', transform: 'identity' },
      { column: 'open_time', transform: 'month' },
    ],
    sortColumns: ['symbol', 'open_time'],
    key: { kind: 'none' },
  };
}

export const indicators = martOfBars('indicators', [
  ['close', 'double', true, 'Last price'],
  ['sma_20', 'double', false, 'Simple moving average of 20 closes'],
  ['sma_50', 'double', false, 'Simple moving average of 50 closes'],
  ['sma_200', 'double', false, 'Simple moving average of 200 closes'],
  ['bb_upper', 'double', false, 'sma_20 plus two population standard deviations of 20 closes'],
  ['bb_lower', 'double', false, 'sma_20 less two population standard deviations of 20 closes'],
  [
    'bb_percent_b',
    'double',
    false,
    'Where close stands in the band: 0 at bb_lower, 1 at bb_upper; null without width',
  ],
  ['macd', 'double', false, 'EMA of 12 closes less EMA of 26'],
  ['macd_signal', 'double', false, 'EMA of 9 values of macd'],
  ['macd_histogram', 'double', false, 'macd less macd_signal'],
  ['volatility_20', 'double', false, 'Sample standard deviation of 20 log returns, not annualised'],
  ['rsi_14', 'double', false, "Wilder's relative strength index of 14 bars; 0 where the price is flat"],
  ['below_all_smas', 'boolean', false, 'Whether close is below sma_20, sma_50 and sma_200'],
  ['is_filled', 'boolean', true, 'A bar without trades, at the price before'],
]);

/** The marts, as the transforms publish them. */
export const featureTables: readonly LakeTable[] = [indicators];
