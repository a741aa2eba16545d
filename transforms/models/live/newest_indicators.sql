-- The newest row of `indicators` of every market, of the tails of their bars: the same averages, by their weights.
{%- set ema_12 = ema('close', 12, first=25) -%}
{%- set ema_26 = ema('close', 26, first=25) -%}
{%- set macd_signal = ema('macd_line', 9, first=33, name='macd_signal') -%}
{%- set mean_gain = wilder('gain', 14, first=14, name='mean_gain') %}
with tails as (

    select
        *,
        row_number() over () as market,
        len(closes) as bars,
        closes[-1] as close,
        closes[-20:] as last_20
    from {{ ref('int_tails') }}

),

powers as (

    select
        {{ powers(ema_12.r) }} as of_ema_12,
        {{ powers(ema_26.r) }} as of_ema_26,
        {{ powers(macd_signal.r) }} as of_macd_signal

),

averaged as (

    select
        tails.*,
        case when bars >= 20 then list_avg(last_20) end as sma_20,
        case when bars >= 50 then list_avg(closes[-50:]) end as sma_50,
        case when bars >= 200 then list_avg(closes[-200:]) end as sma_200,
        case when bars >= 20 then list_stddev_pop(last_20) end as deviation_20,
        {{ newest_average(ema_12, 'closes', 'bars', 'of_ema_12') }} as ema_12,
        {{ newest_average(ema_26, 'closes', 'bars', 'of_ema_26') }} as ema_26,
        of_macd_signal
    from tails
    cross join powers

),

signalled as (

    select
        *,
        {{ newest_signal(ema_12, ema_26, macd_signal, 'closes', 'bars', 'of_macd_signal') }} as macd_signal
    from averaged

),

pairs as (

    select
        market,
        bars,
        generate_subscripts(closes[2:], 1) as i,
        unnest(closes[2:]) as close,
        unnest(closes[:-2]) as previous_close
    from tails

),

weighted as (

    select
        market,
        close - previous_close as change,
        case when bars - 1 - i < 20 and close > 0 and previous_close > 0 then ln(close / previous_close) end as log_return,
        case
            when i > {{ mean_gain.first }} then {{ number(mean_gain.alpha) }} * pow({{ number(mean_gain.r) }}, bars - 1 - i)
            else pow({{ number(mean_gain.r) }}, bars - {{ mean_gain.first + 1 }}) / {{ mean_gain.n }}
        end as weight
    from pairs

),

changed as (

    select
        market,
        sum(greatest(change, 0) * weight) as mean_gain,
        sum(greatest(-change, 0) * weight) as mean_loss,
        stddev_samp(log_return) as volatility_20
    from weighted
    group by market

),

final as (

    select
        source,
        symbol,
        "interval",
        {{ instant('open_us') }} as open_time,
        close,
        sma_20,
        sma_50,
        sma_200,
        sma_20 + 2 * deviation_20 as bb_upper,
        sma_20 - 2 * deviation_20 as bb_lower,
        {{ percent_b('close', 'sma_20', 'deviation_20') }} as bb_percent_b,
        case when bars > {{ macd_signal.first }} then ema_12 - ema_26 end as macd,
        macd_signal,
        ema_12 - ema_26 - macd_signal as macd_histogram,
        case when bars > 20 then volatility_20 end as volatility_20,
        case when bars > {{ mean_gain.first }} then {{ relative_strength('mean_gain', 'mean_loss', 'close') }} end as rsi_14,
        case when bars >= 200 then close < sma_20 and close < sma_50 and close < sma_200 end as below_all_smas,
        is_filled,
        {{ utc_day('open_us') }} as "date"
    from signalled
    left join changed using (market)

)

select * from final
