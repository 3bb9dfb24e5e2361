/** What the requests of the matrix are about: the same things twice, once in each tenant. */
import { EventId, TicketPricingId, TicketTypeId, type TenantId, UserId } from "@tickettoken/order-domain/Ids"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { type Catalogue, demo, demoCatalogue } from "@tickettoken/order-testing/sandbox/catalogue"
import { randomUuid } from "@tickettoken/order-testing/TestOrders"
import { type DateTime, Effect } from "effect"
import { asService, createOrder, person } from "../support/buyer.ts"
import { eventually } from "../support/eventually.ts"
import { at, textAt } from "../support/send.ts"
import { absent, type Ids, type Needs } from "./accessTable.ts"

/** The other tenant's event and its tickets, like the demo's but for their ids. */
export const twin = {
  eventId: EventId.make("22222222-2222-4222-8222-222222222229"),
  ticketTypeId: TicketTypeId.make("33333333-3333-4333-8333-333333333339"),
  ticketPricingId: TicketPricingId.make("44444444-4444-4444-8444-444444444449")
}

const tenantId = demo.secondTenantId

/** The demo catalogue, and an event of the other tenant. */
export const catalogueOfTwo = (firstStart: DateTime.Utc): Catalogue => {
  const { events, ticketTypes } = demoCatalogue(firstStart)
  const pricingOf = (pricing: Catalogue["ticketTypes"][number]["pricings"][number]) => ({
    ...pricing,
    id: twin.ticketPricingId
  })
  return {
    events: [
      ...events,
      ...events.filter(({ id }) => id === demo.eventId).map((event) => ({ ...event, id: twin.eventId, tenantId }))
    ],
    ticketTypes: [
      ...ticketTypes,
      ...ticketTypes
        .filter(({ id }) => id === demo.general.ticketTypeId)
        .map(({ pricings, ...type }) => ({
          ...type,
          tenantId,
          eventId: twin.eventId,
          id: twin.ticketTypeId,
          pricings: pricings.map(pricingOf)
        }))
    ]
  }
}

/** One tenant with one buyer. */
export interface Side {
  readonly tenantId: TenantId
  readonly userId: UserId
  readonly sale: Pick<Ids, "eventId" | "ticketTypeId" | "ticketPricingId">
}

/** Both tenants, each with a buyer whom no other test knows. */
export const makeSides = Effect.gen(function* () {
  const own: Side = {
    tenantId: demo.tenantId,
    userId: UserId.make(yield* randomUuid),
    sale: { eventId: demo.eventId, ...demo.general }
  }
  const foreign: Side = { tenantId, userId: UserId.make(yield* randomUuid), sale: twin }
  return { own, foreign }
})

const confirm = Effect.fnUntraced(function* (side: Side, order: Effect.Success<ReturnType<typeof createOrder>>) {
  const controls = yield* ServiceControls
  yield* controls.pay(order.intent)
  const answer = yield* asService(
    "POST",
    `/internal/v1/orders/${order.id}/confirm`,
    { paymentIntentId: order.intent },
    { tenantId: side.tenantId }
  )
  if (answer.status !== 200) return yield* Effect.die(new Error(`${answer.status} ${answer.text}`))
})

/** Makes what a row needs, and says under which ids it is found. */
export const prepare = Effect.fnUntraced(function* (side: Side, needs: Needs) {
  const { eventId, ...line } = side.sale
  const ids: Ids = { ...absent, ...side.sale }
  if (needs === "nothing") return ids
  if (needs === "bulk job") {
    const body = { eventId: yield* randomUuid, reason: "called off", async: true }
    const answer = yield* asService("POST", "/internal/v1/orders/bulk/cancel", body, { tenantId: side.tenantId })
    return { ...ids, jobId: textAt(answer.json, "job", "id") }
  }
  const buyer = yield* person({ userId: side.userId, tenantId: side.tenantId })
  const order = yield* createOrder(buyer, { eventId, items: [{ ...line, quantity: 2 }] })
  const made: Ids = { ...ids, orderId: order.id, paymentIntentId: order.intent }
  if (needs === "open order") return made
  yield* confirm(side, order)
  if (needs === "paid order") return made
  const refund = yield* buyer.post(`/api/v1/orders/${order.id}/refund`, { reason: "rain" })
  // Until the money is back somebody still works on the order.
  yield* eventually(
    buyer.get(`/api/v1/orders/${order.id}/refunds`),
    ({ json }) => at(json, "refunds", 0, "status") === "COMPLETED"
  )
  return { ...made, refundId: textAt(refund.json, "refundId") }
})
