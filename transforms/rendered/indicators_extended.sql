-- Indicators beyond the twelve, by TA-Lib's conventions where it has them; their parameters are the variable `indicators`.
-- Where they divide by nothing, as of a flat price or without volume, they are 0, if no other value is natural.
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
        (high + low + close) / 3 as typical_price
    from __dbt__cte__int_numbered_bars

),

beside_previous as (

    select
        *,
        case when close > 0 and previous_close > 0 then ln(close / previous_close) end as log_return,
        case
            when i > 0 then greatest(high, previous_close) - least(low, previous_close)
        end as true_range,
        high - lag(high) over in_order as up_move,
        (lag(low) over in_order) - low as down_move,
        -- Less than 1e-14 is what rounding makes of the same price.
        case
            when abs(typical_price - lag(typical_price) over in_order) > 1e-14 * typical_price
                then sign(typical_price - lag(typical_price) over in_order)
            else 0
        end * typical_price * volume as money_flow,
        case when close > previous_close then volume when close < previous_close then -volume else 0 end as signed_volume,
        case when high > low then volume * ((close - low) - (high - close)) / (high - low) else 0 end as accumulation,
        lag(close, 10) over in_order as close_before_roc,
        lag(close, 10) over in_order as close_before_momentum
    from bars
    window in_order as (partition by source, symbol, "interval", stretch order by i)

),

windowed as (

    select
        source,
        symbol,
        "interval",
        stretch,
        i,
        length_us,
        open_us,
        close,
        is_filled,
        true_range,
        typical_price,
        close_before_roc,
        close_before_momentum,
        case when up_move > down_move and up_move > 0 then up_move when i > 0 then 0 end as plus_move,
        case when down_move > up_move and down_move > 0 then down_move when i > 0 then 0 end as minus_move,
        (avg(i * close) over last_wma) - (i - 20) * (avg(close) over last_wma) as wma_sum,
        min(low) over last_stochastic as stochastic_low,
        max(high) over last_stochastic as stochastic_high,
        sum(signed_volume) over last_obv as obv_sum,
        sum(volume) over last_vwap as vwap_volume,
        sum(quote_volume) over last_vwap as vwap_quote_volume,
        sum(accumulation) over last_cmf as cmf_sum,
        sum(volume) over last_cmf as cmf_volume,
        avg(typical_price) over last_cci as cci_mean,
        list(typical_price) over last_cci as cci_prices,
        min(low) over last_williams as williams_low,
        max(high) over last_williams as williams_high,
        sum(greatest(money_flow, 0)) over last_mfi as mfi_in,
        sum(greatest(-money_flow, 0)) over last_mfi as mfi_out,
        (max(row(high, i)) over last_aroon)[2] as aroon_high,
        -((min(row(low, -i)) over last_aroon)[2]) as aroon_low,
        max(high) over last_donchian as donchian_high,
        min(low) over last_donchian as donchian_low,
        sum(log_return * log_return) over last_realised_volatility as realised_variance,
        avg(close) over last_z_score as z_score_mean,
        stddev_pop(close) over last_z_score as z_score_deviation
    from beside_previous
    window
        last_wma as (partition by source, symbol, "interval", stretch order by i rows between 19 preceding and current row),
        last_stochastic as (partition by source, symbol, "interval", stretch order by i rows between 13 preceding and current row),
        last_obv as (partition by source, symbol, "interval", stretch order by i rows between 19 preceding and current row),
        last_vwap as (partition by source, symbol, "interval", stretch order by i rows between 19 preceding and current row),
        last_cmf as (partition by source, symbol, "interval", stretch order by i rows between 19 preceding and current row),
        last_cci as (partition by source, symbol, "interval", stretch order by i rows between 19 preceding and current row),
        last_williams as (partition by source, symbol, "interval", stretch order by i rows between 13 preceding and current row),
        last_mfi as (partition by source, symbol, "interval", stretch order by i rows between 13 preceding and current row),
        last_aroon as (partition by source, symbol, "interval", stretch order by i rows between 14 preceding and current row),
        last_donchian as (partition by source, symbol, "interval", stretch order by i rows between 19 preceding and current row),
        last_realised_volatility as (partition by source, symbol, "interval", stretch order by i rows between 29 preceding and current row),
        last_z_score as (partition by source, symbol, "interval", stretch order by i rows between 19 preceding and current row)

),

