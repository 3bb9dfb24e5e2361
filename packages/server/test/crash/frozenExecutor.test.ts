/**
 * F05: an executor that is frozen behind its call to another service, outlives its lease, and wakes up.
 *
 * Another server has taken the work over and finished it by then. What the first one still has to say is dropped: its
 * lease is not the row's any more.
 */
import { assert, layer } from "@effect/vitest"
import type { OrderId } from "@tickettoken/order-domain/Ids"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { create, leaseOf, reload, send, tagOf } from "@tickettoken/order-testing/contracts/storeFixture"
import { freshBuyer } from "@tickettoken/order-testing/TestOrders"
import { Effect, Fiber, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { ServerPort } from "../http/support/testServer.ts"
import { untilAnswered } from "../http/support/untilAnswered.ts"
import { layerStore } from "../sql/database.ts"
import { endStateOf } from "./support/endState.ts"
import { type Saga, sagas } from "./support/sagas.ts"
import { ageLeases, layer as stage, type Server, Servers } from "./support/stage.ts"

/** Two boots and a takeover for each round, on two busy cores. */
const TIMEOUT_MILLIS = 600_000

/** Where it is frozen: behind each call that moves something, and between its answer and the commit. */
const rounds = [
  ["confirming", "K2"],
  ["confirming", "K2a"],
  ["confirming", "K2b"],
  ["cancelling before paying", "U2"],
  ["cancelling before paying", "U3"],
  ["cancelling after paying", "RF2"],
  ["refunding", "RF2"]
] as const

const sagaOf = (name: string): Saga => {
  const saga = sagas.find((known) => known.name === name)
  if (saga === undefined) throw new Error(`there is no story ${name}`)
  return saga
}

const settled = (orderId: OrderId, { ends }: Saga) =>
  endStateOf(orderId).pipe(
    Effect.repeat({
      until: ({ open, status, unsent }) => status === ends && open.length + unsent === 0,
      schedule: Schedule.spaced("100 millis").pipe(Schedule.upTo({ times: 1_200 }))
    })
  )

const at = (server: Server) => Effect.provideService(ServerPort, server.port)

/**
 * One story, frozen at the point on the first server, finished by the second, and heard out once the first wakes up.
 *
 * How long it was frozen decides what it says then: the answer, or that it takes longer than a request may wait. Whoever
 * hears that asks again, and any server has the answer.
 */
const freeze = Effect.fnUntraced(function* (saga: Saga, point: string, first: Server, second: Server) {
  const part = yield* at(first)(saga.prepare)
  if (part.orderId === null) return yield* Effect.die(new Error("the story has no order yet"))
  yield* first.stopAt([{ point, again: false, subject: part.orderId, fate: "freeze" }])
  const answer = yield* Effect.forkChild(at(first)(saga.act(part)))
  yield* first.reached(point, part.orderId)
  yield* ageLeases
  const finished = yield* settled(part.orderId, saga)
  assert.strictEqual(finished.status, saga.ends, point)
  yield* first.send("SIGCONT")
  const woken = yield* Fiber.join(answer)
  assert.include([200, 202, 503], woken?.status, `${saga.name} ${point}`)
  const heard = woken?.status === 200 ? woken : yield* untilAnswered(at(second)(saga.act(part)))
  assert.strictEqual(heard?.status, 200, `${saga.name} ${point}`)
  return { orderId: part.orderId, point, finished }
})

layer(stage, { excludeTestServices: true, timeout: "300 seconds" })("F05 an executor that is frozen", (it) => {
  it.effect(
    "says nothing any more when it wakes up: the order is as the other one has left it, each effect once",
    () =>
      Effect.gen(function* () {
        const { start } = yield* Servers
        const first = yield* start([])
        const second = yield* start([])
        const ended = []
        for (const [name, point] of rounds) ended.push(yield* freeze(sagaOf(name), point, first, second))
        // An orderly end: whatever it had begun it has said by then.
        yield* first.stop
        for (const { finished, orderId, point } of ended) {
          assert.deepStrictEqual(yield* endStateOf(orderId), finished, point)
          assert.deepStrictEqual(finished.twice, [], point)
        }
      }),
    TIMEOUT_MILLIS
  )
})

/** The check of the token switched off: whoever has had the work once speaks with the lease of its present holder. */
const withoutToken = Layer.effect(
  OrderStore,
  Effect.gen(function* () {
    const store = yield* OrderStore
    const sql = yield* SqlClient.SqlClient
    return OrderStore.of({
      ...store,
      commit: Effect.fnUntraced(function* (commit) {
        const { settles } = commit
        if (settles === undefined) return yield* store.commit(commit)
        const [row] = yield* Effect.orDie(
          sql<{ token: number }>`select lease_token::int as token from order_work where id = ${settles.id}`
        )
        return yield* store.commit({ ...commit, settles: { ...settles, token: row?.token ?? 0 } })
      })
    })
  })
)

/**
 * A first executor is told "sold out" and is frozen; the lease runs out, and a second one has taken the work and is just
 * asking again. Then the first one wakes up. Answers what it is told, and what the order has come to.
 */
const wakesUpLate = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const queue = yield* WorkQueue
  const made = yield* create(yield* freshBuyer)
  const late = leaseOf(made.work, "HOLD")
  yield* sql`update order_work set lease_until = clock_timestamp() where id = ${late.id}`
  const [taken] = yield* queue.claimDue(1)
  assert.strictEqual(taken?.item.id, late.id)
  const answer = yield* Effect.exit(
    send(made.order, OrderCommand.HoldRefused({ ticketTypeId: null }), { settles: late })
  )
  return { answer: tagOf(answer), status: (yield* reload(made.order)).status }
})

const live = { excludeTestServices: true, timeout: "300 seconds" } as const

layer(layerStore, live)("F05 a late result", (it) => {
  it.effect(
    "is refused although nothing has changed yet: the buyer keeps what the second executor is about to hold",
    () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* wakesUpLate, { answer: "LeaseLost", status: "PENDING" })
      })
  )
})

layer(withoutToken.pipe(Layer.provideMerge(layerStore)), live)("F05 a late result, the token not looked at", (it) => {
  it.effect("ends the order of a buyer whose tickets are being held", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* wakesUpLate, { answer: "ok", status: "CANCELLED" })
    })
  )
})
