/**
 * The command about whole events: cancel-event.
 */
import { bulkOutcome } from "@tickettoken/order-domain/BulkCancel"
import { EventId } from "@tickettoken/order-domain/Ids"
import { bulkCancelEvent, planBulkCancel } from "@tickettoken/order-domain/workflows/BulkCancelEvent"
import { Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { confirm, dryRunFlag, yesFlag } from "../Confirmation.ts"
import { CommandFailed } from "../ExitCode.ts"
import { bulkDetails, planDetails, planMoney } from "../MoneyTables.ts"
import { Operator } from "../Operator.ts"
import { print } from "../Output.ts"
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
    dryRun: dryRunFlag,
    yes: yesFlag
  },
  Effect.fn(function* ({ dryRun, eventId, output, reason, yes }) {
    const input = { caller: yield* Operator, eventId, reason }
    const plan = yield* planBulkCancel(input)
    if (dryRun) return yield* print(output, planDetails(eventId, plan))
    yield* confirm({
      yes,
      what: `Close the event for good, cancel ${plan.orders} orders and return ${planMoney(plan)}`,
      answer: eventId
    })
    const results = yield* bulkCancelEvent(input)
    yield* print(output, bulkDetails(eventId, results))
    const outcome = bulkOutcome(results)
    if (outcome === "all") return
    return yield* new CommandFailed({
      code: outcome === "some" ? "partial" : "failure",
      message: `${results.failed} of ${results.total} orders could not be cancelled; run it again`
    })
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