placed as (

    select
        *,
        case
            when stochastic_high > stochastic_low then 100 * (close - stochastic_low) / (stochastic_high - stochastic_low) else 0
        end as fast_k
    from windowed

),

averaged_in_blocks as (

    select
        *,
        i - i % 256 as averaged_block,
        pow(8.0000000000000004e-01, i % 256) * sum(
            close * case
                when i > 8 then 2.0000000000000001e-01 * pow(8.0000000000000004e-01, -(i % 256))
                when i > -1 then 6.6227383083767333e-01
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 256 order by i rows unbounded preceding) as ema_short_in_block,
        pow(9.6078431372549022e-01, i % 256) * sum(
            close * case
                when i > 49 then 3.9215686274509803e-02 * pow(9.6078431372549022e-01, -(i % 256))
                when i > -1 then 1.4202366087844495e-01
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 256 order by i rows unbounded preceding) as ema_long_in_block,
        pow(9.0476190476190477e-01, i % 256) * sum(
            close * case
                when i > 19 then 9.5238095238095233e-02 * pow(9.0476190476190477e-01, -(i % 256))
                when i > -1 then 3.3482523797281100e-01
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 256 order by i rows unbounded preceding) as dema_1_in_block,
        pow(9.0476190476190477e-01, i % 256) * sum(
            close * case
                when i > 19 then 9.5238095238095233e-02 * pow(9.0476190476190477e-01, -(i % 256))
                when i > -1 then 3.3482523797281100e-01
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 256 order by i rows unbounded preceding) as tema_1_in_block,
        pow(8.7500000000000000e-01, i % 256) * sum(
            close * case
                when i > 14 then 1.2500000000000000e-01 * pow(8.7500000000000000e-01, -(i % 256))
                when i > -1 then 4.3231071380189623e-01
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 256 order by i rows unbounded preceding) as trix_1_in_block,
        pow(9.0476190476190477e-01, i % 256) * sum(
            typical_price * case
                when i > 19 then 9.5238095238095233e-02 * pow(9.0476190476190477e-01, -(i % 256))
                when i > -1 then 3.3482523797281100e-01
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 256 order by i rows unbounded preceding) as keltner_middle_in_block,
        pow(9.2857142857142860e-01, i % 256) * sum(
            true_range * case
                when i > 14 then 7.1428571428571425e-02 * pow(9.2857142857142860e-01, -(i % 256))
                when i > 0 then 2.0158468368351776e-01
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 256 order by i rows unbounded preceding) as atr_in_block,
        pow(9.0000000000000002e-01, i % 256) * sum(
            true_range * case
                when i > 19 then 1.0000000000000001e-01 * pow(9.0000000000000002e-01, -(i % 256))
                when i > 9 then 7.4027370059729602e-01
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 256 order by i rows unbounded preceding) as keltner_atr_in_block,
        pow(9.2857142857142860e-01, i % 256) * sum(
            true_range * case
                when i > 13 then 7.1428571428571425e-02 * pow(9.2857142857142860e-01, -(i % 256))
                when i > 0 then 1.8718577770612366e-01
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 256 order by i rows unbounded preceding) as adx_range_in_block,
        pow(9.2857142857142860e-01, i % 256) * sum(
            plus_move * case
                when i > 13 then 7.1428571428571425e-02 * pow(9.2857142857142860e-01, -(i % 256))
                when i > 0 then 1.8718577770612366e-01
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 256 order by i rows unbounded preceding) as adx_plus_in_block,
        pow(9.2857142857142860e-01, i % 256) * sum(
            minus_move * case
                when i > 13 then 7.1428571428571425e-02 * pow(9.2857142857142860e-01, -(i % 256))
                when i > 0 then 1.8718577770612366e-01
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 256 order by i rows unbounded preceding) as adx_minus_in_block
    from placed

),

averaged_block_ends as (

    select
        source, symbol, "interval", stretch,
        averaged_block,
        max_by(ema_short_in_block, i) as ema_short_end,
        max_by(ema_long_in_block, i) as ema_long_end,
        max_by(dema_1_in_block, i) as dema_1_end,
        max_by(tema_1_in_block, i) as tema_1_end,
        max_by(trix_1_in_block, i) as trix_1_end,
        max_by(keltner_middle_in_block, i) as keltner_middle_end,
        max_by(atr_in_block, i) as atr_end,
        max_by(keltner_atr_in_block, i) as keltner_atr_end,
        max_by(adx_range_in_block, i) as adx_range_end,
        max_by(adx_plus_in_block, i) as adx_plus_end,
        max_by(adx_minus_in_block, i) as adx_minus_end
    from averaged_in_blocks
    group by source, symbol, "interval", stretch, averaged_block

),

