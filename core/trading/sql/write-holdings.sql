-- Writes what a batch has bought and sold. Columns of text, for unnest:
-- $1–$7 holdings, $8–$13 lots, $14–$17 lots that are sold
with holdings as (
  insert into trading.holdings (portfolio_id, base, quote, quantity, cost, realized_average, realized_fifo)
  select h.portfolio_id::uuid, h.base, h.quote, h.quantity::numeric, h.cost::numeric, h.realized_average::numeric,
         h.realized_fifo::numeric
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
      as h (portfolio_id, base, quote, quantity, cost, realized_average, realized_fifo)
  on conflict (portfolio_id, base, quote) do update
    set (quantity, cost, realized_average, realized_fifo) = row(
      excluded.quantity, excluded.cost, excluded.realized_average, excluded.realized_fifo)
), lots as (
  insert into trading.lots (portfolio_id, base, quote, number, quantity, unit_cost)
  select l.portfolio_id::uuid, l.base, l.quote, l.number::bigint, l.quantity::numeric, l.unit_cost::numeric
    from unnest($8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])
      as l (portfolio_id, base, quote, number, quantity, unit_cost)
  on conflict (portfolio_id, base, quote, number) do update
    set (quantity, unit_cost) = row(excluded.quantity, excluded.unit_cost)
)
delete from trading.lots l
 using unnest($14::text[], $15::text[], $16::text[], $17::text[]) as s (portfolio_id, base, quote, number)
 where l.portfolio_id = s.portfolio_id::uuid and l.base = s.base and l.quote = s.quote and l.number = s.number::bigint
