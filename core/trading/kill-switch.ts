import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { switchLock } from './load.ts';
import type { RiskState } from './portfolio.ts';

export interface GlobalRiskChange {
  risk: RiskState;
  /** Who turned it. */
  by: string;
  reason: string;
  atUs: number;
}

/**
 * Sets the risk state of all portfolios. It waits for the batches that are under way, so that after it is answered none is
 * decided by the state before.
 */
export async function setGlobalRisk(database: Database, change: GlobalRiskChange): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1)', [switchLock]);
    await tx.query('update trading.global_risk set risk = $1', [change.risk]);
    await tx.query(
      'insert into trading.global_risk_changes (risk, by, reason, at_us) values ($1, $2, $3, $4)',
      [change.risk, change.by, change.reason, change.atUs],
    );
  });
}

/** The risk state of all portfolios, and how it came to be; no change where it never was another. */
export async function readGlobalRisk(
  db: Pick<Transaction, 'query'>,
): Promise<{ risk: RiskState; change?: GlobalRiskChange }> {
  const { rows } = await db.query<{ state: RiskState } & GlobalRiskChange>(
    `select g.risk as state, c.risk, c.by, c.reason, c.at_us as "atUs"
       from trading.global_risk g
       left join lateral (select * from trading.global_risk_changes order by change_id desc limit 1) c on true`,
  );
  const [row] = rows;
  if (row === undefined) return { risk: 'halted' };
  const { state, ...change } = row;
  return change.by === null ? { risk: state } : { risk: state, change };
}
