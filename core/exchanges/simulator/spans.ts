/** Minutes since 1970, half-open; `to` may be Infinity. */
export interface Span {
  from: number;
  to: number;
}

/** The same minutes as spans that neither overlap nor touch, in order. */
export function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const { from, to } of spans
    .filter((span) => span.from < span.to)
    .toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else result.push({ from, to });
  }
  return result;
}

/** Index of the last of ordered spans that begins at or before a minute; -1 where none does. */
export function lastFrom(spans: readonly Span[], minute: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((spans[middle]?.from ?? Infinity) <= minute) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The one of ordered spans that holds a minute. */
export function spanOver(spans: readonly Span[], minute: number): Span | undefined {
  const span = spans[lastFrom(spans, minute)];
  return span !== undefined && minute < span.to ? span : undefined;
}
