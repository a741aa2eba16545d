-- Keeps signals that were not said yet, in the order of time, where they are not the direction that was said last. $1 signals
-- as JSON.
with said as (
  select s.*, row_number() over (partition by strategy, source, symbol, "interval" order by open_us) as place,
         lag(s.signal) over (partition by strategy, source, symbol, "interval" order by open_us) as signal_before
    from jsonb_to_recordset($1::jsonb) as s(
           strategy text, version text, source text, symbol text, "interval" text, open_us bigint, signal text,
           price numeric, reason text, sma_50 double precision, sma_200 double precision, revision integer)
)
insert into stream.signals (signal_id, strategy, version, source, symbol, "interval", open_time, signal, price, reason,
                            sma_50, sma_200, revision)
select gen_random_uuid(), strategy, version, source, symbol, "interval", t.open_time, signal, price, reason, sma_50,
       sma_200, revision
  from said,
       lateral (select 'epoch'::timestamptz + open_us * interval '1 microsecond' as open_time) t
 where signal is distinct from coalesce(signal_before, (
         select known.signal from stream.signals known
          where known.strategy = said.strategy and known.source = said.source and known.symbol = said.symbol
            and known."interval" = said."interval" and known.open_time < t.open_time
          order by known.open_time desc limit 1))
on conflict (strategy, source, symbol, "interval", open_time) do nothing
returning 1
