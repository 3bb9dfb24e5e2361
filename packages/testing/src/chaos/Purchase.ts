/**
 * A purchase as a buyer sees it: a creation under a key, asked for until it is answered, and the answer written down.
 */
import { Effect, Option, Schema } from "effect"
import { OrderId, type UserId } from "@tickettoken/order-domain/Ids"
import { OrderStatus } from "@tickettoken/order-domain/Order"
import type { Answer, Callers } from "./Callers.ts"
import type { ChaosOffer, ChaosTenant } from "./ChaosCatalogue.ts"
import type { ClientLog } from "./ClientLog.ts"
import { type Person, tokenOf } from "./Credentials.ts"

/** The part of an order that a client looks at. */
export const OrderSeen = Schema.Struct({
  id: OrderId,
  status: OrderStatus,
  paymentIntentId: Schema.NullOr(Schema.String),
  pricing: Schema.Struct({ total: Schema.Int })
})
export type OrderSeen = typeof OrderSeen.Type

/** What an answer says, when it is one that the client wanted. */
export const read = <A>(schema: Schema.Codec<A, object>, answer: Answer | null): A | undefined =>
  answer !== null && answer.status >= 200 && answer.status < 300
    ? Option.getOrUndefined(Schema.decodeUnknownOption(schema)(answer.body))
    : undefined

export const asPerson = (person: Person) => ({ authorization: `Bearer ${tokenOf(person)}` })

export interface Purchase {
  readonly tenant: ChaosTenant
  readonly userId: UserId
  readonly offer: ChaosOffer
  readonly quantity: number
  readonly key: string
}

/** The order; `undefined` when the creation was refused or given up. */
export const purchase = Effect.fn("Purchase.purchase")(function* (
  { log, untilAnswered }: Pick<Callers, "untilAnswered"> & { readonly log: ClientLog },
  { key, offer: { eventId, ticketPricingId, ticketTypeId }, quantity, tenant: { tenantId }, userId }: Purchase
) {
  const answer = yield* untilAnswered({
    method: "POST",
    path: "/api/v1/orders",
    key,
    body: { eventId, items: [{ ticketTypeId, ticketPricingId, quantity }] },
    ...asPerson({ tenantId, userId, role: "user" })
  })
  const order = read(OrderSeen, answer)
  if (order === undefined) return undefined
  const { id: orderId, pricing, status } = order
  yield* log.note({ kind: "created", tenantId, userId, orderId, key, total: pricing.total, status })
  return order
})
