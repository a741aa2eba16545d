import { chartIntervals, hasIndicators, layerNames, layers, type ChartChoice } from '../chart/choice.ts';

export interface ChartToolbarProps {
  choice: ChartChoice;
  onChoose: (choice: ChartChoice) => void;
}

/** The length of a bar, and what is drawn over and under them. */
export function ChartToolbar({ choice, onChoose }: ChartToolbarProps) {
  const { interval, shown } = choice;
  const canShow = hasIndicators(interval);
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line px-4 py-2">
      <div role="group" aria-label="Length of a candle" className="flex rounded-lg border border-line">
        {chartIntervals.map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={name === interval}
            onClick={() => onChoose({ ...choice, interval: name })}
            className={`px-2.5 py-1 text-xs first:rounded-l-lg last:rounded-r-lg ${
              name === interval ? 'bg-raised text-ink' : 'text-soft hover:text-ink'
            }`}
          >
            {name}
          </button>
        ))}
      </div>
      <div role="group" aria-label="Drawn on the chart" className="flex flex-wrap gap-1.5">
        {layerNames.map((layer) => {
          const isShown = shown.includes(layer);
          const others = shown.filter((name) => name !== layer);
          // In the order of the buttons, so that panes keep theirs.
          const next = layerNames.filter((name) => others.includes(name) || (name === layer && !isShown));
          return (
            <button
              key={layer}
              type="button"
              aria-pressed={isShown}
              disabled={!canShow}
              title={canShow ? undefined : 'Of bars of a minute and longer'}
              onClick={() => onChoose({ ...choice, shown: next })}
              className={`flex items-center gap-1.5 rounded-full border px-2.5 py-0.5 text-xs disabled:cursor-not-allowed disabled:opacity-60 ${
                isShown && canShow ? 'border-soft bg-raised text-ink' : 'border-line text-soft hover:text-ink'
              }`}
            >
              <span
                aria-hidden="true"
                style={{ background: layers[layer].color }}
                className="h-0.5 w-3 rounded"
              />
              {layers[layer].label}
            </button>
          );
        })}
      </div>
    </div>
  );
}
