-- The universe of each source ($1, or all) that held at $2 (or last), as it was known at $3 (or when it was chosen).
with held as (
  select distinct on (source) source, valid_from, recorded_at
    from universe.discoveries
   where ($1::text is null or source = $1) and ($2::timestamptz is null or valid_from <= $2)
     and ($3::timestamptz is null or recorded_at <= $3)
   order by source, valid_from desc, recorded_at desc
), asked as (
  select source, coalesce($2, valid_from) as as_of, coalesce($3, recorded_at) as known_at from held
)
select m.source, m.symbol, m.listing_id as "listingId", m.base, m.quote, m.status, m.filters, m.rank, m.liquidity,
       jobs.iso(m.valid_from) as "validFrom",
       case when m.valid_to < 'infinity' then jobs.iso(m.valid_to) end as "validTo",
       jobs.iso(m.recorded_at) as "recordedAt"
  from asked a
  join universe.members m on m.source = a.source and m.valid_from <= a.as_of and m.valid_to > a.as_of
   and m.recorded_at <= a.known_at and m.superseded_at > a.known_at
 order by m.source, m.rank
