/**
 * Everything that can be asked of an existing order, as data. HTTP, messages, the clock, work results and operators
 * differ only in the command that they send to the one `decide`.
 */
import { Data } from "effect"
import type { Actor } from "./Actor.ts"
import type { PaymentIntentId, RefundId, TicketTypeId } from "./Ids.ts"
import type { Cents } from "./Money.ts"
import type { AllocatedTicket } from "./Order.ts"
import type { RefundRequest } from "./RefundQuote.ts"

/**
 * On whose account an order is cancelled. `buyer` keeps to the cutoff, `admin` overrides it by giving a reason; in both
 * the policy's retention applies. `organiser` returns everything (rules 4.1, 4.2, 5).
 */
export type CancelMode = "buyer" | "admin" | "organiser"

/** What the payment service finally said about a refund. */
export type RefundOutcome =
  | { readonly _tag: "Pending" }
  | { readonly _tag: "Succeeded" }
  | { readonly _tag: "Failed"; readonly reason: string }

/** Identity and cause of a refund that a command may have to create; drawn outside, so that `decide` stays pure. */
interface NewRefund {
  readonly refundId: RefundId
}

export type OrderCommand = Data.TaggedEnum<{
  // Results of work
  HoldGranted: object
  HoldRefused: { readonly ticketTypeId: TicketTypeId | null }
  IntentOpened: { readonly paymentIntentId: PaymentIntentId; readonly clientSecret: string | null }
  SetupAbandoned: { readonly cause: "CREATE_FAILED" | "CREATE_TIMEOUT"; readonly why: string }
  TicketsAllocated: NewRefund & {
    readonly tickets: ReadonlyArray<AllocatedTicket>
    readonly eventCancelled: boolean
  }
  AllocationRefused: NewRefund & { readonly why: string }
  RefundSettled: { readonly refundId: RefundId; readonly attempt: number; readonly outcome: RefundOutcome }
  // Payment news, always read from the payment service
  CaptureSeen: NewRefund & {
    readonly paymentIntentId: PaymentIntentId
    readonly amount: Cents
    readonly currency: string
    readonly eventCancelled: boolean
    /** Expiry has asked: the order still holds its stock, so the payment confirms it (rule 3.5). */
    readonly foundByExpiry: boolean
  }
  UnexpectedPayment: NewRefund & {
    readonly paymentIntentId: PaymentIntentId
    readonly amount: Cents
    readonly currency: string
  }
  PaymentFailed: { readonly paymentIntentId: PaymentIntentId; readonly retryable: boolean; readonly reason: string }
  PaymentProcessing: object
  // People and clocks
  Reserve: object
  Cancel: NewRefund & { readonly mode: CancelMode; readonly reason: string | null }
  Expire: { readonly reason: string; readonly intentClosed: boolean }
  Complete: object
  RequestRefund: NewRefund & {
    readonly request: RefundRequest
    readonly reason: string
    readonly byAdmin: boolean
    readonly idempotencyKey: string | null
  }
  ApproveRefund: { readonly refundId: RefundId }
  RejectRefund: { readonly refundId: RefundId; readonly reason: string }
  RetryRefund: { readonly refundId: RefundId }
}>

export type OrderCommandTag = OrderCommand["_tag"]

/** Constructors: `OrderCommand.Reserve()`. */
export const OrderCommand = Data.taggedEnum<OrderCommand>()

/** A command with the one who sends it. */
export interface Signed {
  readonly actor: Actor
  readonly command: OrderCommand
}
