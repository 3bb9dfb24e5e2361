/**
 * Where new identifiers come from: random ids and order numbers, so that tests can own both.
 */
import { Context, type DateTime, type Effect } from "effect"
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
