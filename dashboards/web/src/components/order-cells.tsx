import type { ReactNode } from 'react';
import type { Order } from '#api/client/index.ts';
import { amount, price } from '../format.ts';
import { orderTypes } from '../orders/entry.ts';
import { sideWord, statusWord } from '../orders/words.ts';

/** Columns that a phone has no room for. */
const roomy = 'hidden sm:table-cell';

const tones: Partial<Record<Order['status'], string>> = {
  filled: 'text-up',
  rejected: 'text-down',
  partially_filled: 'text-accent',
};

export function OrderHead({ last }: { last: ReactNode }) {
  return (
    <thead className="sticky top-0 bg-panel text-soft">
      <tr>
        <th scope="col" className="py-1.5 pl-4 text-left font-medium">
          Order
        </th>
        <th scope="col" className="py-1.5 text-right font-medium">
          Filled of
        </th>
        <th scope="col" className="py-1.5 pl-3 text-right font-medium">
          Price
        </th>
        <th scope="col" className={`py-1.5 pl-3 text-right font-medium ${roomy}`}>
          Status
        </th>
        <th scope="col" className="py-1 pr-4 pl-3 text-right font-medium">
          {last === false || last === undefined ? <span className="sr-only">Actions</span> : last}
        </th>
      </tr>
    </thead>
  );
}

/** The first four cells of an order's row. */
export function OrderCells({ order, onMarket }: { order: Order; onMarket?: (symbol: string) => void }) {
  const { symbol, side, type, quantity, filledQuantity, status, timeInForce, postOnly } = order;
  const terms = [
    orderTypes[type].label,
    ...(timeInForce === 'GTC' ? [] : [timeInForce]),
    ...(postOnly ? ['post only'] : []),
  ];
  return (
    <>
      <td className="py-1.5 pl-4">
        <span className={`font-semibold ${side === 'buy' ? 'text-up' : 'text-down'}`}>{sideWord(side)}</span>{' '}
        {onMarket === undefined ? (
          symbol
        ) : (
          <button type="button" onClick={() => onMarket(symbol)} className="font-medium hover:underline">
            {symbol}
          </button>
        )}
        <span className="block text-soft">
          {terms.join(', ')} <span className="figure whitespace-nowrap">{dayAndTime(order.createdAt)}</span>
        </span>
      </td>
      <td className="figure py-1.5 text-right">
        {amount(filledQuantity)}
        <span className="block text-soft">{amount(quantity)}</span>
      </td>
      <td className="figure py-1.5 pl-3 text-right">
        <Prices order={order} />
      </td>
      <td className={`py-1.5 pl-3 text-right ${roomy} ${tones[status] ?? ''}`}>{statusWord(order)}</td>
    </>
  );
}

/** What it was filled at, else what it asks for; below it what triggers it. */
function Prices({ order: { averagePrice, price: limit, stopPrice } }: { order: Order }) {
  const asked = limit === null ? 'market' : price(limit);
  return (
    <>
      {averagePrice === null ? asked : price(averagePrice)}
      {stopPrice !== null && <span className="block text-soft">stop {price(stopPrice)}</span>}
      {averagePrice !== null && limit !== null && stopPrice === null && (
        <span className="block text-soft">limit {price(limit)}</span>
      )}
    </>
  );
}

function dayAndTime(time: string): string {
  return `${time.slice(5, 10)} ${time.slice(11, 19)}`;
}
