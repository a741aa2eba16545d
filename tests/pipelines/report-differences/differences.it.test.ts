import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listAlerts } from '#core/alerts/alert.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import type { DifferenceKind } from '#core/trading/live.ts';
import { differencesConsumer } from '#pipelines/report-differences/consumer.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';

let lake: TestLake;

beforeAll(async () => {
  lake = await openTestLake();
}, 120_000);
afterAll(async () => await lake.close());

function differs(number: number, kind: DifferenceKind, key: string): NumberedEvent {
  return {
    type: 'venue_differs',
    number,
    atUs: number,
    difference: { kind, key, cause: `what ${key} is about` },
  };
}

it('each difference is an alert once, for who watches over trading', { timeout: 60_000 }, async () => {
  const portfolioId = randomUUID();
  const consumer = differencesConsumer({ hasMail: false });
  const told = [
    differs(4, 'stranger_order', 'a'),
    differs(5, 'balance_short', 'b'),
    differs(6, 'balance_short', 'b'),
  ];
  for (let times = 0; times < 2; times++)
    await lake.database.transaction(async (tx) => {
      await tx.query('set local role ticklake_events');
      await consumer.handle(
        told.map((event) => ({ portfolioId, event })),
        tx,
      );
    });
  const viewer = { userId: randomUUID(), isOperator: true };
  const alerts = await listAlerts(lake.database, viewer, { limit: 100 });
  const ofPortfolio = alerts
    .filter((alert) => alert.portfolioId === portfolioId)
    .map(({ kind, severity, cause }) => ({ kind, severity, cause }));
  // Raised together, so that they may be of the same microsecond.
  expect(ofPortfolio.toSorted((a, b) => a.cause.localeCompare(b.cause))).toEqual([
    {
      ...{ kind: 'venue_difference', severity: 'critical' },
      cause: 'what a is about. The portfolio is halted',
    },
    { kind: 'venue_difference', severity: 'warning', cause: 'what b is about' },
  ]);
  expect(await listAlerts(lake.database, { ...viewer, isOperator: false }, { limit: 10 })).toEqual([]);
});
