"""The twelve indicators of closes in a CSV, by TA-Lib and by pandas: bars in a second of each, and sums of columns."""
import json
import sys
import time

import numpy as np
import pandas as pd
import talib


def by_talib(close):
    smas = [talib.SMA(close, n) for n in (20, 50, 200)]
    upper, _, lower = talib.BBANDS(close, 20, 2, 2)
    macd, signal, histogram = talib.MACD(close)
    volatility = talib.STDDEV(np.log(close[1:] / close[:-1]), 20) * np.sqrt(20 / 19)
    return {
        "sma_20": smas[0], "sma_50": smas[1], "sma_200": smas[2], "bb_upper": upper, "bb_lower": lower,
        "bb_percent_b": (close - lower) / (upper - lower), "macd": macd, "macd_signal": signal, "macd_histogram": histogram,
        "volatility_20": volatility, "rsi_14": talib.RSI(close, 14),
        "below": (close < smas[0]) & (close < smas[1]) & (close < smas[2]),
    }


def by_pandas(close):
    close = pd.Series(close)
    smas = [close.rolling(n).mean() for n in (20, 50, 200)]
    deviation = close.rolling(20).std(ddof=0)
    macd = close.ewm(span=12, adjust=False).mean() - close.ewm(span=26, adjust=False).mean()
    signal = macd.ewm(span=9, adjust=False).mean()
    change = close.diff()
    gain = change.clip(lower=0).ewm(alpha=1 / 14, adjust=False).mean()
    loss = (-change).clip(lower=0).ewm(alpha=1 / 14, adjust=False).mean()
    upper, lower = smas[0] + 2 * deviation, smas[0] - 2 * deviation
    return [
        *smas, upper, lower, (close - lower) / (upper - lower), macd, signal, macd - signal,
        np.log(close / close.shift()).rolling(20).std(), 100 * gain / (gain + loss),
        (close < smas[0]) & (close < smas[1]) & (close < smas[2]),
    ]


def rate(markets, calculate):
    started = time.perf_counter()
    for close in markets:
        calculate(close)
    return sum(map(len, markets)) / (time.perf_counter() - started)


closes = pd.read_csv(sys.argv[1], header=None, float_precision="round_trip")[0].to_numpy()
markets = [np.ascontiguousarray(part) for part in np.split(closes, int(sys.argv[2]))]
names = ("sma_20", "sma_200", "bb_upper", "rsi_14")
sums = {name: 0.0 for name in names}
for close in markets:
    found = by_talib(close)
    for name in names:
        sums[name] += float(np.nansum(found[name]))
print(json.dumps({"talib": rate(markets, by_talib), "pandas": rate(markets, by_pandas), "sums": sums}))
