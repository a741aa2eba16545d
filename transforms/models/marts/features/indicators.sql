-- The twelve indicators of every bar, by TA-Lib's conventions; null until the window is full.
with bars as (

    select
        *,
        close - previous_close as change,
        case when close > 0 and previous_close > 0 then ln(close / previous_close) end as log_return
    from {{ ref('int_numbered_bars') }}

),

windowed as (

    select
        source,
        symbol,
        "interval",
        stretch,
        i,
        open_us,
        close,
        is_filled,
        greatest(change, 0) as gain,
        greatest(-change, 0) as loss,
        {{ full(20, 'avg(close) over last_20') }} as sma_20,
        {{ full(50, 'avg(close) over last_50') }} as sma_50,
        {{ full(200, 'avg(close) over last_200') }} as sma_200,
        {{ full(20, 'stddev_pop(close) over last_20') }} as deviation_20,
        {{ full(21, 'stddev_samp(log_return) over last_20') }} as volatility_20
    from bars
    window
        last_20 as {{ last(20) }},
        last_50 as {{ last(50) }},
        last_200 as {{ last(200) }}

),

{{ exponential_averages('smoothed', 'windowed', [
    ema('close', 12, first=25),
    ema('close', 26, first=25),
    wilder('gain', 14, first=14, name='mean_gain'),
    wilder('loss', 14, first=14, name='mean_loss'),
]) }},

differed as (

    select
        *,
        ema_12 - ema_26 as macd_line
    from smoothed

),

{{ exponential_averages('signalled', 'differed', [ema('macd_line', 9, first=33, name='macd_signal')]) }},

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
        case when i >= 33 then macd_line end as macd,
        macd_signal,
        macd_line - macd_signal as macd_histogram,
        volatility_20,
        {{ relative_strength('mean_gain', 'mean_loss', 'close') }} as rsi_14,
        {{ full(200, 'close < sma_20 and close < sma_50 and close < sma_200') }} as below_all_smas,
        is_filled,
        {{ utc_day('open_us') }} as "date"
    from signalled

)

select * from final
