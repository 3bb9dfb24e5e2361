/**
 * How the sandbox speaks: JSON for what succeeds, `application/problem+json` (RFC 9457) for what does not.
 */
import { Result, Schema } from "effect"
import type { EventRefusal } from "./EventDirectory.ts"
import type { PaymentRefusal } from "./PaymentFacts.ts"
import type { TicketRefusal } from "./TicketFacts.ts"

/** An answer before it is bytes, so that a fault can still make a lie of it. */
export interface Reply {
  readonly status: number
  readonly contentType: string
  readonly body: object | string
  readonly headers?: { readonly [name: string]: string }
}

type Refusal = TicketRefusal | PaymentRefusal | EventRefusal

export type ProblemCode =
  | Refusal["code"]
  | "VALIDATION_ERROR"
  | "ROUTE_NOT_FOUND"
  | "BODY_TOO_LARGE"
  | "INTERNAL_ERROR"
  | "INJECTED_FAULT"

const statuses: { readonly [Code in ProblemCode]: number } = {
  TICKETS_SOLD_OUT: 409,
  HOLD_RELEASED: 409,
  HOLD_MISMATCH: 409,
  HOLD_UNTIL_PAST: 422,
  HOLD_NOT_FOUND: 404,
  TICKET_TYPE_NOT_FOUND: 404,
  TICKET_TYPE_EXISTS: 409,
  PRICING_MISMATCH: 422,
  INTENT_NOT_FOUND: 404,
  INTENT_SUCCEEDED: 409,
  INTENT_PROCESSING: 409,
  INTENT_CANCELED: 409,
  REFUND_NOT_FOUND: 404,
  REFUND_EXCEEDS_CAPTURED: 409,
  REFUND_SETTLED: 409,
  PAYMENT_MISMATCH: 409,
  IDEMPOTENCY_MISMATCH: 422,
  EVENT_NOT_FOUND: 404,
  EVENT_EXISTS: 409,
  VALIDATION_ERROR: 400,
  ROUTE_NOT_FOUND: 404,
  BODY_TOO_LARGE: 413,
  INTERNAL_ERROR: 500,
  INJECTED_FAULT: 500
}

/** A problem, with the members that its code brings along. */
export const problem = (code: ProblemCode, detail: string, members: object = {}): Reply => {
  const words = code.toLowerCase().split("_")
  const status = statuses[code]
  const title = words.join(" ").replace(/^./, (letter) => letter.toUpperCase())
  return {
    status,
    contentType: "application/problem+json",
    body: { type: `/problems/${words.join("-")}`, title, status, detail, code, ...members }
  }
}

export const json = (status: number, body: object): Reply => ({ status, contentType: "application/json", body })

/** What a refusal tells beside its code and its sentence; JSON leaves out what is undefined. */
const membersOf = (refusal: Refusal): object => {
  switch (refusal._tag) {
    case "TicketRefusal": {
      const { available, reason, ticketTypeId } = refusal
      return { reason, ticketTypeId, available }
    }
    case "PaymentRefusal":
      return { intent: refusal.intent }
    case "EventRefusal":
      return {}
  }
}

/** The answer to what an engine said: its value through the schema, or the problem of its refusal. */
export const replying =
  <A>(schema: Schema.Codec<A, object>, wrap: (encoded: object) => object = (encoded) => encoded) =>
  (result: Result.Result<A, Refusal>): Reply =>
    Result.match(result, {
      onSuccess: (value) => json(200, wrap(Schema.encodeSync(schema)(value))),
      onFailure: (refusal) => problem(refusal.code, refusal.message, membersOf(refusal))
    })
