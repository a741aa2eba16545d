-- Venues' clocks, moved on by ours since they were noted.
select source, time_us + (extract(epoch from clock_timestamp() - noted_at) * 1000000)::bigint as "timeUs"
from ingest.venues