averaged_carries as (

    select
        source, symbol, "interval", stretch,
        averaged_block,
        coalesce(lag(ema_short_end, 1) over blocks, 0) + 1.5525180923007309e-25 * coalesce(lag(ema_short_end, 2) over blocks, 0) + 2.4103124269211013e-50 * coalesce(lag(ema_short_end, 3) over blocks, 0) + 3.7420536508922929e-75 * coalesce(lag(ema_short_end, 4) over blocks, 0) as ema_short_carry,
        coalesce(lag(ema_long_end, 1) over blocks, 0) + 3.5664111279477972e-05 * coalesce(lag(ema_long_end, 2) over blocks, 0) + 1.2719288333549880e-09 * coalesce(lag(ema_long_end, 3) over blocks, 0) + 4.5362211452348893e-14 * coalesce(lag(ema_long_end, 4) over blocks, 0) as ema_long_carry,
        coalesce(lag(dema_1_end, 1) over blocks, 0) + 7.4607483585288331e-12 * coalesce(lag(dema_1_end, 2) over blocks, 0) + 5.5662766069290684e-23 * coalesce(lag(dema_1_end, 3) over blocks, 0) + 4.1528589058263483e-34 * coalesce(lag(dema_1_end, 4) over blocks, 0) as dema_1_carry,
        coalesce(lag(tema_1_end, 1) over blocks, 0) + 7.4607483585288331e-12 * coalesce(lag(tema_1_end, 2) over blocks, 0) + 5.5662766069290684e-23 * coalesce(lag(tema_1_end, 3) over blocks, 0) + 4.1528589058263483e-34 * coalesce(lag(tema_1_end, 4) over blocks, 0) as tema_1_carry,
        coalesce(lag(trix_1_end, 1) over blocks, 0) + 1.4258097287392477e-15 * coalesce(lag(trix_1_end, 2) over blocks, 0) + 2.0329333825674872e-30 * coalesce(lag(trix_1_end, 3) over blocks, 0) + 2.8985761947435099e-45 * coalesce(lag(trix_1_end, 4) over blocks, 0) as trix_1_carry,
        coalesce(lag(keltner_middle_end, 1) over blocks, 0) + 7.4607483585288331e-12 * coalesce(lag(keltner_middle_end, 2) over blocks, 0) + 5.5662766069290684e-23 * coalesce(lag(keltner_middle_end, 3) over blocks, 0) + 4.1528589058263483e-34 * coalesce(lag(keltner_middle_end, 4) over blocks, 0) as keltner_middle_carry,
        coalesce(lag(atr_end, 1) over blocks, 0) + 5.7639613090282210e-09 * coalesce(lag(atr_end, 2) over blocks, 0) + 3.3223249971974318e-17 * coalesce(lag(atr_end, 3) over blocks, 0) + 1.9149752739863289e-25 * coalesce(lag(atr_end, 4) over blocks, 0) as atr_carry,
        coalesce(lag(keltner_atr_end, 1) over blocks, 0) + 1.9323349832289036e-12 * coalesce(lag(keltner_atr_end, 2) over blocks, 0) + 3.7339184874102478e-24 * coalesce(lag(keltner_atr_end, 3) over blocks, 0) + 7.2151813177479741e-36 * coalesce(lag(keltner_atr_end, 4) over blocks, 0) as keltner_atr_carry,
        coalesce(lag(adx_range_end, 1) over blocks, 0) + 5.7639613090282210e-09 * coalesce(lag(adx_range_end, 2) over blocks, 0) + 3.3223249971974318e-17 * coalesce(lag(adx_range_end, 3) over blocks, 0) + 1.9149752739863289e-25 * coalesce(lag(adx_range_end, 4) over blocks, 0) as adx_range_carry,
        coalesce(lag(adx_plus_end, 1) over blocks, 0) + 5.7639613090282210e-09 * coalesce(lag(adx_plus_end, 2) over blocks, 0) + 3.3223249971974318e-17 * coalesce(lag(adx_plus_end, 3) over blocks, 0) + 1.9149752739863289e-25 * coalesce(lag(adx_plus_end, 4) over blocks, 0) as adx_plus_carry,
        coalesce(lag(adx_minus_end, 1) over blocks, 0) + 5.7639613090282210e-09 * coalesce(lag(adx_minus_end, 2) over blocks, 0) + 3.3223249971974318e-17 * coalesce(lag(adx_minus_end, 3) over blocks, 0) + 1.9149752739863289e-25 * coalesce(lag(adx_minus_end, 4) over blocks, 0) as adx_minus_carry
    from averaged_block_ends
    window blocks as (partition by source, symbol, "interval", stretch order by averaged_block)

),

