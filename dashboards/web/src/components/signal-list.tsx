import type { Signal } from '#api/client/index.ts';
import { moment, price } from '../format.ts';
import { timeOf } from '../chart/bars.ts';
import { useSignals } from '../state/use-signals.ts';

export interface SignalListProps {
  onSelect: (signal: Signal) => void;
}

/** The newest signals of all markets; choosing one opens its market. */
export function SignalList({ onSelect }: SignalListProps) {
  const { signals, error } = useSignals();
  return (
    <section aria-labelledby="signals-title" className="panel min-h-40 flex-[2] basis-0">
      <h2 id="signals-title" className="panel-title">
        Signals <span className="figure ml-auto text-soft">{signals?.length ?? ''}</span>
      </h2>
      {(signals === undefined || signals.length === 0) && (
        <p className={`p-4 text-sm ${error === undefined ? 'text-soft' : 'text-down'}`}>
          {error ??
            (signals === undefined ? 'Reading signals…' : 'None yet: strategies speak as bars close.')}
        </p>
      )}
      <ul data-testid="signals" className="min-h-0 flex-1 overflow-y-auto">
        {signals?.map((signal) => (
          <li key={signal.signalId}>
            <button
              type="button"
              onClick={() => onSelect(signal)}
              className="grid w-full grid-cols-[2.75rem_1fr_auto] items-baseline gap-x-2 px-4 py-1.5 text-left text-xs hover:bg-raised"
            >
              <span className={`font-semibold ${signal.signal === 'BUY' ? 'text-up' : 'text-down'}`}>
                {signal.signal}
              </span>
              <span className="truncate font-medium">
                {signal.symbol} <span className="text-soft">{signal.interval}</span>
              </span>
              <span className="figure">{price(signal.price)}</span>
              <span className="figure col-start-2 truncate text-soft" title={signal.reason}>
                {signal.strategy}
              </span>
              <span className="figure text-soft" title={moment(timeOf(signal.openTime) * 1_000_000)}>
                {moment(timeOf(signal.openTime) * 1_000_000).slice(5)}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
