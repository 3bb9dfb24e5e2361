/**
 * Where new identifiers come from: random ids and order numbers, so that tests can own both.
 */
import { Context, type DateTime, Effect } from "effect"
import { RefundId } from "../Ids.ts"
import type { OrderNumber } from "../OrderNumber.ts"

export class Identifiers extends Context.Service<
  Identifiers,
  {
    /** A fresh version 4 UUID in lower case. */
    readonly uuid: Effect.Effect<string>
    /** A candidate number for the UTC day of `now`; longer after many collisions (rule 3.11). */
    readonly orderNumber: (now: DateTime.Utc, attempt: number) => Effect.Effect<OrderNumber>
  }
>()("@tickettoken/order-domain/ports/Identifiers") {}

/** A fresh id for a refund that a command may have to create. */
export const newRefundId: Effect.Effect<RefundId, never, Identifiers> = Effect.flatMap(Identifiers, ({ uuid }) =>
  Effect.map(uuid, (id) => RefundId.make(id))
)