averaged as (

    select
        averaged_in_blocks.*,
        case
            when i >= 8
                then ema_short_in_block + pow(8.0000000000000004e-01, i % 256 + 1) * ema_short_carry
        end as ema_short,
        case
            when i >= 49
                then ema_long_in_block + pow(9.6078431372549022e-01, i % 256 + 1) * ema_long_carry
        end as ema_long,
        case
            when i >= 19
                then dema_1_in_block + pow(9.0476190476190477e-01, i % 256 + 1) * dema_1_carry
        end as dema_1,
        case
            when i >= 19
                then tema_1_in_block + pow(9.0476190476190477e-01, i % 256 + 1) * tema_1_carry
        end as tema_1,
        case
            when i >= 14
                then trix_1_in_block + pow(8.7500000000000000e-01, i % 256 + 1) * trix_1_carry
        end as trix_1,
        case
            when i >= 19
                then keltner_middle_in_block + pow(9.0476190476190477e-01, i % 256 + 1) * keltner_middle_carry
        end as keltner_middle,
        case
            when i >= 14
                then atr_in_block + pow(9.2857142857142860e-01, i % 256 + 1) * atr_carry
        end as atr,
        case
            when i >= 19
                then keltner_atr_in_block + pow(9.0000000000000002e-01, i % 256 + 1) * keltner_atr_carry
        end as keltner_atr,
        case
            when i >= 13
                then adx_range_in_block + pow(9.2857142857142860e-01, i % 256 + 1) * adx_range_carry
        end as adx_range,
        case
            when i >= 13
                then adx_plus_in_block + pow(9.2857142857142860e-01, i % 256 + 1) * adx_plus_carry
        end as adx_plus,
        case
            when i >= 13
                then adx_minus_in_block + pow(9.2857142857142860e-01, i % 256 + 1) * adx_minus_carry
        end as adx_minus
    from averaged_in_blocks
    inner join averaged_carries
        using (source, symbol, "interval", stretch, averaged_block)

),

directed as (

    select
        *,
        avg(fast_k) over last_slow as slow_k,
        case when i >= 14 then case when adx_range > 0 then 100 * adx_plus / adx_range else 0 end end as plus_di,
        case when i >= 14 then case when adx_range > 0 then 100 * adx_minus / adx_range else 0 end end as minus_di
    from averaged
    window last_slow as (partition by source, symbol, "interval", stretch order by i rows between 2 preceding and current row)

),

indexed as (

    select
        *,
        avg(slow_k) over last_d as slow_d,
        case
            when plus_di + minus_di > 0 then 100 * abs(plus_di - minus_di) / (plus_di + minus_di)
            when plus_di is not null then 0
        end as dx
    from directed
    window last_d as (partition by source, symbol, "interval", stretch order by i rows between 2 preceding and current row)

),

averaged_twice_in_blocks as (

    select
        *,
        i - i % 128 as averaged_twice_block,
        pow(9.0476190476190477e-01, i % 128) * sum(
            dema_1 * case
                when i > 38 then 9.5238095238095233e-02 * pow(9.0476190476190477e-01, -(i % 128))
                when i > 18 then 2.2421587996709897e+00
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 128 order by i rows unbounded preceding) as dema_2_in_block,
        pow(9.0476190476190477e-01, i % 128) * sum(
            tema_1 * case
                when i > 38 then 9.5238095238095233e-02 * pow(9.0476190476190477e-01, -(i % 128))
                when i > 18 then 2.2421587996709897e+00
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 128 order by i rows unbounded preceding) as tema_2_in_block,
        pow(8.7500000000000000e-01, i % 128) * sum(
            trix_1 * case
                when i > 28 then 1.2500000000000000e-01 * pow(8.7500000000000000e-01, -(i % 128))
                when i > 13 then 2.8033882990185757e+00
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 128 order by i rows unbounded preceding) as trix_2_in_block,
        pow(9.2857142857142860e-01, i % 128) * sum(
            dx * case
                when i > 27 then 7.1428571428571425e-02 * pow(9.2857142857142860e-01, -(i % 128))
                when i > 13 then 5.2827300104519093e-01
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 128 order by i rows unbounded preceding) as adx_in_block
    from indexed

),

