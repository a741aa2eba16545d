-- Promises a turn: takes the weight from the bucket, below zero if need be, and says how long to wait until it has
-- filled up to zero again. No row where that is longer than allowed: then nothing is taken.
-- $1 source, $2 burst, $3 tokens a second, $4 weight, $5 longest wait in ms
insert into jobs.budgets as b (source, tokens, filled_at)
values ($1, $2::float8 - $4::float8, clock_timestamp())
on conflict (source) do update
  set tokens = least($2::float8, b.tokens + $3::float8 * extract(epoch from clock_timestamp() - b.filled_at)::float8)
                 - $4::float8,
      filled_at = clock_timestamp()
  where greatest(
      $4::float8 - least($2::float8, b.tokens + $3::float8 * extract(epoch from clock_timestamp() - b.filled_at)::float8),
      extract(epoch from b.paused_until - clock_timestamp())::float8 * $3::float8
    ) <= $5::float8 / 1000 * $3::float8
returning ceil(1000 * greatest(
    0,
    -b.tokens / $3::float8,
    extract(epoch from b.paused_until - clock_timestamp())::float8
  ))::int as wait_ms
