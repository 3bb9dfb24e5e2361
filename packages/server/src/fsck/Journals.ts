/**
 * What truly happened elsewhere, as data: the journals of the ticket and payment services, what clients were answered,
 * and what was published. Checks compare orders with them; none of them is ever needed to run the service.
 *
 * The facts have the shape of the sandbox's journals, so those can be given as they are.
 */
import { Schema } from "effect"

const ofOrder = { tenantId: Schema.String, orderId: Schema.String }

const Lines = Schema.Array(Schema.Struct({ ticketTypeId: Schema.String, quantity: Schema.Finite }))

/** One fact of the ticket service. */
export const TicketFact = Schema.Union([
  Schema.Struct({
    kind: Schema.Literal("ticket-type.added"),
    ticketType: Schema.Struct({ id: Schema.String, tenantId: Schema.String, capacity: Schema.Finite })
  }),
  Schema.Struct({ kind: Schema.Literal("hold.placed"), ...ofOrder, key: Schema.String, items: Lines }),
  Schema.Struct({ kind: Schema.Literal("hold.lapsed"), ...ofOrder }),
  Schema.Struct({
    kind: Schema.Literal("tickets.allocated"),
    ...ofOrder,
    key: Schema.String,
    tickets: Schema.Array(Schema.Struct({ id: Schema.String, ticketTypeId: Schema.String }))
  }),
  Schema.Struct({ kind: Schema.Literal("tickets.released"), ...ofOrder, key: Schema.String, left: Lines }),
  Schema.Struct({ kind: Schema.Literals(["hold.renewed", "confirm.repeated", "confirm.refused"]), ...ofOrder })
])
export type TicketFact = typeof TicketFact.Type

const ofIntent = { ...ofOrder, paymentIntentId: Schema.String }

/** One fact of the payment service. Amounts are minor units. */
export const PaymentFact = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("intent.created"), ...ofIntent, key: Schema.String }),
  Schema.Struct({ kind: Schema.Literal("intent.captured"), ...ofIntent, amount: Schema.Finite }),
  Schema.Struct({ kind: Schema.Literal("intent.canceled"), ...ofIntent, key: Schema.String }),
  /** One that is not to be tried again closes the intent. */
  Schema.Struct({ kind: Schema.Literal("intent.declined"), ...ofIntent, retryable: Schema.Boolean }),
  Schema.Struct({
    kind: Schema.Literal("refund.created"),
    ...ofIntent,
    key: Schema.String,
    refundId: Schema.String,
    amount: Schema.Finite,
    status: Schema.Literals(["pending", "succeeded", "failed"])
  }),
  Schema.Struct({
    kind: Schema.Literal("refund.settled"),
    ...ofIntent,
    refundId: Schema.String,
    amount: Schema.Finite,
    status: Schema.Literals(["succeeded", "failed"])
  }),
  Schema.Struct({
    kind: Schema.Literals(["intent.processing", "payment.announced"]),
    ...ofIntent
  })
])
export type PaymentFact = typeof PaymentFact.Type

/** Oldest first, each whole: from the first fact on. */
export interface Journals {
  readonly tickets?: ReadonlyArray<TicketFact> | undefined
  readonly payments?: ReadonlyArray<PaymentFact> | undefined
}

/** An order as a client was told of it by a 2xx answer. */
export interface Acknowledged {
  readonly tenantId: string
  readonly orderId: string
  /** Minor units. */
  readonly totalCents: number
  /** As it stood in the answer. */
  readonly status: string
}

/** A message of an order as a consumer got it, in the order in which it came; repetitions included. */
export interface CapturedMessage {
  readonly tenantId: string
  readonly orderId: string
  readonly messageId: string
  readonly version: number
}
