-- The twelve indicators of every bar, by TA-Lib's conventions; null until the window is full.
with  __dbt__cte__int_numbered_bars as (
-- Bars with their number in their stretch, from 0: a run without a missing bar. Nothing reaches over a hole.
with bars as (

    select * from "memory"."intermediate"."int_bars"

),

-- As far from its number among all bars as that of the bar before, unless one is missing between them.
stretched as (

    select
        *,
        open_us - length_us * row_number() over (partition by source, symbol, "interval" order by open_us) as stretch
    from bars

),

numbered as (

    select
        *,
        (row_number() over in_order) - 1 as i,
        lag(close) over in_order as previous_close
    from stretched
    window in_order as (partition by source, symbol, "interval", stretch order by open_us)

)

select * from numbered
), bars as (

    select
        *,
        close - previous_close as change,
        case when close > 0 and previous_close > 0 then ln(close / previous_close) end as log_return
    from __dbt__cte__int_numbered_bars

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
        case when i >= 19 then avg(close) over last_20 end as sma_20,
        case when i >= 49 then avg(close) over last_50 end as sma_50,
        case when i >= 199 then avg(close) over last_200 end as sma_200,
        case when i >= 19 then stddev_pop(close) over last_20 end as deviation_20,
        case when i >= 20 then stddev_samp(log_return) over last_20 end as volatility_20
    from bars
    window
        last_20 as (partition by source, symbol, "interval", stretch order by i rows between 19 preceding and current row),
        last_50 as (partition by source, symbol, "interval", stretch order by i rows between 49 preceding and current row),
        last_200 as (partition by source, symbol, "interval", stretch order by i rows between 199 preceding and current row)

),

smoothed_in_blocks as (

    select
        *,
        i - i % 128 as smoothed_block,
        pow(8.4615384615384615e-01, i % 128) * sum(
            close * case
                when i > 25 then 1.5384615384615385e-01 * pow(8.4615384615384615e-01, -(i % 128))
                when i > 13 then 5.4273200489063802e+00
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 128 order by i rows unbounded preceding) as ema_12_in_block,
        pow(9.2592592592592593e-01, i % 128) * sum(
            close * case
                when i > 25 then 7.4074074074074070e-02 * pow(9.2592592592592593e-01, -(i % 128))
                when i > -1 then 2.6340289216228135e-01
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 128 order by i rows unbounded preceding) as ema_26_in_block,
        pow(9.2857142857142860e-01, i % 128) * sum(
            gain * case
                when i > 14 then 7.1428571428571425e-02 * pow(9.2857142857142860e-01, -(i % 128))
                when i > 0 then 2.0158468368351776e-01
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 128 order by i rows unbounded preceding) as mean_gain_in_block,
        pow(9.2857142857142860e-01, i % 128) * sum(
            loss * case
                when i > 14 then 7.1428571428571425e-02 * pow(9.2857142857142860e-01, -(i % 128))
                when i > 0 then 2.0158468368351776e-01
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 128 order by i rows unbounded preceding) as mean_loss_in_block
    from windowed

),

smoothed_block_ends as (

    select
        source, symbol, "interval", stretch,
        smoothed_block,
        max_by(ema_12_in_block, i) as ema_12_end,
        max_by(ema_26_in_block, i) as ema_26_end,
        max_by(mean_gain_in_block, i) as mean_gain_end,
        max_by(mean_loss_in_block, i) as mean_loss_end
    from smoothed_in_blocks
    group by source, symbol, "interval", stretch, smoothed_block

),

smoothed_carries as (

    select
        source, symbol, "interval", stretch,
        smoothed_block,
        coalesce(lag(ema_12_end, 1) over blocks, 0) + 5.1702864493803733e-10 * coalesce(lag(ema_12_end, 2) over blocks, 0) + 2.6731861968646311e-19 * coalesce(lag(ema_12_end, 3) over blocks, 0) + 1.3821138370319859e-28 * coalesce(lag(ema_12_end, 4) over blocks, 0) as ema_12_carry,
        coalesce(lag(ema_26_end, 1) over blocks, 0) + 5.2693773177403746e-05 * coalesce(lag(ema_26_end, 2) over blocks, 0) + 2.7766337316716746e-09 * coalesce(lag(ema_26_end, 3) over blocks, 0) + 1.4631130805343537e-13 * coalesce(lag(ema_26_end, 4) over blocks, 0) as ema_26_carry,
        coalesce(lag(mean_gain_end, 1) over blocks, 0) + 7.5920756773284478e-05 * coalesce(lag(mean_gain_end, 2) over blocks, 0) + 5.7639613090282210e-09 * coalesce(lag(mean_gain_end, 3) over blocks, 0) + 4.3760430459335397e-13 * coalesce(lag(mean_gain_end, 4) over blocks, 0) as mean_gain_carry,
        coalesce(lag(mean_loss_end, 1) over blocks, 0) + 7.5920756773284478e-05 * coalesce(lag(mean_loss_end, 2) over blocks, 0) + 5.7639613090282210e-09 * coalesce(lag(mean_loss_end, 3) over blocks, 0) + 4.3760430459335397e-13 * coalesce(lag(mean_loss_end, 4) over blocks, 0) as mean_loss_carry
    from smoothed_block_ends
    window blocks as (partition by source, symbol, "interval", stretch order by smoothed_block)

),

