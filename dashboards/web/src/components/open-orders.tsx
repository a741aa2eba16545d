import { Fragment, useState } from 'react';
import type { Order } from '#api/client/index.ts';
import { api } from '../api.ts';
import { orderWords } from '../orders/words.ts';
import { reasonOf, type Reason } from '../reason.ts';
import { useLive } from '../state/observed.ts';
import type { PortfolioStore } from '../state/portfolio-store.ts';
import { AmendForm } from './amend-form.tsx';
import { OrderCells, OrderHead } from './order-cells.tsx';
import { Refusal } from './refusal.tsx';
import { Sure } from './sure.tsx';

export interface OpenOrdersProps {
  store: PortfolioStore;
  onMarket: (symbol: string) => void;
}

/** Orders that are open, each to be amended (on paper) and cancelled. */
export function OpenOrders({ store, onMarket }: OpenOrdersProps) {
  const { orders, portfolio, connection } = useLive(store, store.state);
  const [amending, setAmending] = useState<string>();
  const [busy, setBusy] = useState<ReadonlySet<string>>(new Set());
  const [refused, setRefused] = useState<Reason>();
  if (orders === undefined) return <p className="p-4 text-sm text-soft">Reading the orders…</p>;
  if (orders.size === 0) return <p className="p-4 text-sm text-soft">No open orders.</p>;
  const newestFirst = [...orders.values()].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));

  const cancel = async (orderId: string): Promise<void> => {
    setRefused(undefined);
    setBusy((before) => new Set(before).add(orderId));
    try {
      await store.cancel(orderId);
    } catch (error) {
      setRefused(reasonOf(error));
    } finally {
      setBusy((before) => new Set([...before].filter((id) => id !== orderId)));
    }
  };
  const cancelAll = async (): Promise<void> => {
    setRefused(undefined);
    try {
      await api.trading.cancelAll({ portfolioId: store.portfolioId });
    } catch (error) {
      setRefused(reasonOf(error));
    }
  };
  const isAway = connection !== 'live';
  return (
    <>
      {refused !== undefined && (
        <div className="p-3 pb-0">
          <Refusal title="It was not cancelled" reason={refused} />
        </div>
      )}
      <table data-testid="open-orders" className="w-full text-xs">
        <OrderHead
          last={
            orders.size > 1 && (
              <Sure name="Cancel all" sure={`Cancel ${orders.size}: sure?`} onSure={() => void cancelAll()} />
            )
          }
        />
        <tbody>
          {newestFirst.map((order) => (
            <Fragment key={order.id}>
              <tr className="border-t border-line hover:bg-raised/50">
                <OrderCells order={order} onMarket={onMarket} />
                <td className="py-1.5 pr-4 text-right whitespace-nowrap">
                  <Action
                    name="Amend"
                    order={order}
                    isPressed={amending === order.id}
                    isDisabled={isAway || portfolio?.execution === 'live'}
                    onClick={() => setAmending(amending === order.id ? undefined : order.id)}
                  />
                  <Action
                    name="Cancel"
                    order={order}
                    isDisabled={isAway || order.isCancelRequested || busy.has(order.id)}
                    onClick={() => void cancel(order.id)}
                  />
                </td>
              </tr>
              {amending === order.id && (
                <tr>
                  <td colSpan={5} className="px-4 pb-3">
                    <AmendForm order={order} onDone={() => setAmending(undefined)} />
                  </td>
                </tr>
              )}
            </Fragment>
          ))}
        </tbody>
      </table>
    </>
  );
}

interface ActionProps {
  name: string;
  order: Order;
  isPressed?: boolean;
  isDisabled: boolean;
  onClick: () => void;
}

function Action({ name, order, isPressed, isDisabled, onClick }: ActionProps) {
  return (
    <button
      type="button"
      aria-label={`${name}: ${orderWords(order)}`}
      {...(isPressed === undefined ? {} : { 'aria-expanded': isPressed })}
      disabled={isDisabled}
      onClick={onClick}
      className="rounded-md px-2 py-1.5 text-accent hover:bg-raised disabled:cursor-not-allowed disabled:text-soft"
    >
      {name}
    </button>
  );
}
