import { Type } from 'typebox';
import { defineJob, type JobCard } from '#core/jobs/job.ts';
import { compactTable } from '#core/lake/compact.ts';
import { expireTable, snapshotAgeMsDefault, snapshotsKeptDefault } from '#core/lake/expire.ts';
import type { Lake } from '#core/lake/lake.ts';
import { tableNamed } from '#core/lake/listing.ts';
import { fileGraceMs, sweepOrphans } from '#core/lake/orphans.ts';
import { lakeTables, tableId, type LakeTable } from '#core/lake/tables.ts';

const names = lakeTables.map(tableId);
const hourMs = 3_600_000;
const hoursMax = 10 * 366 * 24;

/** In this order: what was joined is then of old snapshots, and what these leave are orphans. */
const steps = ['compact', 'expire', 'orphans'] as const;
type Step = (typeof steps)[number];

export const maintainLakeParameters = Type.Object(
  {
    tables: Type.Array(Type.Enum(names), {
      ...{ default: names, minItems: 1, uniqueItems: true },
      description: 'Which tables; default all.',
    }),
    snapshotHours: Type.Integer({
      ...{ default: snapshotAgeMsDefault / hourMs, minimum: 1, maximum: hoursMax },
      description: 'Snapshots of this age are dropped, unless a tag names them.',
    }),
    snapshotsKept: Type.Integer({
      ...{ default: snapshotsKeptDefault, minimum: 1, maximum: 200 },
      description: 'The newest so many snapshots stay whatever their age.',
    }),
    graceHours: Type.Integer({
      ...{ default: fileGraceMs / hourMs, minimum: 1, maximum: hoursMax },
      description: 'Files that nothing reaches are deleted after this time.',
    }),
  },
  { additionalProperties: false },
);

export const maintainLakeCard = {
  name: 'maintain-lake',
  description: 'Joins small files, drops old snapshots and deletes files that nothing reaches.',
  parameters: maintainLakeParameters,
} satisfies JobCard;

interface StepParams {
  table: string;
  step: Step;
  snapshotHours: number;
  snapshotsKept: number;
  graceHours: number;
}

/**
 * The lake's upkeep as a job: a partition a table and step. Each is safe beside live writers, and to begin again: what a
 * killed one has joined is joined, and what it was deleting nothing reaches.
 */
export function maintainLakeJob({ lake, spillDir }: { lake: Lake; spillDir: string }) {
  return defineJob({
    ...maintainLakeCard,
    plan: ({ tables, ...bounds }) =>
      Promise.resolve(
        steps.flatMap((step, order) =>
          tables.map((table) => ({
            ...{ key: `${table}/${step}`, order },
            params: { table, step, ...bounds } satisfies StepParams,
          })),
        ),
      ),
    async run({ params }, { signal }) {
      const done = await run(lake, tableNamed(params.table), params, { spillDir, signal });
      signal.throwIfAborted();
      return done;
    },
    concurrency: 1,
    attempts: 3,
    backOff: { firstMs: 10_000, maxMs: 120_000 },
  });
}

async function run(
  lake: Lake,
  table: LakeTable,
  { step, snapshotHours, snapshotsKept, graceHours }: StepParams,
  { spillDir, signal }: { spillDir: string; signal: AbortSignal },
): Promise<object> {
  if (step === 'compact') {
    const groups = await compactTable(lake, table, { spillDir, signal });
    const joined = groups.filter(({ bytesAfter }) => bytesAfter !== null);
    return { files: joined.reduce((sum, { files }) => sum + files, 0), into: joined.length };
  }
  if (step === 'expire') {
    const olderThanMs = snapshotHours * hourMs;
    return { snapshots: (await expireTable(lake, table, { olderThanMs, keepLast: snapshotsKept })).length };
  }
  const orphans = await sweepOrphans(lake, table, { olderThanMs: graceHours * hourMs, remove: true, signal });
  const deleted = orphans.filter((orphan) => orphan.deleted);
  return { files: deleted.length, bytes: deleted.reduce((sum, { bytes }) => sum + bytes, 0) };
}
