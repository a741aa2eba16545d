-- Fields in which bars of `checked` and `against` are not the same. The exchange keeps the quote volume of a trade to eight
-- decimals: a sum of them may be off by as many times the last one.
with pairs as (
  select
    c.*, a.channel as against_channel, a as other,
    a.is_filled and a.channel = 'klines' or c.is_filled and c.channel = 'klines' as is_kline_filled,
    c.trade_count - a.trade_count as excess,
    greatest(c.trade_count, a.trade_count) * 0.00000001 as quote_slack
  from checked c
  join against a using (source, symbol, "interval", open_time)
),
shifts as (
  select
    *,
    coalesce(excess <> 0 and excess = -lag(excess) over market, false)
      or coalesce(excess <> 0 and excess = -lead(excess) over market, false) as is_shifted
  from pairs
  window market as (partition by source, symbol, "interval" order by open_time)
),
fields as (
  select
    source, symbol, "interval", open_time, channel, against_channel, is_complete, is_kline_filled, is_shifted,
    unnest([
      {name: 'open', checked: open::varchar, against: other.open::varchar, same: open = other.open},
      {name: 'high', checked: high::varchar, against: other.high::varchar, same: high = other.high},
      {name: 'low', checked: low::varchar, against: other.low::varchar, same: low = other.low},
      {name: 'close', checked: close::varchar, against: other.close::varchar, same: close = other.close},
      {name: 'volume', checked: volume::varchar, against: other.volume::varchar, same: volume = other.volume},
      {
        name: 'quote_volume', checked: quote_volume::varchar, against: other.quote_volume::varchar,
        same: abs(quote_volume - other.quote_volume) <= quote_slack
      },
      {
        name: 'trade_count', checked: trade_count::varchar, against: other.trade_count::varchar,
        same: trade_count = other.trade_count
      },
      {
        name: 'taker_buy_volume', checked: taker_buy_volume::varchar, against: other.taker_buy_volume::varchar,
        same: taker_buy_volume = other.taker_buy_volume
      },
      {
        name: 'taker_buy_quote_volume', checked: taker_buy_quote_volume::varchar,
        against: other.taker_buy_quote_volume::varchar,
        same: abs(taker_buy_quote_volume - other.taker_buy_quote_volume) <= quote_slack
      },
      {
        name: 'close_time', checked: epoch_ms(close_time)::varchar, against: epoch_ms(other.close_time)::varchar,
        -- Candles end by the calendar; the exchange ends a bar early when it halts.
        same: channel = 'candles' or epoch_ms(close_time) = epoch_ms(other.close_time)
      }
    ]) as field
  from shifts
)
select
  source, symbol, "interval", strftime(open_time, '%Y-%m-%dT%H:%M:%S.%fZ') as open_time, field.name as field, channel,
  field.checked as checked, against_channel, field.against as against, is_complete, is_kline_filled, is_shifted
from fields
where not field.same
union all
select
  source, symbol, "interval", strftime(open_time, '%Y-%m-%dT%H:%M:%S.%fZ'), 'bar', channel, open::varchar, 'rest', null,
  is_complete, false, false
from checked
anti join against using (source, symbol, "interval", open_time)
where $expected and channel = 'klines' and not is_filled
order by all
limit $limit
