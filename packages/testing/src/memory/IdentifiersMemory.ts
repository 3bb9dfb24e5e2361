/**
 * `Identifiers` from Effect's `Random`: a test that gives a seed gets the same ids and numbers again.
 */
import { Effect, Layer, Random } from "effect"
import { drawSuffix, formatOrderNumber, suffixLength } from "@tickettoken/order-domain/OrderNumber"
import { Identifiers } from "@tickettoken/order-domain/ports/Identifiers"
import { randomUuid } from "../TestOrders.ts"

const WORD_MAX = 2 ** 32 - 1

export const layer = Layer.succeed(
  Identifiers,
  Identifiers.of({
    uuid: randomUuid,
    orderNumber: (now, attempt) =>
      Effect.map(
        Effect.all(Array.from({ length: suffixLength(attempt) }, () => Random.nextIntBetween(0, WORD_MAX))),
        (drawn) => formatOrderNumber(now, drawSuffix(drawn))
      )
  })
)
