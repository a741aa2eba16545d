-- Runs of minutes without a trade: of each market, and of the whole venue (market '') where at least half of its usual
-- markets, and more than one, are known. Table `bars` has a market's minutes (since 1970) and their trades. `usual` is the
-- length of silence that all but one in a hundred trades end: longer ones are judged by it.
create or replace temp table silences as
with together as (
  select minute, sum(trades) as trades, count(*) as markets from bars group by minute
),
minutes as (
  select symbol, minute, trades, 1 as markets from bars
  union all
  select '', minute, trades, markets
  from together
  where markets > 1 and markets * 2 >= (select median(markets) from together)
),
paced as (
  select symbol, minute - lag(minute) over (partition by symbol order by minute) - 1 as silence from minutes where trades > 0
),
usual as (
  select symbol, count(*) as traded, coalesce(quantile_disc(silence, 0.99), 0) as usual from paced group by symbol
),
silent as (
  select symbol, minute, markets, minute - row_number() over (partition by symbol order by minute) as run
  from minutes
  where trades = 0
)
select
  s.symbol, min(s.minute) as lo, max(s.minute) + 1 as hi, count(*) as minutes, min(s.markets) as markets,
  any_value(u.usual) as usual, any_value(u.traded) as traded,
  max(s.minute) = (select max(minute) from minutes m where m.symbol = s.symbol) as is_last
from silent s
left join usual u using (symbol)
group by s.symbol, s.run
