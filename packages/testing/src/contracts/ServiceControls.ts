/**
 * What a suite of the ticket, payment and event ports must be able to do besides calling them: act as buyer, as bank
 * and as organiser. The demo catalogue is on sale wherever a suite runs.
 */
import { Context, type Effect } from "effect"
import type { EventId, PaymentIntentId, RefundId } from "@tickettoken/order-domain/Ids"
import type { Cents } from "@tickettoken/order-domain/Money"

/** Money that is not what was asked for. */
export interface OtherMoney {
  readonly amount?: Cents
  readonly currency?: string
}

export class ServiceControls extends Context.Service<
  ServiceControls,
  {
    /** The buyer pays. Money comes even if the intent is canceled: then it is late. */
    readonly pay: (intent: PaymentIntentId, money?: OtherMoney) => Effect.Effect<void>
    /** The bank takes its time. */
    readonly startProcessing: (intent: PaymentIntentId) => Effect.Effect<void>
    /** An attempt to pay fails, for good or so that another card may be tried. */
    readonly decline: (intent: PaymentIntentId, how: { readonly retryable: boolean }) => Effect.Effect<void>
    /** How the next refunds turn out, one each. */
    readonly nextRefunds: (...outcomes: ReadonlyArray<"pending" | "succeeded" | "failed">) => Effect.Effect<void>
    /** The bank ends a pending refund. */
    readonly settleRefund: (refund: RefundId, status: "succeeded" | "failed") => Effect.Effect<void>
    /** The organiser cancels the event, or takes it back. */
    readonly setEventStatus: (event: EventId, status: "ON_SALE" | "CANCELLED") => Effect.Effect<void>
  }
>()("@tickettoken/order-testing/contracts/ServiceControls") {}
