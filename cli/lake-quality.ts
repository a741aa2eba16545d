import type { Command } from 'commander';
import { DuckDb } from '#core/lake/duckdb.ts';
import { lakeQuality, type TableQuality } from '#core/lake/quality.ts';
import type { CliContext } from './context.ts';
import { table } from './output.ts';
import { withRuntime } from './runtime.ts';

/** `ticklake lake quality`. */
export function register(lake: Command, context: CliContext): void {
  lake
    .command('quality')
    .description(
      'how fresh, complete and well tested each table is, and what keeps a mart from being published',
    )
    .addHelpText('after', '\nExample:\n  ticklake lake quality --json')
    .action(async () => {
      const config = context.config();
      const logger = context.logger('lake', config);
      const tables = await withRuntime(config, 'api', 'lake', logger, async ({ lake: opened, spillDir }) => {
        const duck = await DuckDb.open({ threads: 1, memoryLimit: '512MB', spillDir });
        return await lakeQuality(opened, (work) => work(duck)).finally(() => duck.close());
      });
      context.output.result(tables, () => describe(tables));
    });
}

function describe(tables: readonly TableQuality[]): string {
  const overview = table(
    ['table', 'newest', 'age s', 'missing', 'published', 'behind', 'tests passed', 'warned', 'failed'],
    tables.map(({ table: name, freshness, coverage, published, tests }) => {
      const [newest] = freshness.toSorted((a, b) => b.newestUs - a.newestUs);
      const times = published.map(({ publishedAt }) => publishedAt).toSorted();
      return [
        name,
        newest === undefined ? null : new Date(newest.newestUs / 1_000).toISOString(),
        newest?.ageSeconds ?? null,
        coverage?.missing ?? null,
        times.at(-1) ?? null,
        published.length === 0 ? null : Math.max(...published.map(({ behind }) => behind)),
        ...[tests.pass, tests.warn, tests.fail],
      ];
    }),
  );
  const failures = tables.flatMap((each) => each.failures.map((test) => ({ ...test, table: each.table })));
  if (failures.length === 0) return overview;
  const failed = table(
    ['table', 'test that failed', 'severity', 'rows', 'since', 'for example'],
    failures.map((test) => [
      ...[test.table, test.test, test.severity, test.failures, test.failingSince],
      JSON.stringify(test.examples[0] ?? null),
    ]),
  );
  return `${overview}\n\n${failed}`;
}
