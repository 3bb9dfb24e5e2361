/**
 * The command that searches orders. It reads page by page as far as it is asked to, behind an order that was the last one.
 */
import { Currency } from "@tickettoken/order-domain/Currency"
import { EventId, OrderId, PaymentIntentId, UserId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { type Order, OrderStatus } from "@tickettoken/order-domain/Order"
import { OrderNumber } from "@tickettoken/order-domain/OrderNumber"
import type { OrderCriteria, OrdersFound, PageKey } from "@tickettoken/order-domain/ports/OrderReads"
import { getOrder, searchOrders } from "@tickettoken/order-domain/workflows/ReadOrders"
import { Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { Operator } from "../Operator.ts"
import { foundTable } from "../OrderTables.ts"
import { print } from "../Output.ts"
import { withOperator } from "../WithOperator.ts"
import { common } from "./common.ts"

const LIMIT_MAX = 10_000
const LIMIT_DEFAULT = 20

/** How many orders are read at a time. */
const PAGE = 100

const said = <A>(name: string, schema: Schema.Codec<A, string>, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.withSchema(schema), Flag.optional)

const amount = (name: string, description: string) =>
  Flag.Int(name).pipe(Flag.withDescription(description), Flag.withSchema(Cents), Flag.optional)

const MetadataText = Schema.String.check(
  Schema.isPattern(/^[^=]+=/, { expected: "key=value" }),
  Schema.makeFilter((text) => !text.includes("\u0000") && text.isWellFormed(), { expected: "plain text" })
)

const Scalar = Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null])
const readScalar = Schema.decodeUnknownOption(Schema.fromJsonString(Scalar))

/** A value that reads as JSON is what it reads as: 7 is a number and "7" a text. Anything else is a text. */
const entryOf = (text: string) => {
  const at = text.indexOf("=")
  const value = text.slice(at + 1)
  return [text.slice(0, at), Option.getOrElse(readScalar(value), () => value)] as const
}

/** Page after page, until there are as many as are asked for. */
const searchUpTo = Effect.fnUntraced(function* (criteria: OrderCriteria, limit: number, start: PageKey | null) {
  const caller = yield* Operator
  const orders: Array<Order> = []
  let after = start
  for (let hasMore = true; hasMore; ) {
    const wanted = Math.min(PAGE, limit - orders.length)
    const page: OrdersFound = yield* searchOrders({ caller, ...criteria, limit: wanted, after })
    orders.push(...page.orders)
    hasMore = page.hasMore
    after = page.orders.at(-1) ?? null
    if (after === null || orders.length >= limit) return { orders, hasMore }
  }
  return { orders, hasMore: false }
})

const search = Command.make(
  "search",
  {
    ...common,
    number: said("number", OrderNumber, "The order's number"),
    order: said("order", OrderId, "The order's id"),
    user: said("user", UserId, "Only orders of this user"),
    payment: said("payment-intent", PaymentIntentId, "Only orders that this intent is of, or has paid"),
    event: said("event", EventId, "Only orders of this event"),
    status: Flag.Literals("status", OrderStatus.literals).pipe(
      Flag.withDescription("Only orders in this state"),
      Flag.optional
    ),
    currency: Flag.Literals("currency", Currency.literals).pipe(
      Flag.withDescription("Only orders in this currency"),
      Flag.optional
    ),
    min: amount("min", "A total of this at least, in minor units"),
    max: amount("max", "A total of this at most, in minor units"),
    from: said("from", Schema.DateTimeUtcFromString, "Created at this instant or later"),
    before: said("before", Schema.DateTimeUtcFromString, "Created before this instant"),
    metadata: Flag.String("metadata").pipe(
      Flag.withDescription("key=value at the top of the metadata; may be repeated"),
      Flag.withSchema(MetadataText),
      Flag.atLeast(0)
    ),
    limit: Flag.Int("limit").pipe(
      Flag.withDescription(`At most this many, 1 to ${LIMIT_MAX}`),
      Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: LIMIT_MAX }))),
      Flag.withDefault(LIMIT_DEFAULT)
    ),
    after: said("after", OrderId, "Go on behind this order")
  },
  Effect.fn(function* ({ after, before, from, limit, max, metadata, min, number, order, output, payment, ...given }) {
    const last = Option.isNone(after) ? null : yield* getOrder({ caller: yield* Operator, orderId: after.value })
    const criteria: OrderCriteria = {
      id: Option.getOrUndefined(order),
      orderNumber: Option.getOrUndefined(number),
      userId: Option.getOrUndefined(given.user),
      paymentIntentId: Option.getOrUndefined(payment),
      eventId: Option.getOrUndefined(given.event),
      status: Option.getOrUndefined(given.status),
      currency: Option.getOrUndefined(given.currency),
      totalMin: Option.getOrUndefined(min),
      totalMax: Option.getOrUndefined(max),
      createdFrom: Option.getOrUndefined(from),
      createdBefore: Option.getOrUndefined(before),
      metadata: Object.fromEntries(metadata.map(entryOf))
    }
    yield* print(output, foundTable(yield* searchUpTo(criteria, limit, last), limit))
  })
).pipe(
  Command.withDescription("Search the tenant's orders by all that is known of them, newest first"),
  Command.withExamples([
    { command: "orders search --payment-intent pi_123", description: "The order that a payment is for" },
    {
      command: "orders search --status CONFIRMED --min 50000 --from 2026-11-01T00:00:00Z --limit 1000 -o csv",
      description: "Large orders of a month, for a sheet"
    }
  ]),
  withOperator
)

export const searchCommands = [search] as const
