import type { LRUCache } from 'lru-cache';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { Portfolio, RiskState } from './portfolio.ts';
import {
  portfolioOf,
  selectingOrders,
  type BalanceRow,
  type HeadRow,
  type HoldingRow,
  type LotRow,
  type OrderRow,
} from './rows.ts';
import { together, type Session, type Statement } from './session.ts';

/** A portfolio with the hash of its newest event, which names the state: what follows from the chain is one. */
export interface Chained {
  portfolio: Portfolio;
  hash: Buffer;
}

/** States by portfolio that are good as long as the head still has their hash. */
export type StateCache = LRUCache<string, Chained>;

/** What was answered under a key of a portfolio. */
export interface AnswerRow {
  portfolioId: string;
  kind: AnswerKind;
  key: string;
  bodyHash: string;
  numberFirst: number;
  numberLast: number;
  bodies: string[];
}

export type AnswerKind = 'key' | 'client_order_id';
export type AnswerKey = readonly [portfolioId: string, kind: AnswerKind, key: string];

export interface Loaded {
  states: Map<string, Chained>;
  answers: AnswerRow[];
  globalRisk: RiskState;
}

/** Of the advisory lock that batches share and the kill switch has alone. */
export const switchLock = 7_240_001;

const lockSwitch = `select pg_advisory_xact_lock_shared(${switchLock})`;
const risk = statement('risk', 'select risk from trading.global_risk');
const lock = statement('lock', sqlFile(import.meta.url, 'sql/lock.sql'));
const answersOf = statement('answers', sqlFile(import.meta.url, 'sql/answers.sql'));
const balances = statement('balances', sqlFile(import.meta.url, 'sql/load-balances.sql'));
const holdings = statement('holdings', sqlFile(import.meta.url, 'sql/load-holdings.sql'));
const lots = statement('lots', sqlFile(import.meta.url, 'sql/load-lots.sql'));
const orders = statement('orders', selectingOrders(sqlFile(import.meta.url, 'sql/load-orders.sql')));

/**
 * Begins a transaction, locks the portfolios, and reads them, what was answered under the keys, and the global risk: each
 * in a statement after the lock, whose own would not see what its holder before has written. The switch's lock comes first:
 * who waits for it while holding a head could wait for ever.
 */
export async function begin(
  session: Session,
  portfolioIds: readonly string[],
  keys: readonly AnswerKey[],
  cache: StateCache,
): Promise<Loaded> {
  const [, , heads, answers, [global]] = await together([
    session.send('begin'),
    session.send(lockSwitch),
    session.send<HeadRow>(lock, [portfolioIds]),
    keys.length === 0 ? Promise.resolve([]) : session.send<AnswerRow>(answersOf, unzip(keys)),
    session.send<{ risk: RiskState }>(risk, []),
  ]);
  const stale = heads.filter(({ portfolioId, hash }) => cache.get(portfolioId)?.hash.equals(hash) !== true);
  const read = await readStates(session, stale);
  const states = new Map<string, Chained>();
  for (const { portfolioId } of heads) {
    const state = read.get(portfolioId) ?? cache.get(portfolioId);
    if (state !== undefined) states.set(portfolioId, state);
  }
  return { states, answers, globalRisk: global?.risk ?? 'halted' };
}

/** The states that belong to heads, from the rows. */
export async function readStates(
  session: Pick<Session, 'send'>,
  heads: readonly HeadRow[],
): Promise<Map<string, Chained>> {
  if (heads.length === 0) return new Map();
  const ids = heads.map(({ portfolioId }) => portfolioId);
  const [balanceRows, holdingRows, lotRows, orderRows] = await together([
    session.send<BalanceRow>(balances, [ids]),
    session.send<HoldingRow>(holdings, [ids]),
    session.send<LotRow>(lots, [ids]),
    session.send<OrderRow>(orders, [ids]),
  ]);
  const of = {
    balances: Map.groupBy(balanceRows, portfolioIdOf),
    holdings: Map.groupBy(holdingRows, portfolioIdOf),
    lots: Map.groupBy(lotRows, portfolioIdOf),
    orders: Map.groupBy(orderRows, portfolioIdOf),
  };
  return new Map(
    heads.map((head) => {
      const id = head.portfolioId;
      const portfolio = portfolioOf(head, {
        balances: of.balances.get(id) ?? [],
        holdings: of.holdings.get(id) ?? [],
        lots: of.lots.get(id) ?? [],
        orders: of.orders.get(id) ?? [],
      });
      return [id, { portfolio, hash: head.hash }];
    }),
  );
}

function unzip(keys: readonly AnswerKey[]): string[][] {
  return [0, 1, 2].map((column) => keys.map((key) => key[column] ?? ''));
}

function portfolioIdOf({ portfolioId }: { portfolioId: string }): string {
  return portfolioId;
}

export function statement(name: string, text: string): Statement {
  return { name: `trading_${name}`, text };
}
