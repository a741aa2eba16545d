const width = 48;
const height = 22;

/** The way of a price, for the eye only: the figures stand beside it. */
export function Sparkline({ values, rising }: { values: readonly number[]; rising: boolean }) {
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const points = values.map((value, index) => {
    const x = (index / Math.max(1, values.length - 1)) * width;
    return `${x.toFixed(1)},${(height - 2 - ((value - low) / span) * (height - 4)).toFixed(1)}`;
  });
  return (
    <svg aria-hidden="true" viewBox={`0 0 ${width} ${height}`} className="h-[22px] w-12">
      <polyline
        points={points.join(' ')}
        fill="none"
        strokeWidth="1.5"
        strokeLinejoin="round"
        className={rising ? 'stroke-up' : 'stroke-down'}
      />
    </svg>
  );
}
