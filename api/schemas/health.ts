import { Type, type Static } from 'typebox';
import { Nullable, Time } from './common.ts';

export const DependencyHealth = Type.Object({
  name: Type.String(),
  status: Type.Union([Type.Literal('up'), Type.Literal('down')]),
  latencyMs: Type.Number(),
  error: Nullable(Type.String({ description: 'Why it is down.' })),
});
export type DependencyHealth = Static<typeof DependencyHealth>;

export const BreakerHealth = Type.Object({
  name: Type.String(),
  state: Type.Union([Type.Literal('closed'), Type.Literal('half-open'), Type.Literal('open')]),
});
export type BreakerHealth = Static<typeof BreakerHealth>;

export const Health = Type.Object({
  status: Type.Union([Type.Literal('ok'), Type.Literal('degraded')]),
  version: Type.String(),
  startedAt: Time('Start of this process.'),
  dependencies: Type.Array(DependencyHealth),
  breakers: Type.Array(BreakerHealth),
  stream: Type.Object({
    tailing: Type.Boolean({ description: 'Whether live trades are being read from the log.' }),
    clients: Type.Integer(),
  }),
});
export type Health = Static<typeof Health>;

export const Readiness = Type.Object({ ready: Type.Boolean() });
