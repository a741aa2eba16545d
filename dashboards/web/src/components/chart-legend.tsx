import { layers, type Layer } from '../chart/choice.ts';
import type { Legend } from '../chart/live-chart.ts';
import { figure, moment, price, short } from '../format.ts';

/** The figures of the bar under the pointer, or of the newest one. */
export function ChartLegend({ legend: { bar, row }, shown }: { legend: Legend; shown: readonly Layer[] }) {
  const value = (number: number | null | undefined): string =>
    number === null || number === undefined ? '–' : figure(number);
  const figures: Record<Layer, string | undefined> = {
    sma20: value(row?.sma20),
    sma50: value(row?.sma50),
    sma200: value(row?.sma200),
    bollinger: `${value(row?.bbLower)} … ${value(row?.bbUpper)}`,
    rsi: value(row?.rsi14),
    macd: `${value(row?.macd)} / ${value(row?.macdSignal)}`,
    volatility: value(row?.volatility20),
    signals: undefined,
  };
  return (
    <dl
      aria-label="Figures of one bar"
      data-testid="legend"
      className="figure flex min-h-7 flex-wrap items-center gap-x-4 gap-y-0.5 px-4 pt-1.5 text-xs"
    >
      {bar !== undefined && (
        <>
          <Part name="Bar" value={`${moment(bar.time * 1_000_000)}`} />
          <Part name="O" value={price(String(bar.open))} />
          <Part name="H" value={price(String(bar.high))} />
          <Part name="L" value={price(String(bar.low))} />
          <Part
            name="C"
            value={price(String(bar.close))}
            tone={bar.close >= bar.open ? 'text-up' : 'text-down'}
          />
          <Part name="V" value={short(bar.volume)} />
        </>
      )}
      {bar !== undefined &&
        shown.map((layer) => {
          const text = figures[layer];
          if (text === undefined) return null;
          const { label, color } = layers[layer];
          return <Part key={layer} name={label} value={text} color={color} />;
        })}
    </dl>
  );
}

interface PartProps {
  name: string;
  value: string;
  tone?: string;
  color?: string;
}

function Part({ name, value, tone = 'text-ink', color }: PartProps) {
  return (
    <div className="flex items-baseline gap-1">
      <dt className="text-soft" {...(color === undefined ? {} : { style: { color } })}>
        {name}
      </dt>
      <dd className={tone}>{value}</dd>
    </div>
  );
}
