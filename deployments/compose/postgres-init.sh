#!/bin/sh
# Roles and databases, once, when the volume is empty: an owner, a reader that can't write, Prefect's.
set -eu
psql -v ON_ERROR_STOP=1 --username postgres \
    -v owner_password="$CLOSEBELL_DB_PASSWORD" \
    -v reader_password="$CLOSEBELL_READER_PASSWORD" \
    -v prefect_password="$PREFECT_DB_PASSWORD" <<'SQL'
CREATE ROLE "closebell" LOGIN PASSWORD :'owner_password';
CREATE ROLE "closebell_reader" LOGIN PASSWORD :'reader_password';
CREATE ROLE "prefect" LOGIN PASSWORD :'prefect_password';
CREATE DATABASE closebell OWNER closebell TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';
CREATE DATABASE prefect OWNER prefect;
\connect prefect
CREATE EXTENSION IF NOT EXISTS pg_trgm;
\connect closebell
ALTER SCHEMA public OWNER TO closebell;
SET ROLE closebell;
CREATE SCHEMA IF NOT EXISTS "public";
GRANT USAGE ON SCHEMA "public" TO "closebell_reader";
GRANT SELECT ON ALL TABLES IN SCHEMA "public" TO "closebell_reader";
ALTER DEFAULT PRIVILEGES FOR ROLE "closebell" IN SCHEMA "public" GRANT SELECT ON TABLES TO "closebell_reader";
RESET ROLE;
GRANT CREATE ON DATABASE closebell TO closebell;
SET ROLE closebell;
CREATE SCHEMA IF NOT EXISTS "sample";
GRANT USAGE ON SCHEMA "sample" TO "closebell_reader";
GRANT SELECT ON ALL TABLES IN SCHEMA "sample" TO "closebell_reader";
ALTER DEFAULT PRIVILEGES FOR ROLE "closebell" IN SCHEMA "sample" GRANT SELECT ON TABLES TO "closebell_reader";
RESET ROLE;
ALTER ROLE "closebell_reader" SET default_transaction_read_only = on;
SQL
