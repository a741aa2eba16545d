/** The twelve indicators as a textbook has them: loops over one stretch of closes, null until they are known. */
export function plainIndicators(closes: readonly number[]): Record<string, number | boolean | null>[] {
  const sma = (n: number) => closes.map((_, i) => (i < n - 1 ? null : mean(closes.slice(i - n + 1, i + 1))));
  const [sma20, sma50, sma200] = [sma(20), sma(50), sma(200)];
  const fast = smoothed(closes, 25, 12, 2 / 13);
  const slow = smoothed(closes, 25, 26, 2 / 27);
  const line = closes.map((_, i) => minus(fast[i], slow[i]));
  const signal = smoothed(
    line.map((value) => value ?? 0),
    33,
    9,
    2 / 10,
  );
  const changes = closes.map((close, i) => (i === 0 ? 0 : close - (closes[i - 1] ?? 0)));
  const gains = smoothed(
    changes.map((change) => Math.max(change, 0)),
    14,
    14,
    1 / 14,
  );
  const losses = smoothed(
    changes.map((change) => Math.max(-change, 0)),
    14,
    14,
    1 / 14,
  );
  const returns = closes.map((close, i) => (i === 0 ? 0 : Math.log(close / (closes[i - 1] ?? 0))));

  return closes.map((close, i) => {
    const middle = sma20[i] ?? null;
    const deviation = middle === null ? null : deviationOf(closes.slice(i - 19, i + 1), 0);
    const [gain, loss] = [gains[i] ?? null, losses[i] ?? null];
    const below = [sma20[i], sma50[i], sma200[i]].every((average) => close < (average ?? 0));
    return {
      sma_20: middle,
      sma_50: sma50[i] ?? null,
      sma_200: sma200[i] ?? null,
      bb_upper: middle === null || deviation === null ? null : middle + 2 * deviation,
      bb_lower: middle === null || deviation === null ? null : middle - 2 * deviation,
      bb_percent_b:
        middle === null || deviation === null || deviation <= 1e-14 * middle
          ? null
          : (close - middle + 2 * deviation) / (4 * deviation),
      macd: i < 33 ? null : (line[i] ?? null),
      macd_signal: signal[i] ?? null,
      macd_histogram: minus(line[i], signal[i]),
      volatility_20: i < 20 ? null : deviationOf(returns.slice(i - 19, i + 1), 1),
      rsi_14: gain === null || loss === null ? null : strengthOf(gain, loss, close),
      below_all_smas: i < 199 ? null : below,
    };
  });
}

/** An exponential average that is the mean of n values at `first`. */
function smoothed(values: readonly number[], first: number, n: number, alpha: number): (number | null)[] {
  let average = 0;
  return values.map((value, i) => {
    if (i < first) return null;
    average =
      i === first ? mean(values.slice(first - n + 1, first + 1)) : average + alpha * (value - average);
    return average;
  });
}

function strengthOf(gain: number, loss: number, price: number): number {
  return gain + loss < 1e-14 * price ? 0 : (100 * gain) / (gain + loss);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviationOf(values: readonly number[], fewer: 0 | 1): number {
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Math.sqrt(squares / (values.length - fewer));
}

function minus(a: number | null | undefined, b: number | null | undefined): number | null {
  return a === null || a === undefined || b === null || b === undefined ? null : a - b;
}
