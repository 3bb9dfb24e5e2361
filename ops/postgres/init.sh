#!/usr/bin/env bash
# Run by the PostgreSQL image on its first start.
set -euo pipefail
psql --username "$POSTGRES_USER" -v database=orders -v owner=orders_owner -v service=orders_service \
  -f /opt/orders/roles.sql
