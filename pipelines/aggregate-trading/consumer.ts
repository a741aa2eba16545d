import { decimalText } from '#core/market/decimal.ts';
import { columnsOf } from '#core/platform/postgres/text-array.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import {
  figuresConsumer,
  figuresOf,
  type Activity,
  type Change,
  type Fills,
} from '#core/trading/analytics/figures.ts';
import type { EventConsumer } from '../deliver-events/consumer.ts';

const addSql = sqlFile(import.meta.url, 'sql/add.sql');

/** Adds events of trading to the figures of their portfolios, from which `/v1/analytics` answers. */
export function figures(): EventConsumer {
  return {
    name: figuresConsumer,
    async handle(events, tx) {
      const { changes, fills, activity } = figuresOf(events);
      await tx.query(addSql, [
        ...columnsOf(changes.map(changeColumns), 7),
        ...columnsOf(fills.map(fillsColumns), 12),
        ...columnsOf(activity.map(activityColumns), 4),
      ]);
    },
  };
}

function changeColumns({ portfolioId, hourUs, asset, amount, ...counts }: Change): string[] {
  const { flows, numberFirst, numberLast } = counts;
  return [
    ...[portfolioId, String(hourUs), asset, decimalText(amount)],
    ...[flows, numberFirst, numberLast].map(String),
  ];
}

function fillsColumns({ portfolioId, hourUs, source, symbol, side, quote, fills, ...sums }: Fills): string[] {
  const { quantity, volume, fees, realizedAverage, realizedFifo } = sums;
  return [
    ...[portfolioId, String(hourUs), source, symbol, side, quote, String(fills)],
    ...[quantity, volume, fees, realizedAverage, realizedFifo].map(decimalText),
  ];
}

function activityColumns({ portfolioId, hourUs, type, events }: Activity): string[] {
  return [portfolioId, String(hourUs), type, String(events)];
}
