/**
 * The commands that change single orders: cancel, refund, expire. Each asks first, and says at the end how things stand.
 */
import { OrderItemId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import type { RefundRequest } from "@tickettoken/order-domain/RefundQuote"
import { cancelOrder } from "@tickettoken/order-domain/workflows/CancelOrder"
import { expireOrder } from "@tickettoken/order-domain/workflows/ExpireOrder"
import { quoteCancel, quoteRefundRequest } from "@tickettoken/order-domain/workflows/QuoteChanges"
import { getOrder } from "@tickettoken/order-domain/workflows/ReadOrders"
import { requestRefund } from "@tickettoken/order-domain/workflows/RequestRefund"
import { Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { confirm, dryRunFlag, yesFlag } from "../Confirmation.ts"
import { CommandFailed } from "../ExitCode.ts"
import { cancelDetails, refundDetails, refundQuoteDetails } from "../MoneyTables.ts"
import { Operator } from "../Operator.ts"
import { money, orderDetails } from "../OrderTables.ts"
import { print } from "../Output.ts"
import { withOperator } from "../WithOperator.ts"
import { common, orderArgument, reasonFlag } from "./common.ts"

const cancel = Command.make(
  "cancel",
  { ...common, orderId: orderArgument, reason: reasonFlag, dryRun: dryRunFlag, yes: yesFlag },
  Effect.fn(function* ({ dryRun, orderId, output, reason, yes }) {
    const caller = yield* Operator
    const { order, quote } = yield* quoteCancel({ caller, orderId })
    if (dryRun) return yield* print(output, refundQuoteDetails(order, quote))
    yield* confirm({
      yes,
      what: `Cancel ${order.orderNumber} (${order.status}) and return ${money(quote.amount, order)}`,
      answer: order.orderNumber
    })
    yield* cancelOrder({ caller, orderId, reason })
    yield* print(output, cancelDetails(yield* getOrder({ caller, orderId })))
  })
).pipe(
  Command.withDescription("Cancel an order: tickets go back, the policy's amount is returned"),
  Command.withExamples([
    { command: "orders cancel ORDER_ID --reason 'asked by phone' --dry-run", description: "What would be returned" }
  ]),
  withOperator
)

const ItemText = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:[0-9]{1,4}$/, {
    expected: "itemId:quantity, a UUID in lower case and a number"
  })
)

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
    dryRun: dryRunFlag,
    yes: yesFlag
  },
  Effect.fn(function* ({ amount, dryRun, item, orderId, output, reason, yes }) {
    const caller = yield* Operator
    const request = yield* refundRequest(amount, item)
    const { order, quote } = yield* quoteRefundRequest({ caller, orderId, request })
    if (dryRun) return yield* print(output, refundQuoteDetails(order, quote))
    yield* confirm({
      yes,
      what: `Return ${money(quote.amount, order)} of ${order.orderNumber}`,
      answer: order.orderNumber
    })
    const requested = yield* requestRefund({ caller, orderId, request, reason })
    const settled = yield* getOrder({ caller, orderId })
    const now = settled.refunds.find(({ id }) => id === requested.refund.id) ?? requested.refund
    yield* print(output, refundDetails(settled, now))
  })
).pipe(
  Command.withDescription("Return money of a confirmed order"),
  Command.withExamples([
    { command: "orders refund ORDER_ID --reason 'goodwill' --amount 500 --dry-run", description: "Five dollars of it" }
  ]),
  withOperator
)

const expire = Command.make(
  "expire",
  {
    ...common,
    orderId: orderArgument,
    reason: reasonFlag.pipe(Flag.withDefault("expired by an operator")),
    yes: yesFlag
  },
  Effect.fn(function* ({ orderId, output, reason, yes }) {
    const caller = yield* Operator
    const order = yield* getOrder({ caller, orderId })
    yield* confirm({ yes, what: `Expire ${order.orderNumber} (${order.status})`, answer: order.orderNumber })
    yield* print(output, orderDetails(yield* expireOrder({ caller, orderId, reason })))
  })
).pipe(Command.withDescription("Expire an order whose deadline and grace have passed"), withOperator)

export const changeCommands = [cancel, refund, expire] as const
