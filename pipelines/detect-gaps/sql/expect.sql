-- Forgets that windows were not asked for, or were more than an archive's file had: now they are wanted.
select lake.forget_explained(x.table_name, x.source, x.listing, x."interval", greatest(x.lo, w.lo), least(x.hi, w.hi))
  from jsonb_to_recordset($1::jsonb) as w("table" text, source text, listing text, "interval" text, lo bigint, hi bigint)
  join lake.explained x
    on x.table_name = w."table" and x.source = w.source and x.listing = w.listing
   and x."interval" = coalesce(w."interval", '') and x.lo < w.hi and x.hi > w.lo
 where x.cause in ('not_requested', 'partial_source')
