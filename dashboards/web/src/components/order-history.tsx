import { useState } from 'react';
import type { Order } from '#api/client/index.ts';
import { api } from '../api.ts';
import { sentence } from '../reason.ts';
import { useLive } from '../state/observed.ts';
import type { PortfolioStore } from '../state/portfolio-store.ts';
import { useRead } from '../state/use-read.ts';
import { OrderCells, OrderHead } from './order-cells.tsx';

const pageSize = 50;
const shownMax = 1_000;

/** All orders, the newest first, with why one was refused. */
export function OrderHistory({ store }: { store: PortfolioStore }) {
  const { version } = useLive(store, store.state);
  const [limit, setLimit] = useState(pageSize);
  const { portfolioId } = store;
  const { value, failed } = useRead(portfolioId, `${version}/${limit}`, (signal) =>
    api.trading.orders({ portfolioId, limit }, signal),
  );
  if (value === undefined) {
    return <p className="p-4 text-sm text-soft">{failed?.detail ?? 'Reading the orders…'}</p>;
  }
  if (value.items.length === 0) {
    return <p className="p-4 text-sm text-soft">No orders yet: the first one you place will stand here.</p>;
  }
  return (
    <>
      <table data-testid="order-history" className="w-full text-xs">
        <OrderHead last="Fees" />
        <tbody>
          {value.items.map((order) => (
            <Row key={order.id} order={order} />
          ))}
        </tbody>
      </table>
      {value.nextCursor !== null && limit < shownMax && (
        <button
          type="button"
          onClick={() => setLimit(Math.min(shownMax, limit * 2))}
          className="button-quiet m-3"
        >
          Show more
        </button>
      )}
    </>
  );
}

function Row({ order }: { order: Order }) {
  const { rejectCode, rejectDetail, fees } = order;
  return (
    <>
      <tr className="border-t border-line">
        <OrderCells order={order} />
        <td className="figure py-1.5 pr-4 pl-3 text-right">{fees === '0' ? '–' : fees}</td>
      </tr>
      {rejectCode !== null && (
        <tr>
          <td colSpan={5} className="px-4 pb-1.5 text-soft">
            <span className="figure text-down">{rejectCode}</span> {sentence(rejectDetail ?? '')}
          </td>
        </tr>
      )}
    </>
  );
}
