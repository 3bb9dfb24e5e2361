/** Orders as buyers make them, through the same workflows as the server. */
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import type { Caller } from "@tickettoken/order-domain/Actor"
import { emptyMetadata } from "@tickettoken/order-domain/Metadata"
import type { Order } from "@tickettoken/order-domain/Order"
import { confirmOrder } from "@tickettoken/order-domain/workflows/ConfirmOrder"
import { createOrder } from "@tickettoken/order-domain/workflows/CreateOrder"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { buyerActor } from "@tickettoken/order-testing/TestOrders"
import { Effect } from "effect"

const buyer: Caller = { tenantId: demo.tenantId, actor: buyerActor(demo.buyerId), vip: false }

/** Two General tickets of the demo event, held and payable. */
export const reserve = (quantity = 2) =>
  createOrder({
    caller: buyer,
    eventId: demo.eventId,
    items: [{ ...demo.general, quantity }],
    currency: "USD",
    metadata: emptyMetadata
  })

/** The same, paid: CONFIRMED with its tickets. */
export const buy = Effect.fn("buy")(function* (quantity: number = 2) {
  const { intent, ...order } = yield* reserve(quantity)
  if (intent === null) return yield* Effect.die(new Error("an order that costs something has an intent"))
  const controls = yield* ServiceControls
  yield* controls.pay(intent.id)
  return yield* confirmOrder({ caller: buyer, orderId: order.id, paymentIntentId: intent.id })
})

/** The order as it is now. */
export const reload = Effect.fn("reload")(function* ({ id, tenantId }: Pick<Order, "id" | "tenantId">) {
  const store = yield* OrderStore
  return (yield* store.load(tenantId, id)).order
})
