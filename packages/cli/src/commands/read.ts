/**
 * The commands that look: list, show, history, quote. Nothing here writes.
 */
import { Currency } from "@tickettoken/order-domain/Currency"
import { EventId, TicketPricingId, TicketTypeId, UserId } from "@tickettoken/order-domain/Ids"
import { OrderStatus } from "@tickettoken/order-domain/Order"
import { quoteNewOrder } from "@tickettoken/order-domain/workflows/Quotes"
import { getOrder, listOrders, orderHistory } from "@tickettoken/order-domain/workflows/ReadOrders"
import { Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { quoteDetails } from "../MoneyTables.ts"
import { Operator } from "../Operator.ts"
import { historyTable, orderDetails, ordersTable } from "../OrderTables.ts"
import { print } from "../Output.ts"
import { withOperator } from "../WithOperator.ts"
import { common, orderArgument } from "./common.ts"

const LIMIT_MAX = 100
const LIMIT_DEFAULT = 20

/** As the HTTP interface: who wants to go further asks for a part by event, user or state. */
const OFFSET_MAX = 10_000

const list = Command.make(
  "list",
  {
    ...common,
    status: Flag.Literals("status", OrderStatus.literals).pipe(
      Flag.withDescription("Only orders in this state"),
      Flag.optional
    ),
    event: Flag.String("event").pipe(
      Flag.withDescription("Only orders of this event"),
      Flag.withSchema(EventId),
      Flag.optional
    ),
    user: Flag.String("user").pipe(
      Flag.withDescription("Only orders of this user"),
      Flag.withSchema(UserId),
      Flag.optional
    ),
    limit: Flag.Int("limit").pipe(
      Flag.withDescription(`At most this many, 1 to ${LIMIT_MAX}`),
      Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: LIMIT_MAX }))),
      Flag.withDefault(LIMIT_DEFAULT)
    ),
    offset: Flag.Int("offset").pipe(
      Flag.withDescription("Skip this many"),
      Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: OFFSET_MAX }))),
      Flag.withDefault(0)
    )
  },
  Effect.fn(function* ({ event, limit, offset, output, status, user }) {
    const page = yield* listOrders({
      caller: yield* Operator,
      status: Option.getOrUndefined(status),
      eventId: Option.getOrUndefined(event),
      userId: Option.getOrUndefined(user),
      limit,
      offset,
      after: null
    })
    yield* print(output, ordersTable(page, { limit, offset }))
  })
).pipe(
  Command.withDescription("List the tenant's orders, newest first"),
  Command.withExamples([
    { command: "orders list --status CONFIRMED -o json", description: "Confirmed orders as JSON" }
  ]),
  withOperator
)

const show = Command.make(
  "show",
  { ...common, orderId: orderArgument },
  Effect.fn(function* ({ orderId, output }) {
    yield* print(output, orderDetails(yield* getOrder({ caller: yield* Operator, orderId })))
  })
).pipe(Command.withDescription("Show one order with its money"), withOperator)

const history = Command.make(
  "history",
  { ...common, orderId: orderArgument },
  Effect.fn(function* ({ orderId, output }) {
    yield* print(output, historyTable(yield* orderHistory({ caller: yield* Operator, orderId })))
  })
).pipe(Command.withDescription("Show what happened to an order, by whom and from where"), withOperator)

const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

/** `type:pricing:quantity`, as the buyer's order states it. */
const LineText = Schema.String.check(
  Schema.isPattern(new RegExp(`^${uuid}:${uuid}:[0-9]{1,4}$`), {
    expected: "ticketType:ticketPricing:quantity, two UUIDs in lower case and a number"
  })
)

const parseLine = (text: string) => {
  const [type = "", pricing = "", quantity = ""] = text.split(":")
  return {
    ticketTypeId: TicketTypeId.make(type),
    ticketPricingId: TicketPricingId.make(pricing),
    quantity: Number(quantity)
  }
}

const quote = Command.make(
  "quote",
  {
    ...common,
    event: Flag.String("event").pipe(Flag.withDescription("The event"), Flag.withSchema(EventId)),
    item: Flag.String("item").pipe(
      Flag.withDescription("ticketType:ticketPricing:quantity; may be repeated"),
      Flag.withSchema(LineText),
      Flag.atLeast(1)
    ),
    currency: Flag.Literals("currency", Currency.literals).pipe(
      Flag.withDescription("The currency"),
      Flag.withDefault("USD")
    )
  },
  Effect.fn(function* ({ currency, event, item, output }) {
    const priced = yield* quoteNewOrder({
      caller: yield* Operator,
      eventId: event,
      items: item.map(parseLine),
      currency
    })
    yield* print(output, quoteDetails(priced, currency))
  })
).pipe(
  Command.withDescription("Say what an order would cost; nothing is written"),
  Command.withExamples([
    {
      command:
        "orders quote --event 22222222-2222-4222-8222-222222222221 --item 33333333-3333-4333-8333-333333333331:44444444-4444-4444-8444-444444444441:2",
      description: "Two General tickets of the demo event"
    }
  ]),
  withOperator
)

export const readCommands = [list, show, history, quote] as const
