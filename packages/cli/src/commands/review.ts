/**
 * The commands with which a person decides about a refund: refund-approve, refund-reject, refund-retry.
 */
import { RefundId } from "@tickettoken/order-domain/Ids"
import { RefundNotFound } from "@tickettoken/order-domain/OrderErrors"
import { getOrder } from "@tickettoken/order-domain/workflows/ReadOrders"
import { type RefundVerdict, reviewRefund } from "@tickettoken/order-domain/workflows/ReviewRefund"
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { confirm, yesFlag } from "../Confirmation.ts"
import { refundDetails } from "../MoneyTables.ts"
import { Operator } from "../Operator.ts"
import { money } from "../OrderTables.ts"
import { type OutputFormat, print } from "../Output.ts"
import { withOperator } from "../WithOperator.ts"
import { common, orderArgument, reasonFlag } from "./common.ts"

const refundArgument = Argument.String("refund-id").pipe(
  Argument.withDescription("The refund's id, as 'orders show' prints it"),
  Argument.withSchema(RefundId)
)

const arguments_ = { ...common, orderId: orderArgument, refundId: refundArgument, yes: yesFlag }

interface Review {
  readonly orderId: Parameters<typeof getOrder>[0]["orderId"]
  readonly refundId: RefundId
  readonly output: OutputFormat
  readonly yes: boolean
}

const find = Effect.fnUntraced(function* ({ orderId, refundId }: Review) {
  const order = yield* getOrder({ caller: yield* Operator, orderId })
  const refund = order.refunds.find(({ id }) => id === refundId)
  return refund === undefined ? yield* new RefundNotFound({ refundId }) : { order, refund }
})

const decide = Effect.fnUntraced(function* (review: Review, verb: string, verdict: RefundVerdict) {
  const caller = yield* Operator
  const { order, refund } = yield* find(review)
  yield* confirm({
    yes: review.yes,
    what: `${verb} the refund of ${money(refund.amount, order)} of ${order.orderNumber} (${refund.state})`,
    answer: order.orderNumber
  })
  yield* reviewRefund({ caller, orderId: review.orderId, refundId: review.refundId, verdict })
  const settled = yield* find(review)
  yield* print(review.output, refundDetails(settled.order, settled.refund))
})

const approve = Command.make("refund-approve", arguments_, (review) =>
  decide(review, "Approve", { _tag: "Approve" })
).pipe(Command.withDescription("Approve a refund that waits for review, and carry it out"), withOperator)

const reject = Command.make("refund-reject", { ...arguments_, reason: reasonFlag }, (review) =>
  decide(review, "Reject", { _tag: "Reject", reason: review.reason })
).pipe(Command.withDescription("Reject a refund that waits for review"), withOperator)

const retry = Command.make("refund-retry", arguments_, (review) => decide(review, "Try again", { _tag: "Retry" })).pipe(
  Command.withDescription("Try a refund again that the payment service has refused"),
  withOperator
)

export const reviewCommands = [approve, reject, retry] as const
