import { ApiError, type Query } from '../answer.ts';
import type { Account } from './account.ts';
import type { ExchangeOrders } from './exchange-orders.ts';
import { canceledText, fillText, isOpen, orderText, placedText, type SimulatorOrder } from './order.ts';
import { termsOf } from './terms.ts';

/** What a signed endpoint is told; who signed it is settled. */
export interface SignedCall {
  account: Account;
  query: Query;
}

export interface SignedEndpoint {
  weight: (query: Query) => number;
  /** Whether it may change something, and so can be carried out without its answer coming through. */
  isWrite: boolean;
  /** Parameters it reads. */
  reads: readonly string[];
  answer: (call: SignedCall) => { body: unknown; headers?: Record<string, string> };
}

const ofAll = ['timestamp', 'recvWindow', 'signature'];
const ofOrder = ['symbol', 'origClientOrderId', 'orderId'];
const ofNewOrder = [
  ...['symbol', 'side', 'type', 'timeInForce', 'quantity', 'price', 'stopPrice'],
  ...['newClientOrderId', 'newOrderRespType'],
];
const maxRows = 1_000;

/** Binance spot's endpoints for orders, by method and path. `isHidden` says whether an order is not to be seen yet. */
export function signedEndpoints(
  orders: ExchangeOrders,
  isHidden: (order: SimulatorOrder) => boolean,
): ReadonlyMap<string, SignedEndpoint> {
  function named({ account, query }: SignedCall): SimulatorOrder | undefined {
    const symbol = orders.desk(query.required('symbol')).tape.market.symbol;
    const clientOrderId = query.text('origClientOrderId');
    const orderId = query.whole('orderId');
    if (clientOrderId !== undefined) return orders.find(account, symbol, clientOrderId);
    if (orderId !== undefined) return orders.ofAccount(account).find(({ id }) => id === orderId);
    throw new ApiError(
      -1102,
      "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
    );
  }

  return new Map<string, SignedEndpoint>([
    [
      'POST /api/v3/order',
      {
        ...{ weight: () => 1, isWrite: true, reads: ofNewOrder },
        answer({ account, query }) {
          const desk = orders.desk(query.required('symbol'));
          const terms = termsOf(query, desk.tape.market, desk.lastTicks(orders.nowMs));
          const body = placedText(orders.place(account, desk, terms));
          return { body, headers: orders.countOf(account).headers };
        },
      },
    ],
    [
      'DELETE /api/v3/order',
      {
        ...{ weight: () => 1, isWrite: true, reads: ofOrder },
        answer(call) {
          const order = named(call);
          if (order === undefined || !isOpen(order)) throw new ApiError(-2011, 'Unknown order sent.');
          orders.cancel(order);
          return { body: canceledText(order) };
        },
      },
    ],
    [
      'GET /api/v3/order',
      {
        ...{ weight: () => 4, isWrite: false, reads: ofOrder },
        answer(call) {
          const order = named(call);
          if (order === undefined || isHidden(order)) throw new ApiError(-2013, 'Order does not exist.');
          return { body: orderText(order) };
        },
      },
    ],
    [
      'GET /api/v3/openOrders',
      {
        ...{ isWrite: false, reads: ['symbol'] },
        weight: (query) => (query.text('symbol') === undefined ? 80 : 6),
        answer({ account, query }) {
          const symbol = query.text('symbol');
          if (symbol === undefined) orders.play();
          else orders.desk(symbol);
          const open = orders
            .ofAccount(account)
            .filter(
              (order) => isOpen(order) && (symbol ?? order.tape.market.symbol) === order.tape.market.symbol,
            );
          return { body: open.map(orderText) };
        },
      },
    ],
    [
      'GET /api/v3/myTrades',
      {
        ...{ weight: () => 20, isWrite: false, reads: ['symbol', 'fromId', 'orderId', 'limit'] },
        answer({ account, query }) {
          const { symbol } = orders.desk(query.required('symbol')).tape.market;
          const [fromId, orderId, limit] = [
            query.whole('fromId'),
            query.whole('orderId'),
            query.limit(500, maxRows),
          ];
          const fills = orders.fillsOf(account).filter(({ id, order }) => {
            const isAsked = id >= (fromId ?? 0) && (orderId ?? order.id) === order.id;
            return isAsked && order.tape.market.symbol === symbol;
          });
          return { body: (fromId === undefined ? fills.slice(-limit) : fills.slice(0, limit)).map(fillText) };
        },
      },
    ],
    [
      'GET /api/v3/account',
      {
        ...{ weight: () => 20, isWrite: false, reads: ['omitZeroBalances'] },
        answer({ account, query }) {
          orders.play();
          const all = account.texts();
          const isAll = query.text('omitZeroBalances') !== 'true';
          return {
            body: accountText(isAll ? all : all.filter(({ free, locked }) => /[1-9]/.test(free + locked))),
          };
        },
      },
    ],
  ]);
}

/** Refuses what an endpoint does not read, or gets twice, as the exchange does. */
export function checkParameters({ reads }: SignedEndpoint, params: URLSearchParams): void {
  const names = [...params.keys()];
  if (new Set(names).size < names.length)
    throw new ApiError(-1101, 'Duplicate values for a parameter detected.');
  const read = names.filter((name) => reads.includes(name) || ofAll.includes(name)).length;
  if (read === names.length) return;
  const message = `Not all sent parameters were read; read '${read}' parameter(s) but was sent '${names.length}'.`;
  throw new ApiError(-1104, message);
}

/** All that is known of the accounts' orders, for who wants to compare. */
export function truthOfOrders(orders: ExchangeOrders): unknown {
  orders.play();
  return {
    accounts: orders.accounts.map((account) => ({
      balances: account.texts(),
      orders: orders.ofAccount(account).map(orderText),
      fills: orders.fillsOf(account).map(fillText),
    })),
  };
}

function accountText(balances: unknown): unknown {
  return {
    ...{ makerCommission: 10, takerCommission: 10, buyerCommission: 0, sellerCommission: 0 },
    ...{ canTrade: true, canWithdraw: false, canDeposit: false, accountType: 'SPOT' },
    balances,
    permissions: ['SPOT'],
  };
}
