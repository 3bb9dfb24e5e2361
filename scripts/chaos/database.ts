/**
 * The database of a run: a PostgreSQL of its own, which can be crashed and started again, or a database of its own name
 * on a server that is there.
 */
import * as EmbeddedPostgres from "@tickettoken/order-server/embedded/EmbeddedPostgres"
import * as SqlLayer from "@tickettoken/order-server/sql/SqlLayer"
import { freePort } from "@tickettoken/order-testing/chaos/freePort"
import type { ChaosDatabase, OwnDatabase } from "@tickettoken/order-testing/chaos/Injector"
import { Duration, Effect, Exit, Redacted, Ref, Schedule, Schema, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { randomUUID } from "node:crypto"
import * as path from "node:path"

export interface RunDatabase {
  readonly url: Redacted.Redacted
  readonly database: ChaosDatabase
}

/** The service's own name in `pg_stat_activity`. */
const SERVICE = "tickettoken-orders"

/** The database may be starting again at this moment. */
const patiently = { schedule: Schedule.spaced("200 millis"), times: 150 }

/** One statement on a connection of its own, so that no session of ours is among those that are ended. */
const rowsOf = (url: Redacted.Redacted, statement: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe<object>(statement)).pipe(
    Effect.provide(SqlLayer.layer({ url, poolSize: 1, applicationName: "chaos", connectTimeout: Duration.seconds(5) })),
    Effect.retry(patiently),
    Effect.orDie
  )

const databaseAt = (url: Redacted.Redacted, own: OwnDatabase | null): RunDatabase => ({
  url,
  database: {
    own,
    rows: (statement) => rowsOf(url, statement),
    terminateSessions: (count) =>
      Effect.map(
        rowsOf(
          url,
          `select pg_terminate_backend(pid) from (select pid from pg_stat_activity
             where application_name = '${SERVICE}' and datname = current_database()
             order by (state = 'active') desc, random() limit ${count}) as chosen`
        ),
        (rows) => rows.length
      )
  }
})

const Processes = Schema.Array(Schema.Struct({ pid: Schema.Int }))

/** A PostgreSQL of the run's own in this folder. Its commits survive a crash, as those of a real one do. */
export const openEmbedded = Effect.fn("chaos.openEmbedded")(function* (folder: string) {
  const dataFolder = path.join(folder, "postgres")
  const start = (port: number) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const server = yield* Scope.provide(EmbeddedPostgres.start({ dataFolder, port }), scope).pipe(
        Effect.retry(patiently),
        Effect.orDie
      )
      return { scope, server }
    })
  const running = yield* Effect.acquireRelease(Effect.flatMap(Effect.flatMap(freePort, start), Ref.make), (ref) =>
    Effect.flatMap(Ref.get(ref), ({ scope }) => Scope.close(scope, Exit.void))
  )
  const { port, url } = (yield* Ref.get(running)).server
  const stopped = yield* Ref.make<ReadonlyArray<number>>([])
  const restart = Effect.gen(function* () {
    const { scope, server } = yield* Ref.get(running)
    // What does not run can not end: a process that was stopped goes first.
    for (const pid of yield* Ref.getAndSet(stopped, [])) process.kill(pid, "SIGKILL")
    // An immediate shutdown: no checkpoint, every session cut, recovery from the log at the next start.
    process.kill(server.pid, "SIGQUIT")
    yield* Scope.close(scope, Exit.void)
    yield* Ref.set(running, yield* start(port))
  })
  const forget = Effect.gen(function* () {
    yield* rowsOf(url, "alter system set synchronous_commit = off")
    yield* rowsOf(url, "select pg_reload_conf()")
    const writers = yield* rowsOf(url, "select pid from pg_stat_activity where backend_type = 'walwriter'")
    const pids = (yield* Effect.orDie(Schema.decodeUnknownEffect(Processes)(writers))).map(({ pid }) => pid)
    for (const pid of pids) process.kill(pid, "SIGSTOP")
    yield* Ref.update(stopped, (all) => [...all, ...pids])
  })
  return databaseAt(url, { restart: Effect.uninterruptible(restart), forget: Effect.uninterruptible(forget) })
})

/** A new database on a server that is there. It can not be crashed, so that fault is left out. */
export const openOn = Effect.fn("chaos.openOn")(function* (adminUrl: Redacted.Redacted) {
  const name = `chaos_${randomUUID().replaceAll("-", "")}`
  yield* Effect.acquireRelease(rowsOf(adminUrl, `create database ${name}`), () =>
    rowsOf(adminUrl, `drop database ${name} with (force)`)
  )
  const url = new URL(Redacted.value(adminUrl))
  url.pathname = `/${name}`
  return databaseAt(Redacted.make(url.href), null)
})
