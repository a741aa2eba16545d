-- Adds to figures. Columns of text, for unnest: $1–$7 changes, $8–$19 fills, $20–$23 activity
with changes as (
  insert into analytics.changes as kept (portfolio_id, hour_us, asset, amount, flows, number_first, number_last)
  select c.portfolio_id::uuid, c.hour_us::bigint, c.asset, c.amount::numeric, c.flows::bigint, c.number_first::bigint,
         c.number_last::bigint
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
      as c (portfolio_id, hour_us, asset, amount, flows, number_first, number_last)
  on conflict (portfolio_id, hour_us, asset) do update
    set amount = kept.amount + excluded.amount,
        flows = kept.flows + excluded.flows,
        number_first = least(kept.number_first, excluded.number_first),
        number_last = greatest(kept.number_last, excluded.number_last)
), fills as (
  insert into analytics.fills as kept (portfolio_id, hour_us, source, symbol, side, quote, fills, quantity, volume, fees,
    realized_average, realized_fifo)
  select f.portfolio_id::uuid, f.hour_us::bigint, f.source, f.symbol, f.side, f.quote, f.fills::bigint,
         f.quantity::numeric, f.volume::numeric, f.fees::numeric, f.realized_average::numeric,
         f.realized_fifo::numeric
    from unnest($8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
                $16::text[], $17::text[], $18::text[], $19::text[])
      as f (portfolio_id, hour_us, source, symbol, side, quote, fills, quantity, volume, fees, realized_average,
            realized_fifo)
  on conflict (portfolio_id, hour_us, source, symbol, side) do update
    set fills = kept.fills + excluded.fills,
        quantity = kept.quantity + excluded.quantity,
        volume = kept.volume + excluded.volume,
        fees = kept.fees + excluded.fees,
        realized_average = kept.realized_average + excluded.realized_average,
        realized_fifo = kept.realized_fifo + excluded.realized_fifo
)
insert into analytics.activity as kept (portfolio_id, hour_us, type, events)
select a.portfolio_id::uuid, a.hour_us::bigint, a.type, a.events::bigint
  from unnest($20::text[], $21::text[], $22::text[], $23::text[]) as a (portfolio_id, hour_us, type, events)
on conflict (portfolio_id, hour_us, type) do update set events = kept.events + excluded.events
