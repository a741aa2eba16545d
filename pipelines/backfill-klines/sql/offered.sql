-- The venue's bars, and flat ones where the table does not hold one of the venue's own by now.
(
  from brought
  union all by name
  select f.* from filled f
   anti join (from leaving where not is_filled) l using (source, symbol, "interval", open_time)
  union all by name
  select l.* from leaving l semi join filled f using (source, symbol, "interval", open_time)
   where not l.is_filled
)
