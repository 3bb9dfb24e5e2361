/** What callers see when the database is slow, locked, read-only, killed or not there at all. */
import { assert, layer } from "@effect/vitest"
import { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { databaseChecks } from "@tickettoken/order-server/fsck/DatabaseChecks"
import { slotOf } from "@tickettoken/order-server/sql/ChoreSlots"
import * as PostgresLayer from "@tickettoken/order-server/sql/PostgresLayer"
import * as SqlLayer from "@tickettoken/order-server/sql/SqlLayer"
import { orUnavailable } from "@tickettoken/order-server/sql/sqlFailures"
import { inTenant, UnitLimits, unitLimits } from "@tickettoken/order-server/sql/TenantTransaction"
import {
  assertSameOrder,
  create,
  createPayable,
  deciding,
  reload
} from "@tickettoken/order-testing/contracts/storeFixture"
import { freshBuyer } from "@tickettoken/order-testing/TestOrders"
import {
  Cause,
  Context,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Redacted,
  Ref,
  References,
  Schedule
} from "effect"
import { SqlClient } from "effect/sql"
import * as net from "node:net"
import { everySlotWorks } from "../faults/support/everySlot.ts"
import { anotherNode, asDeployed, DatabaseUrl, layerStore, POOL_SIZE } from "./database.ts"

/** Runs in a session of its own, in a transaction that ends with the scope. */
const session = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const connection = yield* sql.reserve
  const run = (text: string) => Effect.orDie(connection.executeUnprepared(text, [], undefined))
  yield* Effect.acquireRelease(run("begin"), () => run("rollback"))
  return run
})

const unavailableOf = <A, E>(exit: Exit.Exit<A, E>): ServiceUnavailable | string => {
  if (Exit.isSuccess(exit)) return "ok"
  const error = Cause.squash(exit.cause)
  return error instanceof ServiceUnavailable ? error : `not ServiceUnavailable: ${String(error)}`
}

/** A server that takes connections; what it does with them is the test's. */
const listen = (onSocket: (socket: net.Socket) => void) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly close: Effect.Effect<void> }>((resume) => {
      const sockets = new Set<net.Socket>()
      const server = net.createServer((socket) => {
        sockets.add(socket)
        socket.on("error", () => socket.destroy())
        onSocket(socket)
      })
      const close = Effect.sync(() => {
        for (const socket of sockets) socket.destroy()
        server.close()
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed({ close, port: address !== null && typeof address === "object" ? address.port : 0 }))
      })
    }),
    ({ close }) => close
  )

const storeAt = (url: URL, connectTimeout: Duration.Input = "1 minute") =>
  Layer.build(
    PostgresLayer.layer().pipe(
      Layer.provideMerge(SqlLayer.layer({ url: Redacted.make(url.href), poolSize: 2, connectTimeout }))
    )
  )

/** Does not wait long for a unit. */
const hastily = Effect.provideService(UnitLimits, { ...unitLimits, wait: Duration.millis(400) })

/** Every outage is warned of, and here they are meant to be. */
const layerQuiet = Layer.mergeAll(layerStore, asDeployed, Layer.succeed(References.MinimumLogLevel, "Error"))

