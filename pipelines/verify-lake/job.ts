import { Type } from 'typebox';
import { defineJob, type JobCard } from '#core/jobs/job.ts';
import type { Lake } from '#core/lake/lake.ts';
import { tableNamed } from '#core/lake/listing.ts';
import { lakeTables, tableId } from '#core/lake/tables.ts';
import { verifyTable, type Verdict } from '#core/lake/verify.ts';
import { TicklakeError } from '#core/platform/errors.ts';

const names = lakeTables.map(tableId);
const placesShown = 10;

export const verifyLakeParameters = Type.Object(
  {
    tables: Type.Array(Type.Enum(names), {
      ...{ default: names, minItems: 1, uniqueItems: true },
      description: 'Which tables; default all.',
    }),
    deep: Type.Boolean({
      default: false,
      description: "Whether each file's SHA-256 is compared with the one kept at its commit.",
    }),
  },
  { additionalProperties: false },
);

export const verifyLakeCard = {
  name: 'verify-lake',
  description: "Recounts the tables' files and compares them with the ledger.",
  parameters: verifyLakeParameters,
} satisfies JobCard;

/** The lake's proof as a job: a partition a table, which fails where the table is not as the ledger says. */
export function verifyLakeJob({ lake, spillDir }: { lake: Lake; spillDir: string }) {
  return defineJob({
    ...verifyLakeCard,
    plan: ({ tables, deep }) =>
      Promise.resolve(tables.map((table) => ({ key: table, params: { table, deep } }))),
    async run({ params: { table, deep } }, { signal }) {
      const verdict = await verifyTable(lake, tableNamed(table), { spillDir, deep });
      signal.throwIfAborted();
      if (!verdict.ok) throw notAsItShouldBe(table, verdict);
      const sum = (of: 'held' | 'explained'): number =>
        verdict.listings.reduce((total, listing) => total + listing[of], 0);
      return {
        listings: verdict.listings.length,
        held: sum('held'),
        explained: sum('explained'),
        snapshotId: verdict.listings[0]?.snapshotId ?? null,
      };
    },
    concurrency: 1,
    attempts: 3,
    backOff: { firstMs: 30_000, maxMs: 120_000 },
  });
}

function notAsItShouldBe(table: string, { listings, damaged }: Verdict): TicklakeError {
  const wrong = listings.filter((listing) => !listing.ok);
  // Ids that are missing alone may be under repair, and held when it is tried again.
  const isIncomplete =
    damaged.length === 0 && wrong.every((one) => one.duplicates === 0 && one.held === one.inFiles);
  const places = wrong.map(({ source, symbol, interval, missing, duplicates, held, inFiles }) => {
    const where = [source, symbol, ...(interval === null ? [] : [interval])].join(' ');
    return `${where} (${held} held, ${inFiles} in files, ${missing} missing, ${duplicates} twice)`;
  });
  const all = [...places, ...damaged.map((path) => `${path} (damaged)`)];
  const more = all.length > placesShown ? `, and ${all.length - placesShown} more` : '';
  return new TicklakeError(
    isIncomplete ? 'UNAVAILABLE' : 'DATA_CORRUPT',
    `${table} ${isIncomplete ? 'is not complete' : 'is not as the ledger says'}: ${all.slice(0, placesShown).join(', ')}${more}`,
    { remedy: `\`ticklake lake verify ${table}\` lists all of it.` },
  );
}
