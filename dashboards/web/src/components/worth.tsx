import { useMemo, type ReactNode } from 'react';
import { amount, signed } from '../format.ts';
import type { LiveStore } from '../state/live-store.ts';
import { useLive } from '../state/observed.ts';
import type { PortfolioStore } from '../state/portfolio-store.ts';
import { usePrices } from '../state/use-prices.ts';
import { liveWorth } from '../state/worth.ts';
import { tone } from './holdings.tsx';

const riskWords = { active: undefined, reducing: 'Only sales are taken', halted: 'Trading is halted' };

/** What the portfolio is worth at this moment, and what it has won or lost. */
export function Worth({ live, store }: { live: LiveStore; store: PortfolioStore }) {
  const { portfolio, balances } = useLive(store, store.state);
  const assets = useMemo(() => balances?.map(({ asset }) => asset) ?? [], [balances]);
  const quote = portfolio?.value.asset ?? '';
  const priceOf = usePrices(live, assets, quote);
  if (portfolio === undefined || balances === undefined) return null;
  const { asset, total, unrealized, realized, unpriced } = liveWorth(portfolio, balances, priceOf);
  const risk = riskWords[portfolio.riskState];
  return (
    <>
      {risk !== undefined && (
        <span className="rounded-full bg-warn/15 px-2.5 py-0.5 text-xs text-warn">{risk}</span>
      )}
      <dl
        data-testid="worth"
        className="flex flex-wrap gap-x-4 gap-y-1 max-sm:order-last max-sm:w-full max-sm:gap-x-3 max-sm:text-xs"
      >
        <Figure
          name="Value"
          value={
            <>
              {amount(total, asset)} <span className="max-sm:sr-only">{asset}</span>
            </>
          }
          title={
            unpriced.length === 0 ? undefined : `Without a price, and not counted: ${unpriced.join(', ')}`
          }
        />
        <Figure name="Profit" value={signed(unrealized, asset)} tone={tone(unrealized)} />
        <Figure name="Realised" value={signed(realized, asset)} tone={tone(realized)} />
      </dl>
    </>
  );
}

interface FigureProps {
  name: string;
  value: ReactNode;
  tone?: string;
  title?: string | undefined;
}

function Figure({ name, value, tone: colour = '', title }: FigureProps) {
  return (
    <div className="flex items-baseline gap-1.5" title={title}>
      <dt className="text-xs text-soft">{name}</dt>
      <dd className={`figure ${colour}`}>{value}</dd>
    </div>
  );
}