averaged_twice_block_ends as (

    select
        source, symbol, "interval", stretch,
        averaged_twice_block,
        max_by(dema_2_in_block, i) as dema_2_end,
        max_by(tema_2_in_block, i) as tema_2_end,
        max_by(trix_2_in_block, i) as trix_2_end,
        max_by(adx_in_block, i) as adx_end
    from averaged_twice_in_blocks
    group by source, symbol, "interval", stretch, averaged_twice_block

),

averaged_twice_carries as (

    select
        source, symbol, "interval", stretch,
        averaged_twice_block,
        coalesce(lag(dema_2_end, 1) over blocks, 0) + 2.7314370500761743e-06 * coalesce(lag(dema_2_end, 2) over blocks, 0) + 7.4607483585288331e-12 * coalesce(lag(dema_2_end, 3) over blocks, 0) + 2.0378564487780655e-17 * coalesce(lag(dema_2_end, 4) over blocks, 0) as dema_2_carry,
        coalesce(lag(tema_2_end, 1) over blocks, 0) + 2.7314370500761743e-06 * coalesce(lag(tema_2_end, 2) over blocks, 0) + 7.4607483585288331e-12 * coalesce(lag(tema_2_end, 3) over blocks, 0) + 2.0378564487780655e-17 * coalesce(lag(tema_2_end, 4) over blocks, 0) as tema_2_carry,
        coalesce(lag(trix_2_end, 1) over blocks, 0) + 3.7759895772356787e-08 * coalesce(lag(trix_2_end, 2) over blocks, 0) + 1.4258097287392477e-15 * coalesce(lag(trix_2_end, 3) over blocks, 0) + 5.3838426748406287e-23 * coalesce(lag(trix_2_end, 4) over blocks, 0) as trix_2_carry,
        coalesce(lag(adx_end, 1) over blocks, 0) + 7.5920756773284478e-05 * coalesce(lag(adx_end, 2) over blocks, 0) + 5.7639613090282210e-09 * coalesce(lag(adx_end, 3) over blocks, 0) + 4.3760430459335397e-13 * coalesce(lag(adx_end, 4) over blocks, 0) as adx_carry
    from averaged_twice_block_ends
    window blocks as (partition by source, symbol, "interval", stretch order by averaged_twice_block)

),

averaged_twice as (

    select
        averaged_twice_in_blocks.*,
        case
            when i >= 38
                then dema_2_in_block + pow(9.0476190476190477e-01, i % 128 + 1) * dema_2_carry
        end as dema_2,
        case
            when i >= 38
                then tema_2_in_block + pow(9.0476190476190477e-01, i % 128 + 1) * tema_2_carry
        end as tema_2,
        case
            when i >= 28
                then trix_2_in_block + pow(8.7500000000000000e-01, i % 128 + 1) * trix_2_carry
        end as trix_2,
        case
            when i >= 27
                then adx_in_block + pow(9.2857142857142860e-01, i % 128 + 1) * adx_carry
        end as adx
    from averaged_twice_in_blocks
    inner join averaged_twice_carries
        using (source, symbol, "interval", stretch, averaged_twice_block)

),

averaged_thrice_in_blocks as (

    select
        *,
        i - i % 128 as averaged_thrice_block,
        pow(9.0476190476190477e-01, i % 128) * sum(
            tema_2 * case
                when i > 57 then 9.5238095238095233e-02 * pow(9.0476190476190477e-01, -(i % 128))
                when i > 37 then 1.5014627073453429e+01
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 128 order by i rows unbounded preceding) as tema_3_in_block,
        pow(8.7500000000000000e-01, i % 128) * sum(
            trix_2 * case
                when i > 42 then 1.2500000000000000e-01 * pow(8.7500000000000000e-01, -(i % 128))
                when i > 27 then 1.8179021949189064e+01
            end
        ) over (partition by source, symbol, "interval", stretch, i - i % 128 order by i rows unbounded preceding) as trix_3_in_block
    from averaged_twice

),

averaged_thrice_block_ends as (

    select
        source, symbol, "interval", stretch,
        averaged_thrice_block,
        max_by(tema_3_in_block, i) as tema_3_end,
        max_by(trix_3_in_block, i) as trix_3_end
    from averaged_thrice_in_blocks
    group by source, symbol, "interval", stretch, averaged_thrice_block

),

