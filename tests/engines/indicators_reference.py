"""How far the marts of indicators are from TA-Lib, or from their formula where it has none."""
import json
import sys

import numpy as np
import pandas as pd
import talib


def the_twelve(bars):
    close = bars.close
    macd, signal, histogram = talib.MACD(close)
    upper, middle, lower = talib.BBANDS(close, 20, 2, 2)
    deviation = deviations(close, 20, 0)
    smas = [talib.SMA(close, n) for n in (20, 50, 200)]
    below = np.where(np.isnan(smas[2]), np.nan, np.all([close < sma for sma in smas], axis=0))
    # Where a close is at an average, rounding decides; either answer is right.
    tied = np.any([np.abs(close - sma) <= 1e-12 * close for sma in smas], axis=0)
    price, one = close, 1.0
    return {
        "sma_20": (smas[0], None),
        "sma_50": (smas[1], None),
        "sma_200": (smas[2], None),
        "bb_upper": (upper, price),
        "bb_lower": (lower, price),
        "bb_percent_b": (np.where(deviation > 1e-14 * middle, (close - middle + 2 * deviation) / (4 * deviation), np.nan), one),
        "macd": (macd, price),
        "macd_signal": (signal, price),
        "macd_histogram": (histogram, price),
        "volatility_20": (np.append(np.nan, deviations(np.diff(np.log(close)), 20, 1)), None),
        "rsi_14": (talib.RSI(close, 14), one),
        "below_all_smas": (below, np.where(tied, np.inf, one)),
    }


