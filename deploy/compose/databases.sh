#!/bin/sh
# Run once by the PostgreSQL image on an empty data folder: a role and a database for each service, closed to the others.
set -eu
for service in intake tier1 tier2 tier3 notifier; do
  psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -v service="$service" -v password="$TIERLINE_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE :"service" LOGIN PASSWORD :'password';
CREATE DATABASE :"service" OWNER :"service";
REVOKE CONNECT ON DATABASE :"service" FROM PUBLIC;
SQL
done
