-- Our bars of which all trades are held are the venue's own.
{{ config(severity='warn') }}
select
    candles.source,
    candles.symbol,
    candles."interval",
    candles.open_time,
    candles.close,
    klines.close as close_of_kline,
    candles.volume,
    klines.volume as volume_of_kline
from {{ source('market', 'candles') }} as candles
inner join {{ source('market', 'klines') }} as klines
    on candles.source = klines.source
    and candles.symbol = klines.symbol
    and candles."interval" = klines."interval"
    and candles.open_time = klines.open_time
where candles.is_complete
    and (
        candles.open <> klines.open
        or candles.high <> klines.high
        or candles.low <> klines.low
        or candles.close <> klines.close
        or candles.volume <> klines.volume
        or candles.trade_count <> klines.trade_count
    )
