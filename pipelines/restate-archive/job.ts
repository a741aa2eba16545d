import { Type } from 'typebox';
import { defineJob, type JobCard } from '#core/jobs/job.ts';
import type { HistoryDeps } from '#pipelines/venue-deps.ts';
import { listArchiveFiles } from './files.ts';
import { restateArchive } from './restate.ts';

export const restateArchiveParameters = Type.Object(
  {
    files: Type.Integer({
      ...{ minimum: 1, maximum: 10_000, default: 2_000 },
      description: 'How many files are asked about at most, those whose check is the longest ago.',
    }),
    symbols: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 40 }), {
        ...{ minItems: 1, maxItems: 500, uniqueItems: true },
        description: 'Default: all of which files were taken.',
      }),
    ),
  },
  { additionalProperties: false },
);

export const restateArchiveCard = {
  name: 'restate-archive',
  description: 'Asks whether files of the bulk archive were replaced, and takes those that were anew.',
  parameters: restateArchiveParameters,
} satisfies JobCard;

/** Files of one partition: small enough to be done again after a kill. */
const filesPerPartition = 50;
/** A partition names at most so many of the files it refused in what it committed. */
const namedMax = 20;

/** Restatement as a job; a partition may be done again, as a file that was restated is as published. */
export function restateArchiveJob({ database, lake, openExchange, openArchive, spillDir }: HistoryDeps) {
  return defineJob({
    ...restateArchiveCard,
    async plan({ files: limit, symbols }) {
      const exchange = await openExchange();
      const { source } = exchange;
      await exchange.close();
      const files = await listArchiveFiles(database, {
        ...{ source, limit },
        ...(symbols === undefined ? {} : { symbols }),
      });
      const series = Map.groupBy(files, ({ kind, symbol, interval }) =>
        [kind, symbol, ...(interval === null ? [] : [interval])].join('/'),
      );
      return [...series].flatMap(([key, of]) =>
        Array.from({ length: Math.ceil(of.length / filesPerPartition) }, (_, i) => {
          const paths = of.slice(i * filesPerPartition, (i + 1) * filesPerPartition).map(({ path }) => path);
          return { key: `${key}/${i}`, weight: paths.length, params: { source, paths } };
        }),
      );
    },
    async run({ params: { source, paths } }, { runId, metrics, signal, progress }) {
      const archive = await openArchive();
      const files = await listArchiveFiles(database, { source, paths });
      const { checked, same, restated, vanished, damaged } = await restateArchive({
        ...{ lake, archive, metrics, spillDir, files, run: runId, signal },
        progress: (done, total) => progress(done, total, 'files'),
      });
      return {
        ...{ source, checked, same, vanished: vanished.length, damaged: damaged.slice(0, namedMax) },
        restated: restated.map(({ file, added, removed, changed }) => ({ file, added, removed, changed })),
      };
    },
    concurrency: 2,
  });
}
