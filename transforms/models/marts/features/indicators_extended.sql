-- Indicators beyond the twelve, by TA-Lib's conventions where it has them; their parameters are the variable `indicators`.
-- Where they divide by nothing, as of a flat price or without volume, they are 0, if no other value is natural.
{%- set p = var('indicators') -%}
{%- set stochastic_first = p.stochastic.k + p.stochastic.slow + p.stochastic.d - 3 %}
with bars as (

    select
        *,
        (high + low + close) / 3 as typical_price
    from {{ ref('int_numbered_bars') }}

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
        lag(close, {{ p.roc }}) over in_order as close_before_roc,
        lag(close, {{ p.momentum }}) over in_order as close_before_momentum
    from bars
    window in_order as (partition by {{ stretch() }} order by i)

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
        (avg(i * close) over last_wma) - (i - {{ p.wma }}) * (avg(close) over last_wma) as wma_sum,
        min(low) over last_stochastic as stochastic_low,
        max(high) over last_stochastic as stochastic_high,
        sum(signed_volume) over last_obv as obv_sum,
        sum(volume) over last_vwap as vwap_volume,
        sum(quote_volume) over last_vwap as vwap_quote_volume,
        sum(accumulation) over last_cmf as cmf_sum,
        sum(volume) over last_cmf as cmf_volume,
        avg(typical_price) over last_cci as cci_mean,
        {{ listed('typical_price', 'last_cci') }} as cci_prices,
        min(low) over last_williams as williams_low,
        max(high) over last_williams as williams_high,
        sum(greatest(money_flow, 0)) over last_mfi as mfi_in,
        sum(greatest(-money_flow, 0)) over last_mfi as mfi_out,
        {{ second_of('max(' ~ pair('high', 'i') ~ ') over last_aroon') }} as aroon_high,
        -({{ second_of('min(' ~ pair('low', '-i') ~ ') over last_aroon') }}) as aroon_low,
        max(high) over last_donchian as donchian_high,
        min(low) over last_donchian as donchian_low,
        sum(log_return * log_return) over last_realised_volatility as realised_variance,
        avg(close) over last_z_score as z_score_mean,
        stddev_pop(close) over last_z_score as z_score_deviation
    from beside_previous
    window
        last_wma as {{ last(p.wma) }},
        last_stochastic as {{ last(p.stochastic.k) }},
        last_obv as {{ last(p.obv) }},
        last_vwap as {{ last(p.vwap) }},
        last_cmf as {{ last(p.cmf) }},
        last_cci as {{ last(p.cci) }},
        last_williams as {{ last(p.williams) }},
        last_mfi as {{ last(p.mfi) }},
        last_aroon as {{ last(p.aroon + 1) }},
        last_donchian as {{ last(p.donchian) }},
        last_realised_volatility as {{ last(p.realised_volatility) }},
        last_z_score as {{ last(p.z_score) }}

),

placed as (

    select
        *,
        case
            when stochastic_high > stochastic_low then 100 * (close - stochastic_low) / (stochastic_high - stochastic_low) else 0
        end as fast_k
    from windowed

),

{{ exponential_averages('averaged', 'placed', [
    ema('close', p.ema_short, name='ema_short'),
    ema('close', p.ema_long, name='ema_long'),
    ema('close', p.dema, name='dema_1'),
    ema('close', p.tema, name='tema_1'),
    ema('close', p.trix, name='trix_1'),
    ema('typical_price', p.keltner.n, name='keltner_middle'),
    wilder('true_range', p.atr, first=p.atr, name='atr'),
    wilder('true_range', p.keltner.atr, first=[p.keltner.atr, p.keltner.n - 1] | max, name='keltner_atr'),
    wilder_sum('true_range', p.adx, name='adx_range'),
    wilder_sum('plus_move', p.adx, name='adx_plus'),
    wilder_sum('minus_move', p.adx, name='adx_minus'),
]) }},

