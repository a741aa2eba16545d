import { hasIndicators, layers, type ChartInterval, type Layer } from '../chart/choice.ts';
import type { Legend } from '../chart/live-chart.ts';
import { figure, moment, price, short } from '../format.ts';

export interface ChartLegendProps {
  legend: Legend;
  interval: ChartInterval;
  shown: readonly Layer[];
}

/** The figures of the bar under the pointer, or of the newest one. */
export function ChartLegend({ legend: { bar, row }, interval, shown }: ChartLegendProps) {
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
          <Part name="Bar" value={interval === '1s' ? second(bar.time) : moment(bar.time * 1_000_000)} />
          <Part name="O" value={price(String(bar.open))} />
          <Part name="H" value={price(String(bar.high))} />
          <Part name="L" value={price(String(bar.low))} />
          <Part
            name="C"
            value={price(String(bar.close))}
            tone={bar.close >= bar.open ? 'text-up' : 'text-down'}
          />
          <Part name="V" value={bar.volume < 1 ? figure(bar.volume) : short(bar.volume)} />
        </>
      )}
      {bar !== undefined &&
        hasIndicators(interval) &&
        shown.map((layer) => {
          const text = figures[layer];
          if (text === undefined) return null;
          const { label, color } = layers[layer];
          return <Part key={layer} name={label} value={text} color={color} />;
        })}
    </dl>
  );
}

function second(time: number): string {
  return new Date(time * 1_000).toISOString().slice(0, 19).replace('T', ' ');
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
