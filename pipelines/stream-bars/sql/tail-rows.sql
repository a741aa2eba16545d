-- Rows beside which crossings are looked for: of each market and interval the newest that had a side, and those that came.
delete from tail.rows using tail.newest n
where tail.rows.source = n.source and tail.rows.symbol = n.symbol and tail.rows."interval" = n."interval"
  and tail.rows.open_time = n.open_time;

insert into tail.rows by name from tail.newest;
