import { Type, type Static } from 'typebox';
import { ListOf, Nullable, pageQuery } from './common.ts';

const at = (description: string) => Type.String({ description, format: 'date-time' });

export const waitSecondsMax = 300;

const Wait = Type.Optional(
  Type.Integer({
    description:
      'Seconds to wait for the end of the run before answering; its state says whether it has ended.',
    minimum: 0,
    maximum: waitSecondsMax,
  }),
);

export const RunId = Type.String({
  description: 'Id of a run.',
  pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$',
  examples: ['3f0b6f0c-6a39-4a5d-9c43-0d8a3f7c2f11'],
});

const JobName = Type.String({
  description: 'Name of a job of GET /v1/jobs.',
  maxLength: 100,
  examples: ['market-history'],
});

export const RunState = Type.Enum(['waiting', 'running', 'succeeded', 'failed', 'cancelled'], {
  description: 'The last three are ends.',
});
export const PartitionState = Type.Enum(['waiting', 'running', 'finished', 'failed', 'cancelled']);

const KeptError = Type.Object({
  code: Type.String(),
  message: Type.String(),
  remedy: Type.Optional(Type.String()),
});

const Json = Type.Record(Type.String(), Type.Unknown());

const runFields = {
  runId: RunId,
  job: JobName,
  state: RunState,
  isChain: Type.Boolean({ description: 'Whether it is done as steps, each a run of another job.' }),
  parentRunId: Nullable(Type.String({ description: 'The chain it is a step of.' })),
  step: Nullable(Type.Integer({ description: 'Its place in that chain, from 0.' })),
  enqueuedAt: at('When it was asked for.'),
  startedAt: Nullable(at('When it began.')),
  endedAt: Nullable(at('When it ended.')),
  partitions: Type.Object(
    {
      total: Type.Integer(),
      waiting: Type.Integer(),
      running: Type.Integer(),
      finished: Type.Integer(),
      failed: Type.Integer(),
      cancelled: Type.Integer(),
    },
    { description: 'How many parts it has; of a chain, those of all steps that are planned.' },
  ),
  progress: Nullable(
    Type.Number({ description: 'Part that is done, 0 to 1, by weight; null before it is planned.' }),
  ),
  secondsLeft: Nullable(Type.Number({ description: 'Reckoned from what was done so far.' })),
  error: Nullable(KeptError),
};

/** A run as it moves: what the stream tells of it. */
export const RunProgress = Type.Object(runFields);
export type RunProgress = Static<typeof RunProgress>;

export const Run = Type.Object({
  ...runFields,
  params: Json,
  requestedBy: Type.String({ examples: ['api', 'cli', 'schedule:nightly'] }),
  idempotencyKey: Nullable(Type.String()),
});
export type Run = Static<typeof Run>;
export const RunList = ListOf(Run);
export type RunList = Static<typeof RunList>;

export const RunWithSteps = Type.Object({
  ...Run.properties,
  steps: Type.Array(Run, { description: 'Of a chain, in their order; else none.' }),
});
export type RunWithSteps = Static<typeof RunWithSteps>;

export const RunPartition = Type.Object({
  key: Type.String({ examples: ['BTCUSDT/1m/2024-03'] }),
  description: Nullable(Type.String()),
  state: PartitionState,
  attempts: Type.Integer(),
  weight: Type.Number({ description: 'Share of the work.' }),
  params: Json,
  progress: Nullable(
    Type.Object({ done: Type.Number(), total: Type.Number(), unit: Nullable(Type.String()) }),
  ),
  committed: Nullable(Json),
  error: Nullable(KeptError),
  dueAt: Nullable(at('Before when no attempt begins.')),
  startedAt: Nullable(at('Begin of the last attempt.')),
  endedAt: Nullable(at('When it ended.')),
});
export type RunPartition = Static<typeof RunPartition>;
export const RunPartitionList = ListOf(RunPartition);
export type RunPartitionList = Static<typeof RunPartitionList>;

export const JobCard = Type.Object({
  name: JobName,
  description: Type.String(),
  kind: Type.Enum(['job', 'chain']),
  parameters: Type.Unknown({ description: 'JSON Schema of the parameters, with their defaults.' }),
  whenRunning: Type.Enum(['join', 'refuse', 'allow'], {
    description: 'What becomes of a request while a run of the same job and parameters goes on.',
  }),
  after: Type.Array(Type.String(), { description: 'Jobs whose runs asked for before are waited for.' }),
});
export type JobCard = Static<typeof JobCard>;
export const JobCardList = ListOf(JobCard);
export type JobCardList = Static<typeof JobCardList>;

export const Schedule = Type.Object({
  name: Type.String(),
  cron: Type.String({ description: 'When it ticks, in UTC.' }),
  job: JobName,
  enabled: Type.Boolean(),
  decidedUntil: at('Every tick up to then has been decided.'),
  lastTick: Nullable(
    Type.Object({
      at: at('The tick.'),
      state: Type.String(),
      reason: Nullable(Type.String()),
      runId: Nullable(Type.String()),
    }),
  ),
  nextTick: Nullable(at('The next tick; null where it is switched off.')),
});
export type Schedule = Static<typeof Schedule>;
export const ScheduleList = ListOf(Schedule);
export type ScheduleList = Static<typeof ScheduleList>;

const IdempotencyKey = Type.String({
  description: 'Asking again with the same key gives the same run.',
  minLength: 1,
  maxLength: 200,
});

export const RunRequest = Type.Object(
  {
    job: JobName,
    params: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'As the job has them.' }),
    ),
    idempotencyKey: Type.Optional(IdempotencyKey),
  },
  { additionalProperties: false },
);
export const RunRequestHeaders = Type.Object({ 'idempotency-key': Type.Optional(IdempotencyKey) });

export const RunAnswer = Type.Object({
  outcome: Type.Enum(['created', 'repeated', 'joined'], {
    description:
      '`repeated`: the run of the idempotency key; `joined`: the run of the same job and parameters that goes on.',
  }),
  run: RunWithSteps,
});
export type RunAnswer = Static<typeof RunAnswer>;

export const WaitQuery = Type.Object({ wait: Wait }, { additionalProperties: false });
export const RunParams = Type.Object({ runId: RunId }, { additionalProperties: false });
export const RunsQuery = Type.Object(
  {
    job: Type.Optional(JobName),
    state: Type.Optional(RunState),
    cursor: pageQuery.cursor,
    limit: Type.Integer({ description: 'Most items in the answer.', minimum: 1, maximum: 200, default: 50 }),
  },
  { additionalProperties: false },
);
export const PartitionsQuery = Type.Object(
  {
    state: Type.Optional(PartitionState),
    cursor: pageQuery.cursor,
    limit: Type.Integer({ description: 'Most items in the answer.', minimum: 1, maximum: 400, default: 100 }),
  },
  { additionalProperties: false },
);
