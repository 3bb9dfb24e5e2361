/**
 * The connection pool to PostgreSQL.
 *
 * Names of columns are not rewritten anywhere: what stands in a statement stands in the table, and the keys inside
 * stored JSON are left alone.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import type { Duration, Layer, Redacted } from "effect"
import type { SqlClient, SqlError } from "effect/sql"

export interface Options {
  /** `postgres://user:password@host:port/database`. */
  readonly url: Redacted.Redacted
  /** How many sessions this process holds at most. */
  readonly poolSize: number
  readonly connectTimeout?: Duration.Input | undefined
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string | undefined
}

/** Connections are opened as they are needed: an absent server is not noticed here but by the first unit of work. */
export const layer = (options: Options): Layer.Layer<SqlClient.SqlClient | PgClient.PgClient, SqlError.SqlError> =>
  PgClient.layer({
    url: options.url,
    maxConnections: options.poolSize,
    connectTimeout: options.connectTimeout,
    applicationName: options.applicationName ?? "tickettoken-orders"
  })