layer(layerQuiet, { excludeTestServices: true, timeout: "300 seconds" })("outages of the database", (it) => {
  it.effect("a lock that is not given in two seconds is an outage of one record, and nothing is written", () =>
    Effect.gen(function* () {
      const order = yield* createPayable(yield* freshBuyer)
      const decision = yield* deciding(order, OrderCommand.Reserve())
      const store = yield* OrderStore
      yield* Effect.gen(function* () {
        const run = yield* session
        yield* run(`select 1 from orders where id = '${order.id}' for update`)
        const error = unavailableOf(yield* Effect.exit(store.commit({ decision })))
        assert.deepInclude(error, { service: "database", why: "the record is in use", retryAfterSeconds: 1 })
      }).pipe(Effect.scoped)
      assertSameOrder(yield* reload(order), order)
      yield* store.commit({ decision })
    })
  )

  it.effect("two units that lock each other out both succeed in the end", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { tenantId, userId: first } = yield* freshBuyer
      const { userId: second } = yield* freshBuyer
      const lock = (user: string) => sql`insert into quota_user (tenant_id, user_id) values (${tenantId}, ${user})
        on conflict (tenant_id, user_id) do update set user_id = excluded.user_id`
      yield* inTenant(tenantId, Effect.andThen(lock(first), lock(second)))
      const attempts = yield* Ref.make(0)
      const bothHold = yield* Deferred.make<void>()
      const unit = (one: string, other: string) =>
        inTenant(
          tenantId,
          Effect.gen(function* () {
            yield* lock(one)
            if ((yield* Ref.updateAndGet(attempts, (n) => n + 1)) >= 2) yield* Deferred.succeed(bothHold, undefined)
            yield* Deferred.await(bothHold)
            yield* lock(other)
          })
        )
      yield* Effect.all([unit(first, second), unit(second, first)], { concurrency: "unbounded" })
      assert.strictEqual(yield* Ref.get(attempts), 3)
    })
  )

  it.effect("a session that is killed in mid-unit is an outage, and nothing of it is left", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const killer = Context.get(yield* anotherNode, SqlClient.SqlClient)
      const { tenantId, userId } = yield* freshBuyer
      const unit = inTenant(
        tenantId,
        Effect.gen(function* () {
          yield* sql`insert into quota_user (tenant_id, user_id) values (${tenantId}, ${userId})`
          const [own] = yield* sql<{ pid: number }>`select pg_backend_pid() as pid`
          yield* killer`select pg_terminate_backend(${own?.pid ?? 0})`
          yield* sql`select 1`
        })
      )
      for (let n = 0; n < POOL_SIZE; n++) {
        const error = unavailableOf(yield* Effect.exit(orUnavailable(unit)))
        assert.deepInclude(error, { service: "database", retryAfterSeconds: 2 })
      }
      assert.deepStrictEqual(yield* sql`select 1 from quota_user where tenant_id = ${tenantId}`, [])
      yield* everySlotWorks
    }).pipe(Effect.scoped)
  )

  it.effect("sessions killed at random under load: every answer is typed, and every acknowledged order is there", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const killer = Context.get(yield* anotherNode, SqlClient.SqlClient)
      const kills = yield* Ref.make(0)
      const kill = killer<{ killed: number }>`
        select count(pg_terminate_backend(pid))::int as killed from (
          select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
            and application_name = 'test' and state <> 'idle' limit 1
        ) victim`.pipe(
        Effect.tap(([row]) => Ref.update(kills, (n) => n + (row?.killed ?? 0))),
        Effect.repeat(Schedule.spaced("5 millis"))
      )
      // The killer's own pool is spared by its name.
      yield* killer`select set_config('application_name', 'killer', false)`
      const killing = yield* Effect.forkScoped(kill)
      const some = Effect.all(
        Array.from({ length: 300 }, () => Effect.flatMap(freshBuyer, (buyer) => Effect.exit(create(buyer)))),
        { concurrency: 24 }
      )
      const exits = [...(yield* some)]
      while (!exits.some(Exit.isFailure)) exits.push(...(yield* some))
      yield* Fiber.interrupt(killing)
      const refused = exits.filter(Exit.isFailure).map(unavailableOf)
      assert.isAbove(yield* Ref.get(kills), 0)
      assert.isTrue(
        refused.every((error) => error instanceof ServiceUnavailable),
        String(refused.find((error) => !(error instanceof ServiceUnavailable)))
      )
      for (const exit of exits.filter(Exit.isSuccess))
        assertSameOrder(yield* reload(exit.value.order), exit.value.order)
      // An order is there as a whole, or not at all, acknowledged or not.
      const halves = yield* sql`
        select o.id from orders o
        where not exists (select 1 from order_items i where i.order_id = o.id)
          or not exists (select 1 from outbox m where m.order_id = o.id and m.version = o.version)
          or not exists (select 1 from order_work k where k.order_id = o.id)`
      assert.deepStrictEqual(halves, [])
      yield* everySlotWorks
    }).pipe(Effect.scoped)
  )

  it.effect("an interrupted unit leaves nothing and gives its place back", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { tenantId, userId } = yield* freshBuyer
      const begun = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        inTenant(
          tenantId,
          Effect.gen(function* () {
            yield* sql`insert into quota_user (tenant_id, user_id) values (${tenantId}, ${userId})`
            yield* Deferred.succeed(begun, undefined)
            yield* sql`select pg_sleep(4)`
          })
        )
      )
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* sql`select 1 from quota_user where tenant_id = ${tenantId}`, [])
      yield* everySlotWorks
    })
  )

  it.effect("a database that only reads refuses writes as an outage, and still answers questions", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const order = yield* createPayable(yield* freshBuyer)
      const [row] = yield* sql<{ name: string }>`select current_database() as name`
      const readOnly = (value: string) =>
        Effect.orDie(sql.unsafe(`alter database ${row?.name ?? ""} set default_transaction_read_only = ${value}`))
      yield* Effect.acquireRelease(readOnly("on"), () => readOnly("off"))
      const store = Context.get(yield* anotherNode, OrderStore)
      const decision = yield* deciding(order, OrderCommand.Reserve())
      const error = unavailableOf(yield* Effect.exit(store.commit({ decision })))
      assert.deepInclude(error, { service: "database", why: "it does not take requests now" })
      assertSameOrder((yield* store.load(order.tenantId, order.id)).order, order)
    }).pipe(Effect.scoped)
  )

  it.effect("a database that does not answer, at once or in mid-unit, is an outage within the time of a unit", () =>
    Effect.gen(function* () {
      const order = yield* createPayable(yield* freshBuyer)
      const silent = new URL("postgresql://nobody@127.0.0.1/none")
      silent.port = String((yield* listen(() => undefined)).port)
      const nowhere = Context.get(yield* storeAt(silent, "300 millis"), OrderStore)
      const atOnce = unavailableOf(yield* Effect.exit(nowhere.load(order.tenantId, order.id)))
      assert.deepInclude(atOnce, { service: "database", why: "the connection failed" })

      // In front of the real one, and frozen once a session stands.
      const real = new URL(Redacted.value(yield* DatabaseUrl))
      let frozen = false
      const through = new URL(real.href)
      const proxy = yield* listen((socket) => {
        const upstream = net.connect(Number(real.port), real.hostname)
        upstream.on("error", () => socket.destroy())
        socket.on("close", () => upstream.destroy())
        socket.on("data", (bytes) => (frozen ? undefined : upstream.write(bytes)))
        upstream.on("data", (bytes) => (frozen ? undefined : socket.write(bytes)))
      })
      through.port = String(proxy.port)
      const store = Context.get(yield* storeAt(through), OrderStore)
      assertSameOrder((yield* store.load(order.tenantId, order.id)).order, order)
      frozen = true
      const exit = yield* hastily(Effect.exit(store.load(order.tenantId, order.id)))
      assert.deepInclude(unavailableOf(exit), { service: "database", why: "it took too long" })
      // A pool that closes waits for its sessions: this one learns now that its session is gone.
      yield* proxy.close
    }).pipe(Effect.scoped)
  )

  it.effect("what is asked outside of a unit waits no longer than a unit while all connections are taken", () =>
    Effect.gen(function* () {
      yield* Effect.forEach(Array.from({ length: POOL_SIZE }), () => session, { discard: true })
      const outside = databaseChecks.filter(({ part }) => ["roles", "keys", "sessions"].includes(part))
      assert.lengthOf(outside, 3)
      const asked: ReadonlyArray<Effect.Effect<unknown, ServiceUnavailable, SqlClient.SqlClient>> = [
        slotOf(Duration.seconds(30)),
        ...outside.map(({ find }) => find({ tenantId: null, atRest: false }))
      ]
      for (const ask of asked) {
        const exit = yield* hastily(Effect.exit(ask))
        assert.deepInclude(unavailableOf(exit), { service: "database", why: "it took too long" })
      }
    }).pipe(Effect.scoped)
  )

  it.effect("a bug of ours is a defect and no outage", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { tenantId } = yield* freshBuyer
      const exit = yield* Effect.exit(orUnavailable(inTenant(tenantId, sql`select nothing from nowhere`)))
      const message = Exit.isFailure(exit) && Cause.hasDies(exit.cause) ? String(Cause.squash(exit.cause)) : "ok"
      assert.include(message, `42P01 relation "nowhere" does not exist`)
      const nested = yield* Effect.exit(inTenant(tenantId, inTenant(tenantId, sql`select 1`)))
      assert.isTrue(Exit.isFailure(nested) && Cause.hasDies(nested.cause))
    })
  )

  it.effect("a row that is no order dies with its id, and says what is wrong with it", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const order = yield* createPayable(yield* freshBuyer)
      yield* sql.withTransaction(
        Effect.andThen(
          sql`set local session_replication_role = replica`,
          sql`update orders set terms = '{}' where id = ${order.id}`
        )
      )
      const exit = yield* Effect.exit(reload(order))
      const message = Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "ok"
      assert.include(message, `the row of order ${order.id} is no PENDING order`)
      assert.include(message, "terms")
    })
  )
})
