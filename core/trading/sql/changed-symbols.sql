-- Rules of the markets that were noted since a minute before a moment: what was under way then counts, too.
select source, symbol, base, quote, status, tick_size as "tickSize", step_size as "stepSize",
  min_notional as "minNotional", updated_at as "updatedAt"
from ingest.symbols
where updated_at > $1::timestamptz - interval '1 minute'
