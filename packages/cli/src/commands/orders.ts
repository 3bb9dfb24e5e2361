/**
 * The commands about single orders: list, show, history, quote, cancel, refund, expire.
 */
import { Currency } from "@tickettoken/order-domain/Currency"
import { EventId, OrderId, OrderItemId, TicketPricingId, TicketTypeId, UserId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { OrderStatus } from "@tickettoken/order-domain/Order"
import type { RefundRequest } from "@tickettoken/order-domain/OrderCommand"
import { cancelOrder } from "@tickettoken/order-domain/workflows/CancelOrder"
import { expireOrder } from "@tickettoken/order-domain/workflows/ExpireOrder"
import { quoteNewOrder, quoteRefundOf } from "@tickettoken/order-domain/workflows/Quotes"
import { getOrder, listOrders, orderHistory } from "@tickettoken/order-domain/workflows/ReadOrders"
import { requestRefund } from "@tickettoken/order-domain/workflows/RequestRefund"
import { Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { confirm, yesFlag } from "../Confirmation.ts"
import { CommandFailed } from "../ExitCode.ts"
import { actorFlag, operator, tenantFlag } from "../Operator.ts"
import { cancelDetails, historyTable, orderDetails, ordersTable, quoteDetails, refundDetails } from "../OrderTables.ts"
import { outputFlag, print } from "../Output.ts"

const common = { output: outputFlag, tenant: tenantFlag, actor: actorFlag }

const orderArgument = Argument.String("order-id").pipe(
  Argument.withDescription("The order's id"),
  Argument.withSchema(OrderId)
)

const reasonFlag = Flag.String("reason").pipe(
  Flag.withDescription("Why; kept in the audit history"),
  Flag.withSchema(Schema.NonEmptyString.check(Schema.isMaxLength(500)))
)

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
      Flag.withDescription("At most this many, 1 to 100"),
      Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 }))),
      Flag.withDefault(20)
    ),
    offset: Flag.Int("offset").pipe(
      Flag.withDescription("Skip this many"),
      Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 }))),
      Flag.withDefault(0)
    )
  },
  Effect.fn(function* ({ actor, event, limit, offset, output, status, tenant, user }) {
    const page = yield* listOrders({
      caller: operator(tenant, actor),
      status: Option.getOrUndefined(status),
      eventId: Option.getOrUndefined(event),
      userId: Option.getOrUndefined(user),
      limit,
      offset,
      after: null
    })
    yield* print(output, ordersTable(page.orders))
  })
).pipe(
  Command.withDescription("List the tenant's orders, newest first"),
  Command.withExamples([{ command: "orders list --status CONFIRMED -o json", description: "Confirmed orders as JSON" }])
)

const show = Command.make(
  "show",
  { ...common, orderId: orderArgument },
  Effect.fn(function* ({ actor, orderId, output, tenant }) {
    yield* print(output, orderDetails(yield* getOrder({ caller: operator(tenant, actor), orderId })))
  })
).pipe(Command.withDescription("Show one order with its money"))

const history = Command.make(
  "history",
  { ...common, orderId: orderArgument },
  Effect.fn(function* ({ actor, orderId, output, tenant }) {
    yield* print(output, historyTable(yield* orderHistory({ caller: operator(tenant, actor), orderId })))
  })
).pipe(Command.withDescription("Show what happened to an order, by whom and from where"))

/** `type:pricing:quantity`, as the buyer's order states it. */
const LineText = Schema.String.check(
  Schema.isPattern(/^[0-9a-f-]{36}:[0-9a-f-]{36}:[0-9]{1,4}$/, { expected: "ticketType:ticketPricing:quantity" })
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
  Effect.fn(function* ({ actor, currency, event, item, output, tenant }) {
    const priced = yield* quoteNewOrder({
      caller: operator(tenant, actor),
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
  ])
)

const cancel = Command.make(
  "cancel",
  { ...common, orderId: orderArgument, reason: reasonFlag, yes: yesFlag },
  Effect.fn(function* ({ actor, orderId, output, reason, tenant, yes }) {
    const caller = operator(tenant, actor)
    const order = yield* getOrder({ caller, orderId })
    yield* confirm({ yes, what: `Cancel ${order.orderNumber} (${order.status})`, answer: order.orderNumber })
    yield* print(output, cancelDetails(yield* cancelOrder({ caller, orderId, reason })))
  })
).pipe(Command.withDescription("Cancel an order: tickets go back, the policy's amount is returned"))

const ItemText = Schema.String.check(Schema.isPattern(/^[0-9a-f-]{36}:[0-9]{1,4}$/, { expected: "itemId:quantity" }))

const parseItem = (text: string) => {
  const [itemId = "", quantity = ""] = text.split(":")
  return { itemId: OrderItemId.make(itemId), quantity: Number(quantity) }
}

const refundRequest = Effect.fnUntraced(function* (
  amount: Option.Option<Cents>,
  items: ReadonlyArray<string>
): Effect.fn.Return<RefundRequest, CommandFailed> {
  if (Option.isSome(amount) && items.length > 0) {
    return yield* new CommandFailed({ code: "usage", message: "say either --amount or --item" })
  }
  if (Option.isSome(amount)) return { _tag: "Amount", amount: amount.value }
  return items.length > 0 ? { _tag: "Items", items: items.map(parseItem) } : { _tag: "Everything" }
})

const refund = Command.make(
  "refund",
  {
    ...common,
    orderId: orderArgument,
    reason: reasonFlag,
    amount: Flag.Int("amount").pipe(
      Flag.withDescription("Minor units; without it and without --item, the policy's amount"),
      Flag.withSchema(Cents),
      Flag.optional
    ),
    item: Flag.String("item").pipe(
      Flag.withDescription("itemId:quantity, the tickets to return; may be repeated"),
      Flag.withSchema(ItemText),
      Flag.atLeast(0)
    ),
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDescription("Say what would be returned; nothing is written"),
      Flag.withDefault(false)
    ),
    yes: yesFlag
  },
  Effect.fn(function* ({ actor, amount, dryRun, item, orderId, output, reason, tenant, yes }) {
    const caller = operator(tenant, actor)
    const request = yield* refundRequest(amount, item)
    const order = yield* getOrder({ caller, orderId })
    const quoted = yield* quoteRefundOf({ caller, orderId, request })
    if (dryRun) {
      return yield* print(output, {
        json: { dryRun: true, orderId, amount: quoted.amount, retained: quoted.retained },
        header: ["ORDER", "RETURNED", "RETAINED"],
        rows: [[orderId, String(quoted.amount), String(quoted.retained)]]
      })
    }
    yield* confirm({ yes, what: `Return ${quoted.amount} of ${order.orderNumber}`, answer: order.orderNumber })
    yield* print(output, refundDetails(yield* requestRefund({ caller, orderId, request, reason })))
  })
).pipe(Command.withDescription("Return money of a confirmed order"))

const expire = Command.make(
  "expire",
  {
    ...common,
    orderId: orderArgument,
    reason: reasonFlag.pipe(Flag.withDefault("expired by an operator")),
    yes: yesFlag
  },
  Effect.fn(function* ({ actor, orderId, output, reason, tenant, yes }) {
    const caller = operator(tenant, actor)
    const order = yield* getOrder({ caller, orderId })
    yield* confirm({ yes, what: `Expire ${order.orderNumber} (${order.status})`, answer: order.orderNumber })
    yield* print(output, orderDetails(yield* expireOrder({ caller, orderId, reason })))
  })
).pipe(Command.withDescription("Expire an order whose deadline and grace have passed"))

export const orderCommands = [list, show, history, quote, cancel, refund, expire] as const
