import { tableId } from '#core/lake/tables.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Mart } from './marts.ts';
import type { RecordedTest } from './record.ts';
import { hasFailed } from './verdict.ts';

/** What became of a mart. */
export interface MartReport {
  name: string;
  /** The table that it is published as. */
  table: string;
  /** `published` where rows changed, `unchanged` where none did; `blocked` by a test, `failed` for another reason. */
  status: 'published' | 'unchanged' | 'blocked' | 'failed';
  /** Rows that were made again. */
  rows: number;
  ms: number;
  /** Of the commit that published it; null where there was none. */
  snapshotId: number | null;
  /** Why it was not published. */
  because: string | null;
}

export interface TransformReport {
  runId: string;
  /** Bars that were read. */
  bars: number;
  models: MartReport[];
  tests: { pass: number; warn: number; fail: number };
  /** Tests that did not pass, with a few of the rows. */
  failures: Pick<
    RecordedTest,
    'test' | 'relation' | 'column' | 'status' | 'failures' | 'message' | 'examples'
  >[];
}

export interface RunOutcome {
  runId: string;
  bars: number;
  models: MartReport[];
  tests: readonly RecordedTest[];
}

export function reportOf({ runId, bars, models, tests }: RunOutcome): TransformReport {
  const count = (isSo: (test: RecordedTest) => boolean): number => tests.filter(isSo).length;
  return {
    ...{ runId, bars, models },
    tests: {
      pass: count(({ status }) => status === 'pass'),
      warn: count((test) => didNotPass(test) && !hasFailed(test)),
      fail: count(hasFailed),
    },
    failures: tests
      .filter(didNotPass)
      .map(({ test, relation, column, status, failures, message, examples }) => ({
        ...{ test, relation, column, status, failures, message, examples },
      })),
  };
}

/** A mart that stays as it is. */
export function unchanged({ model, table }: Mart): MartReport {
  const status = 'unchanged';
  return { name: model, table: tableId(table), status, rows: 0, ms: 0, snapshotId: null, because: null };
}

/** The error that a report amounts to, where not all marts could be published. */
export function failureOf({ models, failures }: TransformReport): TicklakeError | undefined {
  const kept = models.filter(({ because }) => because !== null);
  const [first] = kept;
  if (first === undefined) return undefined;
  return new TicklakeError(
    'TRANSFORM_FAILED',
    `${kept.map(({ table }) => table).join(', ')} stayed as before: ${first.because ?? ''}`,
    {
      remedy: 'See `ticklake lake quality`; mend the rows, or the model, and run the transforms again.',
      context: { models: kept, failures },
    },
  );
}

/** Says in logs and metrics where data are not as they should be. */
export function raiseAlarms(
  metrics: Metrics,
  logger: Logger,
  models: readonly MartReport[],
  tests: readonly RecordedTest[],
): void {
  const blocked = metrics.gauge(
    'ticklake_transforms_blocked',
    'Whether the last run could not publish the mart',
    ['mart'],
  );
  const failures = metrics.counter('ticklake_transforms_test_failures_total', 'Data tests that failed', [
    'relation',
    'severity',
  ]);
  for (const { name, table, because } of models) {
    blocked.set({ mart: name }, because === null ? 0 : 1);
    if (because !== null) logger.error({ table, because }, 'a mart was not published');
  }
  for (const test of tests.filter(didNotPass)) {
    const { test: name, relation, severity, failures: rows, examples } = test;
    failures.inc({ relation, severity });
    logger[hasFailed(test) ? 'error' : 'warn'](
      { test: name, relation, rows, examples },
      'a data test failed',
    );
  }
}

function didNotPass({ status }: RecordedTest): boolean {
  return status !== 'pass' && status !== 'skipped';
}