averaged_thrice_carries as (

    select
        source, symbol, "interval", stretch,
        averaged_thrice_block,
        coalesce(lag(tema_3_end, 1) over blocks, 0) + 2.7314370500761743e-06 * coalesce(lag(tema_3_end, 2) over blocks, 0) + 7.4607483585288331e-12 * coalesce(lag(tema_3_end, 3) over blocks, 0) + 2.0378564487780655e-17 * coalesce(lag(tema_3_end, 4) over blocks, 0) as tema_3_carry,
        coalesce(lag(trix_3_end, 1) over blocks, 0) + 3.7759895772356787e-08 * coalesce(lag(trix_3_end, 2) over blocks, 0) + 1.4258097287392477e-15 * coalesce(lag(trix_3_end, 3) over blocks, 0) + 5.3838426748406287e-23 * coalesce(lag(trix_3_end, 4) over blocks, 0) as trix_3_carry
    from averaged_thrice_block_ends
    window blocks as (partition by source, symbol, "interval", stretch order by averaged_thrice_block)

),

averaged_thrice as (

    select
        averaged_thrice_in_blocks.*,
        case
            when i >= 57
                then tema_3_in_block + pow(9.0476190476190477e-01, i % 128 + 1) * tema_3_carry
        end as tema_3,
        case
            when i >= 42
                then trix_3_in_block + pow(8.7500000000000000e-01, i % 128 + 1) * trix_3_carry
        end as trix_3
    from averaged_thrice_in_blocks
    inner join averaged_thrice_carries
        using (source, symbol, "interval", stretch, averaged_thrice_block)

),

beside_trix as (

    select
        *,
        lag(trix_3) over (partition by source, symbol, "interval", stretch order by i) as previous_trix_3
    from averaged_thrice

),

final as (

    select
        source,
        symbol,
        "interval",
        make_timestamptz(open_us) as open_time,
        close,
        ema_short,
        ema_long,
        case when i >= 19 then 2 * wma_sum / 21 end as wma,
        2 * dema_1 - dema_2 as dema,
        3 * tema_1 - 3 * tema_2 + tema_3 as tema,
        100 * (trix_3 / previous_trix_3 - 1) as trix,
        atr,
        100 * atr / close as natr,
        plus_di,
        minus_di,
        adx,
        case when i >= 17 then slow_k end as stochastic_k,
        case when i >= 17 then slow_d end as stochastic_d,
        case when i >= 20 then obv_sum end as obv,
        case when i >= 19 then case when vwap_volume > 0 then vwap_quote_volume / vwap_volume end end as vwap,
        case when i >= 19 then case when cmf_volume > 0 then cmf_sum / cmf_volume else 0 end end as cmf,
        case when i >= 19 then case when list_avg(list_transform(cci_prices, x -> abs(x - cci_mean))) * 0.015 > 1e-14 * cci_mean then (typical_price - cci_mean) / (list_avg(list_transform(cci_prices, x -> abs(x - cci_mean))) * 0.015) else 0 end end as cci,
        case when i >= 13 then case when williams_high > williams_low then -100 * (williams_high - close) / (williams_high - williams_low) else 0 end end as williams_r,
        case when i >= 14 then case when mfi_in + mfi_out > 0 then 100 * (mfi_in / (mfi_in + mfi_out)) else 0 end end as mfi,
        100 * (close / close_before_roc - 1) as roc,
        close - close_before_momentum as momentum,
        case when i >= 14 then 100 * (14 - (i - aroon_high)) / 14 end as aroon_up,
        case when i >= 14 then 100 * (14 - (i - aroon_low)) / 14 end as aroon_down,
        case when i >= 19 then donchian_high end as donchian_upper,
        case when i >= 19 then donchian_low end as donchian_lower,
        keltner_middle,
        keltner_middle + 2 * keltner_atr as keltner_upper,
        keltner_middle - 2 * keltner_atr as keltner_lower,
        case when i >= 30 then sqrt(realised_variance * 31536000e6 / length_us) end as realised_volatility,
        case when i >= 19 then case when z_score_deviation > 1e-14 * z_score_mean then (close - z_score_mean) / (z_score_deviation) else 0 end end as z_score,
        is_filled,
        cast(make_timestamp(open_us) as date) as "date"
    from beside_trix

)

select * from final
