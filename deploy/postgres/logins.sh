#!/usr/bin/env bash
# Runs once, when the database is made: a login for each role, in the group that the migrations give rights to.
set -euo pipefail

psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" \
  --set=ingest_password="$INGEST_PASSWORD" --set=api_password="$API_PASSWORD" \
  --set=trader_password="$TRADER_PASSWORD" --set=events_password="$EVENTS_PASSWORD" <<'SQL'
create role ticklake_ingest nologin;
create role ticklake_api nologin;
create role ticklake_trader nologin;
create role ticklake_events nologin;
create role ticklake_login_ingest login password :'ingest_password' in role ticklake_ingest;
create role ticklake_login_api login password :'api_password' in role ticklake_api;
create role ticklake_login_trader login password :'trader_password' in role ticklake_trader;
create role ticklake_login_events login password :'events_password' in role ticklake_events;
SQL
