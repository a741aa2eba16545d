import { api } from '../api.ts';
import { amount, signed } from '../format.ts';
import { useLive } from '../state/observed.ts';
import type { PortfolioStore } from '../state/portfolio-store.ts';
import { useRead } from '../state/use-read.ts';
import { movedOf } from '../state/worth.ts';
import { MoneyForm } from './money-form.tsx';

const movesMax = 50;

/** Money by asset, made-up money in and out, and what has moved it. */
export function Balances({ store }: { store: PortfolioStore }) {
  const { balances } = useLive(store, store.state);
  return (
    <div className="grid grid-cols-1 gap-4 p-4 xl:grid-cols-2">
      <div className="flex flex-col gap-4">
        {balances === undefined ? (
          <p className="text-sm text-soft">Reading the balances…</p>
        ) : (
          <table data-testid="balances" className="h-fit w-full text-xs">
            <caption className="sr-only">Balances</caption>
            <thead className="text-soft">
              <tr>
                {['Asset', 'Available', 'Held for orders', 'Total'].map((name, index) => (
                  <th
                    key={name}
                    scope="col"
                    className={`pb-1.5 font-medium ${index === 0 ? 'text-left' : 'text-right'}`}
                  >
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {balances.map(({ asset, available, held, total }) => (
                <tr key={asset} className="border-t border-line">
                  <th scope="row" className="py-1.5 text-left font-medium">
                    {asset}
                  </th>
                  <td className="figure text-right">{amount(available, asset)}</td>
                  <td className="figure text-right text-soft">{amount(held, asset)}</td>
                  <td className="figure text-right">{amount(total, asset)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        <MoneyForm portfolioId={store.portfolioId} />
      </div>
      <Moves store={store} />
    </div>
  );
}

const moveWords = { deposit: 'Deposit', withdrawal: 'Withdrawal', fill: 'Fill' };

/** What was settled, the newest first: what came into the portfolio and what left it. */
function Moves({ store }: { store: PortfolioStore }) {
  const { version } = useLive(store, store.state);
  const { portfolioId } = store;
  const { value, failed } = useRead(portfolioId, version, (signal) =>
    api.trading.transactions({ portfolioId, limit: movesMax }, signal),
  );
  if (value === undefined) return <p className="text-xs text-soft">{failed?.detail ?? 'Reading…'}</p>;
  return (
    <div>
      <h3 className="pb-1.5 text-xs font-semibold text-soft">Movements</h3>
      <ul data-testid="moves" className="flex flex-col text-xs">
        {value.items.map(({ id, type, at, entries }) => (
          <li key={id} className="flex items-baseline gap-3 border-t border-line py-1.5">
            <span className="w-20 shrink-0">{moveWords[type]}</span>
            <span className="flex min-w-0 flex-1 flex-wrap justify-end gap-x-3">
              {movedOf(entries).map(({ asset, sum }) => (
                <span key={asset} className="figure whitespace-nowrap">
                  {signed(sum, asset)} {asset}
                </span>
              ))}
            </span>
            <span className="figure shrink-0 text-soft">{`${at.slice(5, 10)} ${at.slice(11, 19)}`}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
