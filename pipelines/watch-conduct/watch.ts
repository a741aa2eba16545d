import type { Audience, NewAlert, Severity } from '#core/alerts/alert.ts';
import { announce } from '#core/alerts/deliveries.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import type { DeliveredEvent, EventConsumer } from '../deliver-events/consumer.ts';
import { emptyConduct, observe, type Conduct, type Unusual } from './conduct.ts';

const severityOf: Record<Unusual['kind'], Severity> = {
  wash_trade: 'critical',
  order_burst: 'warning',
  repeated_rejects: 'warning',
};
/** Who is suspected of something is not told that somebody watches. */
const audienceOf: Record<Unusual['kind'], Audience> = {
  wash_trade: 'operators',
  order_burst: 'operators',
  repeated_rejects: 'both',
};
const looked = new Set(['order_accepted', 'order_rejected', 'order_filled']);

/** Raises an alert where users trade in unusual ways; see {@link observe}. */
export function conductConsumer(options: { hasMail: boolean; metrics: Metrics }): EventConsumer {
  const raised = options.metrics.counter('ticklake_alerts_raised_total', 'Alerts that were raised', ['kind']);
  return {
    name: 'watch-conduct',
    async handle(events, tx) {
      const of = events.filter(({ event }) => looked.has(event.type));
      if (of.length === 0) return;
      const owners = await ownersOf(tx, of);
      const conducts = await lockConducts(tx, [...new Set(owners.values())]);
      const alerts = of.flatMap(({ portfolioId, event }): NewAlert[] => {
        const userId = owners.get(portfolioId);
        const conduct = userId === undefined ? undefined : conducts.get(userId);
        if (conduct === undefined) return [];
        return observe(conduct, event).map((unusual) => ({
          ...unusual,
          causeKey: `${unusual.kind}|${portfolioId}|${event.number}`,
          severity: severityOf[unusual.kind],
          audience: audienceOf[unusual.kind],
          ...{ userId, portfolioId },
        }));
      });
      await saveConducts(tx, conducts);
      for (const { kind } of await announce(tx, alerts, options)) raised.inc({ kind });
    },
  };
}

async function ownersOf(tx: Transaction, events: readonly DeliveredEvent[]): Promise<Map<string, string>> {
  const { rows } = await tx.query<{ portfolioId: string; userId: string }>(
    `select portfolio_id as "portfolioId", user_id as "userId" from trading.portfolios where portfolio_id = any($1)`,
    [[...new Set(events.map(({ portfolioId }) => portfolioId))]],
  );
  return new Map(rows.map(({ portfolioId, userId }) => [portfolioId, userId]));
}

/** Of users, whose portfolios may be with several processes: one at a time. */
async function lockConducts(tx: Transaction, userIds: readonly string[]): Promise<Map<string, Conduct>> {
  await tx.query(
    `insert into alerts.conduct (user_id, state)
     select user_id, $2 from unnest($1::uuid[]) as user_id order by user_id on conflict do nothing`,
    [userIds, JSON.stringify(emptyConduct())],
  );
  const { rows } = await tx.query<{ userId: string; state: string }>(
    `select user_id as "userId", state from alerts.conduct where user_id = any($1) order by user_id for update`,
    [userIds],
  );
  // What is stored is what this file wrote.
  return new Map(rows.map(({ userId, state }) => [userId, JSON.parse(state) as Conduct]));
}

async function saveConducts(tx: Transaction, conducts: ReadonlyMap<string, Conduct>): Promise<void> {
  await tx.query(
    `update alerts.conduct c set state = n.state
       from unnest($1::uuid[], $2::text[]) as n (user_id, state) where c.user_id = n.user_id`,
    [[...conducts.keys()], [...conducts.values()].map((conduct) => JSON.stringify(conduct))],
  );
}
