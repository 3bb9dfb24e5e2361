/** The start of a sale over HTTP: many more buyers than seats, on two nodes, each asking again when he is told to. */
import { assert, layer } from "@effect/vitest"
import * as Sweeper from "@tickettoken/order-server/jobs/Sweeper"
import * as ControlsMemory from "@tickettoken/order-testing/memory/ControlsMemory"
import * as EventCatalogMemory from "@tickettoken/order-testing/memory/EventCatalogMemory"
import * as MemoryServices from "@tickettoken/order-testing/memory/MemoryServices"
import * as PaymentsMemory from "@tickettoken/order-testing/memory/PaymentsMemory"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import * as TicketsMemory from "@tickettoken/order-testing/memory/TicketsMemory"
import type { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { isActive } from "@tickettoken/order-domain/Order"
import { Context, Effect, Layer } from "effect"
import { person, type Person } from "../http/support/buyer.ts"
import { live } from "../http/support/everyStore.ts"
import { ServerPort, serverWith } from "../http/support/testServer.ts"
import { untilAnswered } from "../http/support/untilAnswered.ts"
import { anotherNode, layerStore } from "../sql/database.ts"
import { rounds } from "./support/scale.ts"
import { allOrders, breaks, comeToRest, RACE_MILLIS_MAX, showOf, shows } from "./support/world.ts"

const SEATS = rounds(25)
const BUYERS = rounds(150)

const services = Layer.mergeAll(
  TicketsMemory.layer,
  PaymentsMemory.layer,
  EventCatalogMemory.layer,
  ControlsMemory.layer
).pipe(Layer.provideMerge(MemoryServices.layerWith(shows(1, SEATS))))

const { eventId, line } = showOf(0)

/** Asks until he has an answer that is final; the status of every answer. */
const insist = Effect.fnUntraced(function* (who: Person) {
  const statuses: Array<number> = []
  const body = { eventId, items: [{ ...line, quantity: 1 }], currency: "USD" }
  const asked = who.post("/api/v1/orders", body, { "idempotency-key": "seat" })
  yield* untilAnswered(Effect.tap(asked, ({ status }) => Effect.sync(() => statuses.push(status))))
  return statuses
})

/** A node with its sweeper: what a busy machine has kept from its end is finished by it. */
const node = <S, E2, R2, A, E, R>(...given: Parameters<typeof serverWith<S, E2, R2, A, E, R>>) =>
  Sweeper.layer.pipe(Layer.provideMerge(serverWith(...given)))

layer(node(services, Layer.merge(layerStore, ScriptedFaults.layer)), live)("L01 the start of a sale", (it) => {
  it.effect(
    `${BUYERS} buyers of ${SEATS} seats on two nodes: all seats are sold, none twice, and everybody is answered`,
    () =>
      Effect.gen(function* () {
        const here = yield* Effect.context<Layer.Success<typeof services> | ScriptedFaults | TestTime>()
        const store = yield* anotherNode
        const there = yield* Layer.build(
          Layer.fresh(node(Layer.succeedContext(here), Layer.succeedContext(Context.merge(here, store))))
        )
        const ports = [yield* ServerPort, Context.get(there, ServerPort)]
        const buyers = yield* Effect.all(Array.from({ length: BUYERS }, () => person()))
        const all = yield* Effect.forEach(
          buyers,
          (who, n) => Effect.provideService(insist(who), ServerPort, ports[n % 2] ?? 0),
          { concurrency: "unbounded" }
        )
        const answers = all.flat()
        assert.deepStrictEqual(
          [...new Set(answers)].filter((status) => ![201, 409, 429, 503].includes(status)),
          []
        )
        assert.strictEqual(answers.filter((status) => status === 201).length, SEATS)
        yield* comeToRest
        assert.lengthOf((yield* allOrders).filter(isActive), SEATS)
        assert.strictEqual((yield* breaks).join("; "), "")
      }).pipe(Effect.scoped),
    RACE_MILLIS_MAX
  )
})
