/**
 * Faults of the database under the whole service: sessions killed, read-only, locks held by a frozen process, many
 * workers on few orders. Every answer is typed, what was acknowledged is there, nothing is done twice, and the pool is
 * whole again afterwards.
 */
import { assert, layer } from "@effect/vitest"
import { reserveOrder } from "@tickettoken/order-domain/workflows/ReserveOrder"
import { cancelOrder } from "@tickettoken/order-domain/workflows/CancelOrder"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import * as Sweeper from "@tickettoken/order-server/jobs/Sweeper"
import { UnitLimits, unitLimits } from "@tickettoken/order-server/sql/TenantTransaction"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { Context, Effect, Fiber, Layer, Redacted, Ref, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { anotherNode, DatabaseUrl, layerStore } from "../sql/database.ts"
import { createOrder, newOrder, person } from "../http/support/buyer.ts"
import { eventually } from "../http/support/eventually.ts"
import { live } from "../http/support/everyStore.ts"
import { at } from "../http/support/send.ts"
import { serverOver } from "../http/support/testServer.ts"
import { askAgain, assertTypedAnswers, shop } from "./support/customers.ts"
import { everySlotWorks } from "./support/everySlot.ts"
import { freezeWithLock } from "./support/frozenProcess.ts"
import { rounds } from "./support/scale.ts"
import {
  answered,
  atOnce,
  breaks,
  buy,
  buyerOf,
  comeToRest,
  RACE_MILLIS_MAX,
  secondNode,
  showOf,
  shows,
  someone,
  stored,
  suite,
  worldWith
} from "./support/world.ts"

/** A server over PostgreSQL with its sweeper, as it runs. */
const service = Sweeper.layer.pipe(Layer.provideMerge(serverOver(Layer.merge(layerStore, ScriptedFaults.layer))))

const KILLS = rounds(50)

layer(service, live)("F08 sessions killed at random under load", (it) => {
  it.effect(
    `${KILLS} kills: typed answers, nothing lost, nothing done twice, every slot of the pool back`,
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const killer = Context.get(yield* anotherNode, SqlClient.SqlClient)
        // The killer's own pool is spared by its name.
        yield* killer`select set_config('application_name', 'killer', false)`
        const kills = yield* Ref.make(0)
        const killing = yield* killer<{ killed: number }>`
          select count(pg_terminate_backend(pid))::int as killed from (
            select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
              and application_name = 'test' and state <> 'idle' order by random() limit 1
          ) victim`.pipe(
          Effect.tap(([row]) => Ref.update(kills, (n) => n + (row?.killed ?? 0))),
          Effect.repeat({
            schedule: Schedule.spaced("10 millis"),
            while: (): Effect.Effect<boolean> => Effect.map(Ref.get(kills), (n) => n < KILLS)
          }),
          Effect.forkScoped
        )
        const customers: Array<Effect.Success<ReturnType<typeof shop>>> = []
        while (killing.pollUnsafe() === undefined) {
          const from = customers.length
          customers.push(
            ...(yield* Effect.forEach(
              Array.from({ length: 12 }, (_, n) => from + n),
              shop,
              { concurrency: "unbounded" }
            ))
          )
        }
        yield* Fiber.join(killing)
        assert.isAtLeast(yield* Ref.get(kills), KILLS)
        assertTypedAnswers(customers)
        assert.isAbove(customers.filter(({ statuses }) => statuses.includes(503)).length, 0)
        yield* everySlotWorks
        yield* comeToRest
        yield* Effect.forEach(customers, askAgain, { concurrency: 4 })
        yield* comeToRest
        assert.strictEqual((yield* breaks).join("; "), "")
        assert.lengthOf(yield* sql`select 1 from order_work where state = 'FAILED'`, 0)
      }).pipe(Effect.scoped),
    RACE_MILLIS_MAX
  )
})

