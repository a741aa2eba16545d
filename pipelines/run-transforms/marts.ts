import { featureTables } from '#core/lake/feature-tables.ts';
import { candles, klines, tableId, type LakeTable } from '#core/lake/tables.ts';
import type { Interval } from '#core/market/interval.ts';
import { TicklakeError } from '#core/platform/errors.ts';

/** A dbt model that is published as a table of the lake. */
export interface Mart {
  /** The model's name in transforms/models/marts; the table has the same. */
  model: string;
  table: LakeTable;
  /** Bars after its own that a row is made of. */
  barsAhead: number;
  /** Whether a row is made of its own market's bars, or of all markets' of its time. */
  markets: 'own' | 'all';
  /** The only lengths of bars that it has rows of; all where not named. */
  intervals?: readonly Interval[];
}

/** Tables of the lake that marts are made of. */
export const sources: readonly LakeTable[] = [klines, candles];

/**
 * Bars before a row that it is made of, at the most: averages that forget slowly are the same to 1e-12 after 700. A bar that
 * changed therefore concerns as many after it.
 */
export const warmUpBars = 1_000;

const special: Readonly<Record<string, Partial<Mart>>> = {
  // A label looks at the bars that follow; its horizon is a parameter of the model.
  labels: { barsAhead: 100 },
  // Ranks of a day are among all markets.
  daily_metrics: { markets: 'all', intervals: ['1d'] },
};

export const marts: readonly Mart[] = featureTables.map((table) => ({
  ...{ model: table.name, table, barsAhead: 0, markets: 'own' as const },
  ...special[table.name],
}));

/** The marts of these models, all where none is named. @throws NOT_FOUND */
export function martsNamed(models: readonly string[] | undefined): Mart[] {
  for (const model of models ?? []) {
    if (marts.some((mart) => mart.model === model)) continue;
    throw new TicklakeError('NOT_FOUND', `there is no mart ${model}`, {
      remedy: `Marts are ${marts.map((mart) => mart.model).join(', ')}.`,
    });
  }
  return marts.filter(({ model }) => models?.includes(model) ?? true);
}

export function isMart(relation: string): boolean {
  return marts.some(({ table }) => tableId(table) === relation);
}
