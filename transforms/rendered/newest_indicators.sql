-- The newest row of `indicators` of every market, of the tails of their bars: the same averages, by their weights.
with tails as (

    select
        *,
        row_number() over () as market,
        len(closes) as bars,
        closes[-1] as close,
        closes[-20:] as last_20
    from "memory"."intermediate"."int_tails"

),

powers as (

    select
        list_transform(range(512), k -> pow(8.4615384615384615e-01, 511 - k)) as of_ema_12,
        list_transform(range(512), k -> pow(9.2592592592592593e-01, 511 - k)) as of_ema_26,
        list_transform(range(512), k -> pow(8.0000000000000004e-01, 511 - k)) as of_macd_signal

),

averaged as (

    select
        tails.*,
        case when bars >= 20 then list_avg(last_20) end as sma_20,
        case when bars >= 50 then list_avg(closes[-50:]) end as sma_50,
        case when bars >= 200 then list_avg(closes[-200:]) end as sma_200,
        case when bars >= 20 then list_stddev_pop(last_20) end as deviation_20,
        case
            when bars > 25
                then 1.5384615384615385e-01 * list_dot_product(closes[27:], of_ema_12[539 - bars:])
                    + pow(8.4615384615384615e-01, bars - 26) * list_avg(closes[15:26])
        end as ema_12,
        case
            when bars > 25
                then 7.4074074074074070e-02 * list_dot_product(closes[27:], of_ema_26[539 - bars:])
                    + pow(9.2592592592592593e-01, bars - 26) * list_avg(closes[1:26])
        end as ema_26,
        of_macd_signal
    from tails
    cross join powers

),

signalled as (

    select
        *,
        case
            when bars > 33
                then 3.6666666666666710e+00 * ema_12
                    + -1.4705882352941182e+00 * ema_26
                    + -4.3921568627451046e-01 * list_dot_product(closes[35:], of_macd_signal[547 - bars:])
                    + pow(8.0000000000000004e-01, bars - 34) * list_dot_product(closes[:34], [1.7264044669719758e-03, 1.7264044669719758e-03, 1.7264044669719758e-03, 1.7264044669719758e-03, 1.7264044669719758e-03, 1.7264044669719758e-03, 1.7264044669719758e-03, 1.7264044669719758e-03, 1.7264044669719758e-03, 1.7264044669719758e-03, 1.7264044669719758e-03, 1.7264044669719758e-03, 1.7264044669719758e-03, 1.7264044669719758e-03, -3.1765121915007972e-02, -3.1765121915007972e-02, -3.1765121915007972e-02, -3.1765121915007972e-02, -3.1765121915007972e-02, -3.1765121915007972e-02, -3.1765121915007972e-02, -3.1765121915007972e-02, -3.1765121915007972e-02, -3.1765121915007972e-02, -3.1765121915007972e-02, -3.1765121915007972e-02, -8.0794631218876783e-02, -1.0806836706287781e-01, -1.4130766820103369e-01, -1.8167771920717396e-01, -2.3056199930290677e-01, -2.8960248772614527e-01, -3.6074722040124396e-01, -4.4630653780980645e-01])
        end as macd_signal
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
            when i > 14 then 7.1428571428571425e-02 * pow(9.2857142857142860e-01, bars - 1 - i)
            else pow(9.2857142857142860e-01, bars - 15) / 14
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
        make_timestamptz(open_us) as open_time,
        close,
        sma_20,
        sma_50,
        sma_200,
        sma_20 + 2 * deviation_20 as bb_upper,
        sma_20 - 2 * deviation_20 as bb_lower,
        case when deviation_20 > 1e-14 * sma_20 then (close - (sma_20 - 2 * deviation_20)) / (4 * deviation_20) end as bb_percent_b,
        case when bars > 33 then ema_12 - ema_26 end as macd,
        macd_signal,
        ema_12 - ema_26 - macd_signal as macd_histogram,
        case when bars > 20 then volatility_20 end as volatility_20,
        case when bars > 14 then case
            when mean_gain + mean_loss >= 1e-14 * close then 100 * (mean_gain / (mean_gain + mean_loss))
            when mean_gain is not null then 0
        end end as rsi_14,
        case when bars >= 200 then close < sma_20 and close < sma_50 and close < sma_200 end as below_all_smas,
        is_filled,
        cast(make_timestamp(open_us) as date) as "date"
    from signalled
    left join changed using (market)

)

select * from final