def deviations(values, n, fewer):
    """Of each window for itself: a running sum of squares would remember what has left it."""
    if len(values) < n:
        return np.full(len(values), np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(values, n)
    return np.append(np.full(n - 1, np.nan), np.std(windows, axis=1, ddof=fewer))


def the_others(bars, p):
    high, low, close, volume = bars.high, bars.low, bars.close, bars.volume
    rolling = lambda values, n: pd.Series(values).rolling(n)
    price, one, percent = close, 1.0, 100.0
    k, d = talib.STOCH(high, low, close, p["stochastic"]["k"], p["stochastic"]["slow"], 0, p["stochastic"]["d"], 0)
    aroon_down, aroon_up = talib.AROON(high, low, p["aroon"])
    donchian_upper, _, donchian_lower = talib.DONCHIAN(high, low, p["donchian"])
    keltner = talib.KC(high, low, close, p["keltner"]["n"], p["keltner"]["atr"], p["keltner"]["width"])
    n = p["z_score"]
    deviation = deviations(close, n, 0)
    mean = talib.SMA(close, n)
    traded = rolling(volume, p["obv"] + 1).sum().to_numpy()
    squares = np.append(np.nan, np.diff(np.log(close)) ** 2)
    return {
        "ema_short": (talib.EMA(close, p["ema_short"]), None),
        "ema_long": (talib.EMA(close, p["ema_long"]), None),
        "wma": (talib.WMA(close, p["wma"]), None),
        "dema": (talib.DEMA(close, p["dema"]), None),
        "tema": (talib.TEMA(close, p["tema"]), None),
        "trix": (talib.TRIX(close, p["trix"]), one),
        "atr": (talib.ATR(high, low, close, p["atr"]), price),
        "natr": (talib.NATR(high, low, close, p["atr"]), one),
        "plus_di": (talib.PLUS_DI(high, low, close, p["adx"]), one),
        "minus_di": (talib.MINUS_DI(high, low, close, p["adx"]), one),
        "adx": (talib.ADX(high, low, close, p["adx"]), one),
        "stochastic_k": (k, percent),
        "stochastic_d": (d, percent),
        "obv": (pd.Series(talib.OBV(close, volume)).diff(p["obv"]).to_numpy(), traded),
        "vwap": ((rolling(bars.quote_volume, p["vwap"]).sum() / rolling(volume, p["vwap"]).sum()).to_numpy(), None),
        "cmf": (talib.CMF(high, low, close, volume, p["cmf"]), one),
        "cci": (talib.CCI(high, low, close, p["cci"]), percent),
        "williams_r": (talib.WILLR(high, low, close, p["williams"]), percent),
        "mfi": (money_flow_index(bars, p["mfi"]), percent),
        "roc": (talib.ROC(close, p["roc"]), one),
        "momentum": (talib.MOM(close, p["momentum"]), price),
        "aroon_up": (aroon_up, percent),
        "aroon_down": (aroon_down, percent),
        "donchian_upper": (donchian_upper, None),
        "donchian_lower": (donchian_lower, None),
        "keltner_upper": (keltner[0], price),
        "keltner_middle": (keltner[1], None),
        "keltner_lower": (keltner[2], price),
        "realised_volatility": (np.sqrt(rolling(squares, p["realised_volatility"]).sum() * 365 * 86_400e6 / bars.length_us).to_numpy(), one),
        "z_score": (np.where(deviation > 1e-14 * mean, (close - mean) / deviation, np.where(np.isnan(mean), np.nan, 0)), one),
    }


def money_flow_index(bars, n):
    """TA-Lib lets rounding decide of which side a typical price is that equals the one before; it is of neither."""
    typical = (bars.high + bars.low + bars.close) / 3
    change = np.append(np.nan, np.diff(typical))
    change[np.abs(change) <= 1e-14 * typical] = 0
    flow = np.sign(change) * typical * bars.volume
    up = pd.Series(np.where(np.isnan(flow), np.nan, np.maximum(flow, 0))).rolling(n).sum()
    down = pd.Series(np.where(np.isnan(flow), np.nan, np.maximum(-flow, 0))).rolling(n).sum()
    return (100 * up / (up + down)).to_numpy()


class Bars:
    """Bars of one stretch, as arrays. TA-Lib takes for nothing what is below 1e-14, so that tiny prices are scaled for it."""

    def __init__(self, rows, scale):
        self.length_us = float(rows.length_us.iloc[0])
        for column in ("open", "high", "low", "close"):
            setattr(self, column, rows[column].to_numpy(float) * scale)
        self.volume = rows.volume.to_numpy(float)
        self.quote_volume = rows.quote_volume.to_numpy(float) * scale


IN_PRICES = {
    "sma_20", "sma_50", "sma_200", "bb_upper", "bb_lower", "macd", "macd_signal", "macd_histogram", "ema_short", "ema_long",
    "wma", "dema", "tema", "atr", "vwap", "momentum", "donchian_upper", "donchian_lower", "keltner_upper", "keltner_middle",
    "keltner_lower",
}


def distance(ours, reference, scale):
    """Largest difference, as a share of the value, or of what is given where the value itself may be next to nothing."""
    known = ~np.isnan(reference) & ~np.isnan(ours)
    if not known.any():
        return 0.0
    against = np.abs(reference) if scale is None else np.maximum(np.abs(reference), scale)
    against = np.broadcast_to(against, reference.shape)[known]
    difference = np.abs(ours[known] - reference[known])
    return float(np.max(np.divide(difference, against, out=np.where(difference > 0, np.inf, 0.0), where=against > 0)))


def main(args):
    rows = pd.read_csv(args["rows"], float_precision="round_trip")
    found = {}
    for (source, symbol, interval), market in rows.groupby(["source", "symbol", "interval"], sort=False):
        market = market.sort_values("open_us")
        stretch = (market.open_us.diff() != market.length_us).cumsum()
        for _, bars in market.groupby(stretch):
            scale = 2.0**60 if bars.close.max() < 1e-3 else 1.0
            scaled = Bars(bars, scale)
            for column, (reference, against) in (the_twelve(scaled) | the_others(scaled, args["parameters"])).items():
                ours = bars[column].map({"true": 1, "false": 0, True: 1, False: 0}) if column == "below_all_smas" else bars[column]
                ours = ours.to_numpy(float) * (scale if column in IN_PRICES else 1.0)
                entry = found.setdefault(source, {}).setdefault(column, {"rows": 0, "nullsDiffer": 0, "worst": 0.0, "at": ""})
                entry["rows"] += int((~np.isnan(ours)).sum())
                differ = int((np.isnan(ours) != np.isnan(reference)).sum())
                entry["nullsDiffer"] += differ
                worst = distance(ours, reference, against)
                if worst > entry["worst"] or differ > 0:
                    entry.update(worst=max(worst, entry["worst"]), at=f"{symbol}, {len(bars)} bars")
    print(json.dumps(found))


main(json.load(sys.stdin))
