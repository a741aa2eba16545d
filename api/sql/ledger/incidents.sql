-- Incidents that touch a time, as they are known or were known at a time of ours, the newest first.
-- $1 source, $2 symbol, $3 kind, $4 from and $5 to (µs), $6 known at: null is all, and now; $7 begin and $8 id of the last
-- one of the page before, $9 limit
select incident_id as "incidentId", source, symbol, kind, from_us as "fromUs", to_us as "toUs", cause, evidence,
       found_by as "foundBy", jobs.iso(recorded_at) as "recordedAt"
  from lake.incidents
 where ($1::text is null or source = $1) and ($2::text is null or symbol is null or symbol = $2)
   and ($3::text is null or kind = $3)
   and ($4::bigint is null or to_us is null or to_us > $4) and ($5::bigint is null or from_us < $5)
   and case when $6::timestamptz is null then superseded_at = 'infinity'
            else recorded_at <= $6 and superseded_at > $6 end
   and ($7::bigint is null or (from_us, incident_id) < ($7, $8::bigint))
 order by from_us desc, incident_id desc limit $9
