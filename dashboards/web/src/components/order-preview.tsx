import type { Market, MarketRules, NewOrder } from '#api/client/index.ts';
import { amount } from '../format.ts';
import type { Entry } from '../orders/entry.ts';
import { estimateOf } from '../orders/sums.ts';
import { usePreview, type PreviewState } from '../orders/use-preview.ts';
import type { LiveStore } from '../state/live-store.ts';
import { useLive } from '../state/observed.ts';
import type { PortfolioStore } from '../state/portfolio-store.ts';

export interface OrderPreviewProps {
  live: LiveStore;
  store: PortfolioStore;
  market: Market;
  rules: MarketRules | undefined;
  entry: Entry;
  /** What is to be judged; undefined while the entry has faults, or was judged by placing it. */
  order: NewOrder | undefined;
  /** What the order takes from: quote of a purchase, base of a sale. */
  asset: string | undefined;
  available: string;
}

/** What the order comes to, and what the service would say to it. */
export function OrderPreview({
  live,
  store,
  market,
  rules,
  entry,
  order,
  asset,
  available,
}: OrderPreviewProps) {
  const last = useLive(live, () => live.market(market.symbol)?.price) ?? market.lastPrice;
  const { version } = useLive(store, store.state);
  const preview = usePreview(order, version);
  const estimate = estimateOf(entry, last, rules);
  const quote = rules?.quote;
  const held = preview.is === 'known' && preview.preview.isAcceptable ? preview.preview.held : undefined;
  return (
    <div className="flex flex-col gap-2 text-xs">
      <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-1">
        <Line name="Available" value={`${amount(available, asset)} ${asset ?? ''}`} />
        <Line
          name={entry.side === 'buy' ? 'Costs about' : 'Brings about'}
          value={estimate === undefined ? '–' : `${amount(estimate.amount, quote)} ${quote ?? ''}`}
        />
        <Line
          name="Fee about"
          value={estimate === undefined ? '–' : `${amount(estimate.fee, quote)} ${quote ?? ''}`}
        />
        <Line name="Reserves" value={held === undefined ? '–' : `${amount(held, asset)} ${asset ?? ''}`} />
      </dl>
      <Verdict preview={preview} />
    </div>
  );
}

function Line({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt className="text-soft">{name}</dt>
      <dd className="figure text-right">{value}</dd>
    </>
  );
}

/** Keeps its height, so that the button below stays where it is. */
function Verdict({ preview }: { preview: PreviewState }) {
  return (
    <p role="status" aria-label="Preview" className="min-h-8 leading-4">
      {preview.is === 'known' && preview.preview.isAcceptable && (
        <span className="text-up">✓ Would be taken at this moment.</span>
      )}
      {preview.is === 'known' && !preview.preview.isAcceptable && (
        <span className="text-warn">✗ Would be refused: {preview.preview.rejectDetail}</span>
      )}
      {preview.is === 'failed' && (
        <span className="text-warn">
          {preview.reason.detail} {preview.reason.remedy}
        </span>
      )}
      {preview.is === 'asking' && <span className="text-soft">Looking…</span>}
    </p>
  );
}
