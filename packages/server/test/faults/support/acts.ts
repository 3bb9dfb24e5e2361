/**
 * What people and the clock do to an order, over the core on PostgreSQL whose three clients talk to the sandbox services
 * over real sockets: what those have truly done is in their journals.
 */
import { type Caller, systemActor } from "@tickettoken/order-domain/Actor"
import { OrderId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { isOpen, type Order } from "@tickettoken/order-domain/Order"
import type { Payments } from "@tickettoken/order-domain/ports/Payments"
import type { Tickets } from "@tickettoken/order-domain/ports/Tickets"
import { WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import { cancelOrder } from "@tickettoken/order-domain/workflows/CancelOrder"
import { confirmOrder } from "@tickettoken/order-domain/workflows/ConfirmOrder"
import { expireOrder } from "@tickettoken/order-domain/workflows/ExpireOrder"
import { requestRefund } from "@tickettoken/order-domain/workflows/RequestRefund"
import { reserveOrder } from "@tickettoken/order-domain/workflows/ReserveOrder"
import * as Fsck from "@tickettoken/order-server/fsck/Fsck"
import * as IdentifiersMemory from "@tickettoken/order-testing/memory/IdentifiersMemory"
import * as PoliciesMemory from "@tickettoken/order-testing/memory/PoliciesMemory"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Sandbox } from "@tickettoken/order-testing/sandbox/Sandbox"
import { Effect, Layer, References } from "effect"
import { SqlClient } from "effect/sql"
import { layerStore } from "../../sql/database.ts"
import { neverOpens, once } from "../../support/clientSettings.ts"
import { sandboxPortsWith } from "../../support/sandboxPorts.ts"
import { answered, buy, buyerOf, comeToRest, endGraceIn, intentOf, service, stored } from "./world.ts"

/** Faults are meant to be there, and each of them is logged. */
const quiet = Layer.succeed(References.MinimumLogLevel, "None")

/** A call that is lost stays lost, and no number of losses keeps the next one from being sent. */
const patientPorts = sandboxPortsWith({ retry: once, circuit: neverOpens })

/** One node. `between` stands between the core and the clients of the other services: a network, or what a twin changes. */
export const sandboxWorldWith = <Between>(between: Layer.Layer<Between, never, Tickets | Payments>) =>
  WorkExecutor.layer.pipe(
    Layer.provideMerge(between.pipe(Layer.provideMerge(patientPorts))),
    Layer.provideMerge(Layer.mergeAll(layerStore, IdentifiersMemory.layer, PoliciesMemory.layer)),
    Layer.provideMerge(quiet)
  )

/** One node, with nothing between it and the services. */
export const sandboxWorld = sandboxWorldWith(Layer.empty)

export type SandboxWorld = Layer.Success<typeof sandboxWorld>

/** The one order of a buyer, if there is one by now. */
export const orderOf = Effect.fnUntraced(function* ({ actor, tenantId }: Caller) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* Effect.orDie(sql<{ id: string }>`select id from orders where user_id = ${actor.id}`)
  if (rows.length > 1) return yield* Effect.die(new Error(`${actor.id} has ${rows.length} orders`))
  const [row] = rows
  return row === undefined ? null : yield* Effect.orDie(stored({ tenantId, id: OrderId.make(row.id) }))
})

/** Something that is asked for until it is answered. */
export interface Act {
  readonly name: string
  /** There is nothing left to ask for. */
  readonly isDone: (order: Order) => boolean
  readonly ask: (order: Order) => Effect.Effect<unknown, { readonly _tag: string }, SandboxWorld>
}

export const renews: Act = {
  name: "renewing",
  isDone: ({ status }) => status !== "PENDING",
  ask: ({ id: orderId, userId }) => reserveOrder({ caller: buyerOf(userId), orderId })
}

/** The buyer pays, and nobody is told. */
export const pays: Act = {
  name: "paying",
  isDone: () => false,
  ask: (order) =>
    Effect.flatMap(Sandbox, ({ payments }) => Effect.orDie(payments.payLate(intentOf(order), { announce: false })))
}

/** The payment service tells of the payment, until it is noted; the tickets come by themselves. */
export const confirms: Act = {
  name: "confirming",
  isDone: ({ captures }) => captures.length > 0,
  ask: (order) => confirmOrder({ caller: service, orderId: order.id, paymentIntentId: intentOf(order) })
}

export const cancels: Act = {
  name: "cancelling",
  isDone: ({ status }) => status === "CANCELLED" || status === "REFUNDED",
  ask: ({ id: orderId, userId }) => cancelOrder({ caller: buyerOf(userId), orderId, reason: "changed my mind" })
}

/** One of the two stays at home: a part of the money goes back. */
export const refunds: Act = {
  name: "refunding",
  isDone: (order) => order.refunds.length > 0,
  ask: ({ id: orderId, userId }) =>
    requestRefund({
      caller: buyerOf(userId),
      orderId,
      request: { _tag: "Amount", amount: Cents.make(5_000) },
      reason: "one of us is ill"
    })
}

const expiry: Caller = { ...service, actor: systemActor("expiry") }

/** Deadline and grace are over. */
export const expires: Act = {
  name: "expiring",
  isDone: (order) => !isOpen(order),
  ask: (order) =>
    Effect.andThen(
      Effect.orDie(endGraceIn(order, -1)),
      expireOrder({ caller: expiry, orderId: order.id, reason: "time is up" })
    )
}

/** What every story begins with. */
export const buys = "buying"

/** Asks once, unless all is done; what was answered, in a word. */
export const asks = Effect.fnUntraced(function* (who: Caller, act: Act | typeof buys) {
  const order = yield* orderOf(who)
  if (act === buys) return order === null ? yield* answered(buy(who, general, 2)) : "ok"
  if (order === null) return yield* Effect.die(new Error("nobody has bought anything"))
  return act.isDone(order) ? "ok" : yield* answered(act.ask(order))
})

const general = { eventId: demo.eventId, line: demo.general }

/** A call that gets no answer is asked for again so often at most. */
const ASKS_MAX = 5

/** Asks until it is answered, and lets everything that follows from it happen each time. */
export const insists = Effect.fnUntraced(function* (who: Caller, act: Act | typeof buys) {
  for (let count = 0; count < ASKS_MAX; count++) {
    const answer = yield* asks(who, act)
    yield* comeToRest
    if (answer === "ok") return
  }
  return yield* Effect.die(new Error(`${act === buys ? buys : act.name} was not answered`))
})

/** What an inspection of orders and journals finds, without an order under way. */
export const findings = Effect.gen(function* () {
  const { payments, tickets } = yield* Sandbox
  const journals = {
    tickets: (yield* tickets.journal.entries).map(({ fact }) => fact),
    payments: (yield* payments.journal.entries).map(({ fact }) => fact)
  }
  return (yield* Fsck.run({ journals })).map(Fsck.lineOf)
})
