import type { Column, ColumnType, LakeTable } from './table.ts';

/**
 * What the transforms make and publish: the marts of `transforms/models/marts`, whose contracts have the same columns. They
 * have no key of their own, as what they hold follows from the bars.
 */

type Definition = readonly [name: string, type: ColumnType, required: boolean, doc: string];

function columnsOf(definitions: readonly Definition[]): Column[] {
  return definitions.map(([name, type, required, doc], i) => ({ id: i + 1, name, type, required, doc }));
}

/** Rows at bars of a market, in the partitions of bars. */
function martOfBars(name: string, columns: readonly Definition[], namespace = 'features'): LakeTable {
  return {
    namespace,
    name,
    columns: columnsOf([
      ...([
        ['source', 'string', true, 'Venue'],
        ['symbol', 'string', true, 'Market, by the name its venue gives it'],
        ['interval', 'string', true, 'Length of the bar: 1m to 1d'],
        ['open_time', 'timestamptz', true, 'When the bar begins'],
      ] satisfies Definition[]),
      ...columns,
      ['date', 'date', true, 'UTC day of open_time'] satisfies Definition,
    ]),
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

/** How many bars each looks back over is a parameter of the transforms: its columns keep their names. */
const extended: readonly (readonly [name: string, doc: string])[] = [
  ['ema_short', 'Exponential moving average of close, the shorter one'],
  ['ema_long', 'Exponential moving average of close, the longer one'],
  ['wma', 'Moving average of close, weighted linearly'],
  ['dema', 'Double exponential moving average of close'],
  ['tema', 'Triple exponential moving average of close'],
  ['trix', 'Change of the thrice smoothed close in a bar, percent'],
  ['atr', 'Average true range'],
  ['natr', 'Average true range, percent of close'],
  ['plus_di', 'Directional indicator of rising bars'],
  ['minus_di', 'Directional indicator of falling bars'],
  ['adx', 'Average directional index'],
  ['stochastic_k', 'Slow %K of the stochastic'],
  ['stochastic_d', 'Slow %D of the stochastic'],
  ['obv', 'Balance of the volume of rising and falling bars, of so many bars'],
  ['vwap', 'Average price by volume, of so many bars'],
  ['cmf', "Chaikin's money flow"],
  ['cci', 'Commodity channel index'],
  ['williams_r', 'Williams %R'],
  ['mfi', 'Money flow index'],
  ['roc', 'Change of close, percent'],
  ['momentum', 'Change of close'],
  ['aroon_up', 'How lately the highest price was, percent'],
  ['aroon_down', 'How lately the lowest price was, percent'],
  ['donchian_upper', 'Highest price'],
  ['donchian_lower', 'Lowest price'],
  ['keltner_middle', 'Middle of the Keltner channel'],
  ['keltner_upper', 'Its upper line'],
  ['keltner_lower', 'Its lower line'],
  ['realised_volatility', 'Square root of the sum of squared log returns, annualised'],
  ['z_score', 'Standard deviations of close from its average'],
];

export const indicatorsExtended = martOfBars('indicators_extended', [
  ['close', 'double', true, 'Last price'],
  ...extended.map(([name, doc]): Definition => [name, 'double', false, doc]),
  ['is_filled', 'boolean', true, 'A bar without trades, at the price before'],
]);

/** What a window has of each of its bars: ratios to the bar's close, and numbers that need none. */
const windowed: readonly (readonly [name: string, doc: string])[] = [
  ['sma_20', 'sma_20 / close - 1'],
  ['sma_50', 'sma_50 / close - 1'],
  ['sma_200', 'sma_200 / close - 1'],
  ['bb_upper', 'bb_upper / close - 1'],
  ['bb_lower', 'bb_lower / close - 1'],
  ['bb_percent_b', 'bb_percent_b; 0.5 where the band has no width'],
  ['macd', 'macd / close'],
  ['macd_signal', 'macd_signal / close'],
  ['macd_histogram', 'macd_histogram / close'],
  ['volatility_20', 'volatility_20'],
  ['rsi_14', 'rsi_14 / 100'],
  ['below_all_smas', '1 where close is below all averages, else 0'],
];
const windowBars = 15;

export const windows = martOfBars(
  'windows',
  windowed.flatMap(([name, doc]) =>
    Array.from({ length: windowBars }, (_, i): Definition => {
      const age = windowBars - 1 - i;
      return [
        `${name}_${age}`,
        'double',
        false,
        `${doc}, ${age === 0 ? 'of the bar itself' : `${age} bars before`}`,
      ];
    }),
  ),
);

export const labels = martOfBars('labels', [
  ['horizon', 'long', true, 'Bars that it looks ahead'],
  ['cost', 'double', true, 'What buying and selling cost together, as a share of the price'],
  [
    'future_close',
    'double',
    false,
    'Close of the bar so far ahead; null where the bars that follow are not there',
  ],
  ['future_return', 'double', false, 'future_close / close - 1'],
  ['sell', 'boolean', false, 'Whether the price falls by more than the cost'],
]);

export const dailyMetrics = martOfBars('daily_metrics', [
  ['open', 'double', true, 'First price'],
  ['high', 'double', true, 'Highest price'],
  ['low', 'double', true, 'Lowest price'],
  ['close', 'double', true, 'Last price'],
  ['change', 'double', false, 'close over that of the day before, less 1'],
  ['price_range', 'double', false, 'high / low - 1'],
  ['vwap', 'double', false, 'Average price by volume'],
  ['volume', 'double', true, 'Quantity in base asset'],
  ['quote_volume', 'double', true, 'Quantity in quote asset'],
  ['trade_count', 'long', true, 'Trades'],
  ['volume_rank', 'long', true, '1 for the market of the source with the highest quote_volume that day'],
  ['is_filled', 'boolean', true, 'A day without trades, at the price before'],
]);

export const maCrossover = martOfBars(
  'ma_crossover',
  [
    ['strategy', 'string', true, 'ma_crossover'],
    ['version', 'string', true, 'Of the rule'],
    ['signal', 'string', true, 'BUY where sma_50 comes to be above sma_200, SELL where below'],
    ['price', 'double', true, 'Close of the bar'],
    ['sma_50', 'double', true, 'Simple moving average of 50 closes'],
    ['sma_200', 'double', true, 'Simple moving average of 200 closes'],
    ['is_filled', 'boolean', true, 'A bar without trades, at the price before; it counts as any'],
  ],
  'signals',
);

/** What was said, which stands whatever the bars become: not a mart, so its job publishes it. */
export const signals: LakeTable = {
  namespace: 'signals',
  name: 'signals',
  columns: columnsOf([
    ['signal_id', 'string', true, 'Unique'],
    ['strategy', 'string', true, 'Who said it: ma_crossover'],
    ['version', 'string', true, 'Of the rule'],
    ['source', 'string', true, 'Venue'],
    ['symbol', 'string', true, 'Market, by the name its venue gives it'],
    ['interval', 'string', true, 'Length of the bar: 1m to 1d'],
    ['open_time', 'timestamptz', true, 'When the bar began, at whose close it was said'],
    ['signal', 'string', true, 'BUY or SELL'],
    ['price', 'decimal(38, 18)', true, 'Close of the bar'],
    ['reason', 'string', true, 'Why, in words'],
    ['sma_50', 'double', true, 'Simple moving average of 50 closes'],
    ['sma_200', 'double', true, 'Simple moving average of 200 closes'],
    ['revision', 'long', true, 'Revision of the bar that it was said of'],
    ['superseded_at', 'timestamptz', false, 'When a later revision of the bar came: the signal stands'],
    ['created_at', 'timestamptz', true, 'When it was said'],
    ['date', 'date', true, 'UTC day of open_time'],
  ]),
  partition: [{ column: 'date', transform: 'identity' }],
  sortColumns: ['open_time', 'symbol'],
  key: { kind: 'none' },
};

/** The marts, as the transforms publish them. */
export const featureTables: readonly LakeTable[] = [
  indicators,
  indicatorsExtended,
  windows,
  labels,
  dailyMetrics,
  maCrossover,
];