smoothed as (

    select
        smoothed_in_blocks.*,
        case
            when i >= 25
                then ema_12_in_block + pow(8.4615384615384615e-01, i % 128 + 1) * ema_12_carry
        end as ema_12,
        case
            when i >= 25
                then ema_26_in_block + pow(9.2592592592592593e-01, i % 128 + 1) * ema_26_carry
        end as ema_26,
        case
            when i >= 14
                then mean_gain_in_block + pow(9.2857142857142860e-01, i % 128 + 1) * mean_gain_carry
        end as mean_gain,
        case
            when i >= 14
                then mean_loss_in_block + pow(9.2857142857142860e-01, i % 128 + 1) * mean_loss_carry
        end as mean_loss
    from smoothed_in_blocks
    inner join smoothed_carries
        using (source, symbol, "interval", stretch, smoothed_block)

),

differed as (

    select
        *,
        ema_12 - ema_26 as macd_line
    from smoothed

),

signalled_in_blocks as (

    select
        *,
        i - i % 128 as signalled_block,
        pow(8.0000000000000004e-01, i % 128) * sum(
            macd_line * case
                when i > 33 then 2.0000000000000001e-01 * pow(8.0000000000000004e-01, -(i % 128))
                when i > 24 then 1.7530242338244676e+02
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 128 order by i rows unbounded preceding) as macd_signal_in_block
    from differed

),

signalled_block_ends as (

    select
        source, symbol, "interval", stretch,
        signalled_block,
        max_by(macd_signal_in_block, i) as macd_signal_end
    from signalled_in_blocks
    group by source, symbol, "interval", stretch, signalled_block

),

signalled_carries as (

    select
        source, symbol, "interval", stretch,
        signalled_block,
        coalesce(lag(macd_signal_end, 1) over blocks, 0) + 3.9402006196394759e-13 * coalesce(lag(macd_signal_end, 2) over blocks, 0) + 1.5525180923007309e-25 * coalesce(lag(macd_signal_end, 3) over blocks, 0) + 6.1172327492848374e-38 * coalesce(lag(macd_signal_end, 4) over blocks, 0) as macd_signal_carry
    from signalled_block_ends
    window blocks as (partition by source, symbol, "interval", stretch order by signalled_block)

),

signalled as (

    select
        signalled_in_blocks.*,
        case
            when i >= 33
                then macd_signal_in_block + pow(8.0000000000000004e-01, i % 128 + 1) * macd_signal_carry
        end as macd_signal
    from signalled_in_blocks
    inner join signalled_carries
        using (source, symbol, "interval", stretch, signalled_block)

),

final as (

    select
        source,
        symbol,
        "interval",
        make_timestamptz(open_us) as open_time,
        close,
        sma_20,
        sma_50,
        sma_200,
        sma_20 + 2 * deviation_20 as bb_upper,
        sma_20 - 2 * deviation_20 as bb_lower,
        case when deviation_20 > 1e-14 * sma_20 then (close - (sma_20 - 2 * deviation_20)) / (4 * deviation_20) end as bb_percent_b,
        case when i >= 33 then macd_line end as macd,
        macd_signal,
        macd_line - macd_signal as macd_histogram,
        volatility_20,
        case
            when mean_gain + mean_loss >= 1e-14 * close then 100 * (mean_gain / (mean_gain + mean_loss))
            when mean_gain is not null then 0
        end as rsi_14,
        case when i >= 199 then close < sma_20 and close < sma_50 and close < sma_200 end as below_all_smas,
        is_filled,
        cast(make_timestamp(open_us) as date) as "date"
    from signalled

)

select * from final
