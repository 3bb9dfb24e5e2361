/** The start of a sale over HTTP: many more buyers than seats, on two nodes, each asking again when he is told to. */
import { assert, layer } from "@effect/vitest"
import * as ControlsMemory from "@tickettoken/order-testing/memory/ControlsMemory"
import * as EventCatalogMemory from "@tickettoken/order-testing/memory/EventCatalogMemory"
import * as MemoryServices from "@tickettoken/order-testing/memory/MemoryServices"
import * as PaymentsMemory from "@tickettoken/order-testing/memory/PaymentsMemory"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import * as TicketsMemory from "@tickettoken/order-testing/memory/TicketsMemory"
import type { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { isActive } from "@tickettoken/order-domain/Order"
import { Context, Duration, Effect, Layer } from "effect"
import { person, type Person } from "../http/support/buyer.ts"
import { live } from "../http/support/everyStore.ts"
import { ServerPort, serverWith } from "../http/support/testServer.ts"
import { anotherNode, layerStore } from "../sql/database.ts"
import { rounds } from "./support/scale.ts"
import { allOrders, breaks, comeToRest, RACE_MILLIS_MAX, showOf, shows } from "./support/world.ts"

const SEATS = rounds(50)
const BUYERS = rounds(300)

/** Ten seconds of the promise, and some for busy cores. */
const ANSWER_MILLIS_MAX = 12_000

/** Nobody asks more often than this. */
const TRIES_MAX = 20

const services = Layer.mergeAll(
  TicketsMemory.layer,
  PaymentsMemory.layer,
  EventCatalogMemory.layer,
  ControlsMemory.layer
).pipe(Layer.provideMerge(MemoryServices.layerWith(shows(1, SEATS))))

const { eventId, line } = showOf(0)

/** Asks until he has an answer that is final; every answer, and how long the slowest took. */
const insist = Effect.fnUntraced(function* (who: Person) {
  const statuses: Array<number> = []
  let slowestMillis = 0
  const body = { eventId, items: [{ ...line, quantity: 1 }], currency: "USD" }
  for (let n = 0; n < TRIES_MAX; n++) {
    const [took, { status }] = yield* Effect.timed(who.post("/api/v1/orders", body, { "idempotency-key": "seat" }))
    statuses.push(status)
    slowestMillis = Math.max(slowestMillis, Duration.toMillis(took))
    if (status !== 503) break
  }
  return { statuses, slowestMillis }
})

layer(serverWith(services, Layer.merge(layerStore, ScriptedFaults.layer)), live)("L01 the start of a sale", (it) => {
  it.effect(
    `${BUYERS} buyers of ${SEATS} seats on two nodes: all seats are sold, none twice, and nobody hangs`,
    () =>
      Effect.gen(function* () {
        const here = yield* Effect.context<Layer.Success<typeof services> | ScriptedFaults | TestTime>()
        const store = yield* anotherNode
        const there = yield* Layer.build(
          Layer.fresh(serverWith(Layer.succeedContext(here), Layer.succeedContext(Context.merge(here, store))))
        )
        const ports = [yield* ServerPort, Context.get(there, ServerPort)]
        const buyers = yield* Effect.all(Array.from({ length: BUYERS }, () => person()))
        const all = yield* Effect.forEach(
          buyers,
          (who, n) => Effect.provideService(insist(who), ServerPort, ports[n % 2] ?? 0),
          { concurrency: "unbounded" }
        )
        const answers = all.flatMap(({ statuses }) => statuses)
        assert.deepStrictEqual(
          [...new Set(answers)].filter((status) => ![201, 409, 429, 503].includes(status)),
          []
        )
        assert.strictEqual(answers.filter((status) => status === 201).length, SEATS)
        assert.isBelow(Math.max(...all.map(({ slowestMillis }) => slowestMillis)), ANSWER_MILLIS_MAX)
        yield* comeToRest
        assert.lengthOf((yield* allOrders).filter(isActive), SEATS)
        assert.strictEqual((yield* breaks).join("; "), "")
      }).pipe(Effect.scoped),
    RACE_MILLIS_MAX
  )
})
