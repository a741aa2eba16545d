import { duckType, lakeTables, partitionName, tableId, type Column, type LakeTable } from './tables.ts';

const intro = `# Data dictionary

The tables of the lake, as \`core/lake/tables.ts\` has them; \`vitest run tests/core/lake/data-dictionary.test.ts -u\` writes this page anew.

- Times are instants in UTC, in microseconds; a day is a UTC day.
- Prices, quantities and amounts are exact decimals of 38 digits, 18 of them after the point. A price is in quote asset per
  base asset, a volume in base asset, a quote volume in quote asset: \`BTCUSDT\` has the base asset BTC and the quote asset USDT.
- A source is a venue (\`binance\`, \`simulator:42\`), not the channel that a row came by.
- A kline is a bar as the venue made it. A candle is a bar of ours, made from trades.
`;

const descriptions: Readonly<Record<string, string>> = {
  'market.trades':
    'Every trade once. What is held of them, and what is missing, is in the ledger: `ticklake gaps list`.',
  'market.klines': "The venue's own bars, 1m to 1d, closed ones only.",
  'market.candles':
    'Bars made from trades, 1m to 1d, by the SQL of `transforms/`. Rows are only added: a bar that changed has another row with ' +
    'a higher revision. In our SQL `market.candles` has the latest revision of each bar, and `market.candles_revisions` all of ' +
    'them; other engines see all rows, and take the latest by `row_number() over (partition by source, symbol, interval, ' +
    'open_time order by revision desc) = 1`. A bar without trades stands there where its neighbours’ ids prove that there were ' +
    'none; where trades are missing there may be no bar. A bar whose trades were taken back is flat, filled and not complete.',
  'market.symbols':
    'The universe of markets, bitemporal: what was chosen, with the rules of each, from when to when, and when we knew.',
  'features.indicators':
    'The twelve indicators of every bar, by the SQL of `transforms/`; null until their window is full. They begin anew after ' +
    'a missing bar. Bars are the venue’s, and ours of trades where none of its is held.',
  'features.indicators_extended':
    'More indicators of every bar. How many bars each looks back over is in `transforms/dbt_project.yml`.',
  'features.windows':
    'The last 15 bars of the twelve indicators, oldest first, in forms that do not depend on the unit of prices; only windows ' +
    'that are full, of the intervals that `transforms/dbt_project.yml` names. They say nothing of the future.',
  'features.labels': 'What came after a bar, apart from all that was known at its close.',
  'features.daily_metrics': 'What a day was like in every market, and which markets were traded most.',
  'signals.ma_crossover':
    'Where the moving average of 50 closes crosses that of 200, by the bars as they are known now. What was said at the time, and ' +
    'stands, is in `signals.signals`.',
  'signals.signals':
    'What was said at the close of bars, each once; the job `publish-signals` brings it up to date, `GET /v1/signals` has the newest.',
  'trading.order_events':
    'What has happened to orders, each event once; the job `publish-orders` adds what is new. Portfolios, users and orders are ' +
    'called by pseudonyms, HMAC-SHA-256 with the key of the role `events`.',
};

/** docs/data-dictionary.md */
export function dataDictionary(): string {
  return `${[intro, ...lakeTables.map(section)].join('\n')}`;
}

function section(table: LakeTable): string {
  const { partition, sortColumns, columns } = table;
  const facts = [
    `One row is ${rowOf(table)}.`,
    partition.length === 0
      ? 'Not partitioned;'
      : `Partitioned by ${partition.map(partitionName).join(', ')};`,
    `sorted by ${sortColumns.join(', ')}.`,
  ];
  return [
    `## ${tableId(table)}\n`,
    `${descriptions[tableId(table)] ?? ''}\n`,
    `${facts.join(' ')}\n`,
    '| column | type | null | what |',
    '|---|---|---|---|',
    ...columns.map(row),
    '',
  ].join('\n');
}

function rowOf({ key, partition }: LakeTable): string {
  switch (key.kind) {
    case 'id':
      return `one ${key.column} of a source and symbol`;
    case 'bar':
      return `one ${key.interval} and ${key.column} of a source and symbol${key.revision === undefined ? '' : `, and one ${key.revision} of it`}`;
    case 'none':
      return partition.length === 0
        ? 'one fact, replaced with the whole table'
        : 'one bar of a source and symbol, replaced when what it is made of has changed';
  }
}

function row({ name, type, required, doc }: Column): string {
  return `| ${name} | ${duckType(type)} | ${required ? '' : 'yes'} | ${doc} |`;
}