layer(service, live)("F11 a database that only reads", (it) => {
  it.effect("writes are answered 503 and reads work; work keeps its attempts and is done once it may be", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const faults = yield* ScriptedFaults
      const queue = yield* WorkQueue
      const buyer = yield* person()
      const kept = yield* createOrder(buyer)
      const cancelled = yield* createOrder(buyer)
      // A release that could not be done yet: it waits in the database.
      yield* faults.always(["tickets.release"], "failBefore")
      assert.strictEqual((yield* buyer.post(`/api/v1/orders/${cancelled.id}/cancel`, {})).status, 200)
      const rows = sql<{ kind: string; state: string; attempts: number }>`
        select kind, state, attempts from order_work where order_id = ${cancelled.id} and kind = 'RELEASE'`
      yield* eventually(rows, ([row]) => row?.state === "TODO")

      const killer = Context.get(yield* anotherNode, SqlClient.SqlClient)
      yield* killer`select set_config('application_name', 'killer', false)`
      const [database] = yield* sql<{ name: string }>`select current_database() as name`
      const readOnly = (value: "on" | "off") =>
        Effect.gen(function* () {
          yield* killer.unsafe(`alter database ${database?.name ?? ""} set default_transaction_read_only = ${value}`)
          // What a failover comes to: the sessions of before are gone.
          yield* killer`select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and application_name = 'test'`
        }).pipe(Effect.orDie)
      yield* readOnly("on")
      const create = buyer.post("/api/v1/orders", newOrder(), { "idempotency-key": "standby" })
      const cancel = buyer.post(`/api/v1/orders/${kept.id}/cancel`, {}, { "idempotency-key": "standby" })
      const isRefused = (answer: { readonly status: number; readonly json: unknown }) =>
        assert.strictEqual(`${answer.status} ${String(at(answer.json, "code"))}`, "503 SERVICE_UNAVAILABLE")
      for (let n = 0; n < 5; n++) {
        isRefused(yield* create)
        isRefused(yield* cancel)
        yield* eventually(buyer.get(`/api/v1/orders/${kept.id}`), ({ status }) => status === 200)
        assert.strictEqual(yield* answered(queue.claimDue(10)), "ServiceUnavailable")
      }
      const before = yield* rows
      yield* eventually(buyer.get("/api/v1/orders"), ({ status }) => status === 200)
      assert.deepStrictEqual(yield* rows, before)
      yield* faults.heal
      yield* readOnly("off")
      assert.strictEqual((yield* eventually(create, ({ status }) => status !== 503)).status, 201)
      assert.strictEqual((yield* eventually(cancel, ({ status }) => status !== 503)).status, 200)
      yield* comeToRest
      const after = yield* rows
      assert.deepStrictEqual(
        after.map(({ state }) => state),
        ["DONE"]
      )
      assert.strictEqual((yield* breaks).join("; "), "")
    }).pipe(Effect.scoped)
  )
})

const WORKERS = 32
const ORDERS = 5

layer(worldWith({ catalogue: shows(1, 1_000) }), suite)("F12 many workers on few orders", (it) => {
  it.effect(
    `${WORKERS} workers on ${ORDERS} orders in opposite order, and all on one: every change is made, nobody is refused`,
    () =>
      Effect.gen(function* () {
        const there = yield* secondNode()
        const orders = yield* Effect.forEach(Array.from({ length: ORDERS }), () =>
          Effect.flatMap(someone, (caller) => buy(caller, showOf(0)))
        )
        const renew = ({ id: orderId, userId }: (typeof orders)[number]) =>
          reserveOrder({ caller: buyerOf(userId), orderId })
        const worker = (n: number) =>
          answered(Effect.forEach(n % 2 === 0 ? orders : orders.toReversed(), renew, { discard: true }))
        const answers = yield* atOnce(
          Array.from({ length: WORKERS }, (_, n) => worker(n)),
          there
        )
        assert.deepStrictEqual([...new Set(answers)], ["ok"])
        for (const order of orders) assert.strictEqual((yield* stored(order)).version, order.version + WORKERS)
        const [one] = orders
        if (one === undefined) return assert.fail("no order")
        const crowd = yield* atOnce(
          Array.from({ length: WORKERS }, () => answered(renew(one))),
          there
        )
        assert.deepStrictEqual([...new Set(crowd)], ["ok"])
        assert.strictEqual((yield* stored(one)).version, one.version + WORKERS * 2)
        assert.strictEqual((yield* breaks).join("; "), "")
      }).pipe(Effect.scoped),
    RACE_MILLIS_MAX
  )
})

layer(worldWith({ catalogue: shows(1, 10) }), suite)("F06 a process that is frozen inside a transaction", (it) => {
  it.effect(
    "others are told so in time, the lock is free once it has idled, and the pool is whole",
    () =>
      Effect.gen(function* () {
        const order = yield* buy(yield* someone, showOf(0))
        const url = Redacted.value(yield* DatabaseUrl)
        const frozen = yield* freezeWithLock(url, order)
        const cancel = cancelOrder({ caller: buyerOf(order.userId), orderId: order.id, reason: null }).pipe(
          Effect.provideService(UnitLimits, unitLimits)
        )
        const answers = yield* Effect.all(
          Array.from({ length: 8 }, () => answered(cancel)),
          { concurrency: "unbounded" }
        )
        // The lock is held: nobody has waited for its end.
        assert.deepStrictEqual([...new Set(answers)], ["ServiceUnavailable"])
        const done = yield* Effect.repeat(answered(cancel), { until: (answer) => answer !== "ServiceUnavailable" })
        assert.strictEqual(done, "ok")
        // Awake again it finds that its session is gone, and has written nothing.
        assert.include(yield* frozen.wakeUp, "ServiceUnavailable")
        yield* everySlotWorks
        assert.strictEqual((yield* stored(order)).status, "CANCELLED")
        yield* comeToRest
        assert.strictEqual((yield* breaks).join("; "), "")
      }).pipe(Effect.scoped),
    RACE_MILLIS_MAX
  )
})