directed as (

    select
        *,
        avg(fast_k) over last_slow as slow_k,
        case when i >= {{ p.adx }} then case when adx_range > 0 then 100 * adx_plus / adx_range else 0 end end as plus_di,
        case when i >= {{ p.adx }} then case when adx_range > 0 then 100 * adx_minus / adx_range else 0 end end as minus_di
    from averaged
    window last_slow as {{ last(p.stochastic.slow) }}

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
    window last_d as {{ last(p.stochastic.d) }}

),

{{ exponential_averages('averaged_twice', 'indexed', [
    ema('dema_1', p.dema, first=2 * p.dema - 2, name='dema_2'),
    ema('tema_1', p.tema, first=2 * p.tema - 2, name='tema_2'),
    ema('trix_1', p.trix, first=2 * p.trix - 2, name='trix_2'),
    wilder('dx', p.adx, first=2 * p.adx - 1, name='adx'),
]) }},

{{ exponential_averages('averaged_thrice', 'averaged_twice', [
    ema('tema_2', p.tema, first=3 * p.tema - 3, name='tema_3'),
    ema('trix_2', p.trix, first=3 * p.trix - 3, name='trix_3'),
]) }},

beside_trix as (

    select
        *,
        lag(trix_3) over (partition by {{ stretch() }} order by i) as previous_trix_3
    from averaged_thrice

),

final as (

    select
        source,
        symbol,
        "interval",
        {{ instant('open_us') }} as open_time,
        close,
        ema_short,
        ema_long,
        {{ full(p.wma, '2 * wma_sum / ' ~ (p.wma + 1)) }} as wma,
        2 * dema_1 - dema_2 as dema,
        3 * tema_1 - 3 * tema_2 + tema_3 as tema,
        100 * (trix_3 / previous_trix_3 - 1) as trix,
        atr,
        100 * atr / close as natr,
        plus_di,
        minus_di,
        adx,
        {{ full(stochastic_first + 1, 'slow_k') }} as stochastic_k,
        {{ full(stochastic_first + 1, 'slow_d') }} as stochastic_d,
        {{ full(p.obv + 1, 'obv_sum') }} as obv,
        {{ full(p.vwap, 'case when vwap_volume > 0 then vwap_quote_volume / vwap_volume end') }} as vwap,
        {{ full(p.cmf, 'case when cmf_volume > 0 then cmf_sum / cmf_volume else 0 end') }} as cmf,
        {{ full(p.cci, deviations('typical_price', 'cci_mean', mean_distance('cci_prices', 'cci_mean') ~ ' * 0.015')) }} as cci,
        {{ full(p.williams, 'case when williams_high > williams_low then -100 * (williams_high - close) / (williams_high - williams_low) else 0 end') }} as williams_r,
        {{ full(p.mfi + 1, 'case when mfi_in + mfi_out > 0 then 100 * (mfi_in / (mfi_in + mfi_out)) else 0 end') }} as mfi,
        100 * (close / close_before_roc - 1) as roc,
        close - close_before_momentum as momentum,
        {{ full(p.aroon + 1, '100 * (' ~ p.aroon ~ ' - (i - aroon_high)) / ' ~ p.aroon) }} as aroon_up,
        {{ full(p.aroon + 1, '100 * (' ~ p.aroon ~ ' - (i - aroon_low)) / ' ~ p.aroon) }} as aroon_down,
        {{ full(p.donchian, 'donchian_high') }} as donchian_upper,
        {{ full(p.donchian, 'donchian_low') }} as donchian_lower,
        keltner_middle,
        keltner_middle + {{ p.keltner.width }} * keltner_atr as keltner_upper,
        keltner_middle - {{ p.keltner.width }} * keltner_atr as keltner_lower,
        {{ full(p.realised_volatility + 1, 'sqrt(realised_variance * 31536000e6 / length_us)') }} as realised_volatility,
        {{ full(p.z_score, deviations('close', 'z_score_mean', 'z_score_deviation')) }} as z_score,
        is_filled,
        {{ utc_day('open_us') }} as "date"
    from beside_trix

)

select * from final
