-- Records differences. $1 who found them, $2 the rows as JSON. One that was resolved and is back is found anew.
insert into lake.reconciliation as known
  (run, table_name, source, symbol, "interval", open_time, field, by_channel, trusted, reason)
select $1, "table", source, symbol, "interval", "openTime", field, values, trusted, reason
  from jsonb_to_recordset($2::jsonb) as t("table" text, source text, symbol text, "interval" text, "openTime" timestamptz,
                                          field text, values jsonb, trusted text, reason text)
on conflict (table_name, source, symbol, "interval", open_time, field) do update
  set run = excluded.run, by_channel = excluded.by_channel, trusted = excluded.trusted, reason = excluded.reason,
      seen_at = clock_timestamp(), resolved_at = null,
      found_at = case when known.resolved_at is null then known.found_at else clock_timestamp() end
