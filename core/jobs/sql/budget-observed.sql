-- Lowers the bucket to what the venue itself says is left; what is promised to those who wait stays promised.
-- $1 source, $2 burst, $3 tokens a second, $4 left in the venue's minute
insert into jobs.budgets as b (source, tokens, filled_at)
values ($1, least($2::float8, $4::float8), clock_timestamp())
on conflict (source) do update
  set tokens = least(
        least($2::float8, b.tokens + $3::float8 * extract(epoch from clock_timestamp() - b.filled_at)::float8),
        $4::float8 + least(b.tokens, 0)
      ),
      filled_at = clock_timestamp()
