/**
 * The command about whole events: cancel-event.
 */
import { confirmationToken } from "@tickettoken/order-domain/BulkConfirmation"
import { EventId } from "@tickettoken/order-domain/Ids"
import { beginBulkCancel, planBulkCancel } from "@tickettoken/order-domain/workflows/BulkCancelEvent"
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { moneyOf, planDetails } from "../BulkTables.ts"
import { confirm, dryRunFlag, yesFlag } from "../Confirmation.ts"
import { Operator } from "../Operator.ts"
import { print, say } from "../Output.ts"
import { runJob } from "../RunJob.ts"
import { withOperator } from "../WithOperator.ts"
import { common, reasonFlag } from "./common.ts"

const cancelEvent = Command.make(
  "cancel-event",
  {
    ...common,
    eventId: Argument.String("event-id").pipe(
      Argument.withDescription("The event whose orders are cancelled"),
      Argument.withSchema(EventId)
    ),
    reason: reasonFlag.pipe(Flag.withDefault("the event was cancelled by the organiser")),
    confirmation: Flag.String("confirmation").pipe(
      Flag.withDescription("With --yes: the confirmation that a dry run printed, where much money goes back"),
      Flag.optional
    ),
    dryRun: dryRunFlag,
    yes: yesFlag
  },
  Effect.fn(function* ({ confirmation, dryRun, eventId, output, reason, yes }) {
    const caller = yield* Operator
    const event = { tenantId: caller.tenantId, eventId }
    const plan = yield* planBulkCancel({ caller, eventId })
    if (dryRun) return yield* print(output, planDetails(event, plan))
    yield* confirm({
      yes,
      what: `Close the event for good, cancel ${plan.orders} orders and return ${moneyOf(plan.refundCents)}`,
      answer: eventId
    })
    // Whoever has typed the event's id has seen the numbers.
    const seen = yes ? Option.getOrUndefined(confirmation) : confirmationToken(event, plan)
    const begun = yield* beginBulkCancel({ caller, eventId, reason, confirmation: seen })
    if (begun.lease === null) yield* say(`job ${begun.job.id} of this event is running already`)
    yield* runJob(begun, output)
  })
).pipe(
  Command.withDescription("Cancel every order of an event, with full refunds"),
  Command.withExamples([
    {
      command: "orders cancel-event 22222222-2222-4222-8222-222222222221 --dry-run",
      description: "What cancelling the event would do"
    }
  ]),
  withOperator
)

export const eventCommands = [cancelEvent] as const
