/** The three clients against one address, and calls with ids that never change. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import {
  EventId,
  OrderId,
  PaymentIntentId,
  RefundId,
  TenantId,
  TicketPricingId,
  TicketTypeId,
  UserId
} from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { EventCatalog } from "@tickettoken/order-domain/ports/EventCatalog"
import { Payments } from "@tickettoken/order-domain/ports/Payments"
import { Tickets } from "@tickettoken/order-domain/ports/Tickets"
import type { CircuitSettings } from "@tickettoken/order-server/clients/Circuits"
import type { DownstreamOptions } from "@tickettoken/order-server/clients/Downstream"
import * as EventCatalogHttp from "@tickettoken/order-server/clients/EventCatalogHttp"
import * as PaymentsHttp from "@tickettoken/order-server/clients/PaymentsHttp"
import * as TicketsHttp from "@tickettoken/order-server/clients/TicketsHttp"
import { DateTime, Effect, Layer, Option, Redacted } from "effect"
import { circuitsWith, type ClientSettings, once, production } from "./clientSettings.ts"

export const tenantId = TenantId.make("11111111-1111-4111-8111-111111111111")
export const eventId = EventId.make("22222222-2222-4222-8222-222222222221")
export const ticketTypeId = TicketTypeId.make("33333333-3333-4333-8333-333333333331")
export const ticketPricingId = TicketPricingId.make("44444444-4444-4444-8444-444444444441")
export const userId = UserId.make("55555555-5555-4555-8555-555555555551")
export const orderId = OrderId.make("66666666-6666-4666-8666-666666666661")
export const otherOrderId = OrderId.make("66666666-6666-4666-8666-666666666662")
export const refundId = RefundId.make("77777777-7777-4777-8777-777777777771")
export const intentId = PaymentIntentId.make("pi_1")
export const amount = Cents.make(23_338)

/** Our own credential; its secret must turn up nowhere but in one header. */
export const secret = "canary-9f8e7d6c5b4a"
export const credential = `orders.${secret}`

/** An intent as the payment service tells it. */
export const intent = {
  id: intentId,
  status: "requires_payment",
  amount,
  amountCaptured: 0,
  currency: "USD",
  orderId,
  clientSecret: "pi_1_secret"
} as const

/** An event as the event service tells it. */
export const event = {
  id: eventId,
  tenantId,
  name: "Demo Night",
  status: "ON_SALE",
  currency: "USD",
  startsAt: "2027-01-21T20:00:00.000Z",
  endsAt: "2027-01-21T23:00:00.000Z",
  timezone: "America/New_York"
} as const

const line = { ticketTypeId, ticketPricingId, quantity: 2 }

const call = (step: string) => ({ tenantId, orderId, key: `${orderId}:${step}` })

export const instruction = {
  tenantId,
  key: `${refundId}:REFUND:1`,
  orderId,
  refundId,
  paymentIntentId: intentId,
  amount,
  reason: "ill"
}

/** Every call that there is. */
export const calls = {
  getEvent: Effect.flatMap(EventCatalog, (events) => events.get(tenantId, eventId)),
  availability: Effect.flatMap(Tickets, (tickets) => tickets.availability(tenantId, eventId, [ticketTypeId])),
  hold: Effect.flatMap(Tickets, (tickets) =>
    tickets.hold(call("HOLD:1"), eventId, [line], DateTime.makeUnsafe("2027-01-01T00:15:00Z"))
  ),
  allocate: Effect.flatMap(Tickets, (tickets) => tickets.allocate(call("FINALIZE:2"))),
  release: Effect.flatMap(Tickets, (tickets) => tickets.release(call("RELEASE:3"), null)),
  releaseLines: Effect.flatMap(Tickets, (tickets) => tickets.release(call("RELEASE:3"), [line])),
  openIntent: Effect.flatMap(Payments, (payments) =>
    payments.openIntent({ ...call("INTENT:1"), userId, amount, currency: "USD" })
  ),
  getIntent: Effect.flatMap(Payments, (payments) => payments.getIntent(tenantId, intentId)),
  cancelIntent: Effect.flatMap(Payments, (payments) => payments.cancelIntent(tenantId, intentId, `${orderId}:VOID:4`)),
  refund: Effect.flatMap(Payments, (payments) => payments.refund(instruction))
}

type AnyCall = (typeof calls)[keyof typeof calls]

/** One of them, whatever it asks for. */
export type Call = Effect.Effect<Effect.Success<AnyCall>, Effect.Error<AnyCall>, Tickets | Payments | EventCatalog>

/** All of them, by name. */
export const everyCall: ReadonlyArray<readonly [name: string, call: Call]> = Object.entries<Call>(calls)

type Options = Partial<ClientSettings & Pick<DownstreamOptions, "serviceKey">>

/** The clients of services that all answer at one address, and their circuits. An attempt is not repeated unless a test is about that. */
export const clients = (baseUrl: URL, options: Options = {}, circuit: Partial<CircuitSettings> = {}) => {
  const given = {
    baseUrl,
    serviceKey: Option.some(Redacted.make(credential)),
    ...production,
    retry: once,
    ...options
  }
  return Layer.mergeAll(TicketsHttp.layer(given), PaymentsHttp.layer(given), EventCatalogHttp.layer(given)).pipe(
    Layer.provideMerge(circuitsWith(circuit))
  )
}

/** With the HTTP client of production. */
export const overUndici = (baseUrl: URL, options: Options = {}, circuit: Partial<CircuitSettings> = {}) =>
  Layer.provide(clients(baseUrl, options, circuit), NodeHttpClient.layerUndici)
