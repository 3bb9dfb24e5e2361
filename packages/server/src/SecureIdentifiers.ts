/**
 * The port `Identifiers` from the system's randomness: nobody can guess the next id.
 */
import { drawSuffix, formatOrderNumber, suffixLength } from "@tickettoken/order-domain/OrderNumber"
import { Identifiers } from "@tickettoken/order-domain/ports/Identifiers"
import { type DateTime, Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"

/** So wide that the remainder's bias does not matter. */
const DRAW_MAX = 2 ** 32 - 1

export const layer = Layer.effect(
  Identifiers,
  Effect.map(SecureRandom.SecureRandom, (random) =>
    Identifiers.of({
      uuid: random.uuidV4(),
      orderNumber: (now: DateTime.Utc, attempt: number) =>
        Effect.map(
          Effect.all(Array.from({ length: suffixLength(attempt) }, () => random.intBetween(0, DRAW_MAX))),
          (drawn) => formatOrderNumber(now, drawSuffix(drawn))
        )
    })
  )
).pipe(Layer.provide(SecureRandom.layerWebCrypto))
