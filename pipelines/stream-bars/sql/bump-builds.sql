-- Notes that candles of days were made, unless they were made meanwhile: then fewer rows come back. $1 sources, $2 listings,
-- $3 days, $4 how often they had been made.
insert into lake.candle_days as built (source, listing, day, trades_seq, builds, is_whole)
select source, listing, day, null, builds + 1, false
  from unnest($1::text[], $2::text[], $3::date[], $4::bigint[]) as t(source, listing, day, builds)
on conflict (source, listing, day) do update
  set builds = excluded.builds
where built.builds = excluded.builds - 1
returning 1
