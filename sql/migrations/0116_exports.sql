-- Up Migration

-- What waits to become rows of the lake's tables about trading: accounts and orders by pseudonyms, nobody's name or address.
create schema exports;

-- Rows of trading.order_events as JSON. Who commits them to the lake deletes them in the same transaction.
create table exports.order_events (
  position bigint generated always as identity primary key,
  line text not null
);

grant usage on schema exports to ticklake_events, ticklake_ingest;
grant insert on exports.order_events to ticklake_events;
grant select, delete on exports.order_events to ticklake_ingest;

-- Down Migration
drop schema exports cascade;
