-- Notes days as built, unless another build has noted them since their candles were read: then fewer rows come back. $1 days
-- as JSON, $2 the commit of trades that all intervals were made after, or null where only some were.
insert into lake.candle_days as built (source, listing, day, trades_seq, builds, is_whole)
select source, listing, day, $2, builds + 1, "isWhole"
  from jsonb_to_recordset($1::jsonb) as t(source text, listing text, day date, builds bigint, "isWhole" boolean)
on conflict (source, listing, day) do update
  set trades_seq = coalesce(excluded.trades_seq, built.trades_seq), builds = excluded.builds,
      is_whole = excluded.is_whole, built_at = clock_timestamp()
where built.builds = excluded.builds - 1
returning 1
