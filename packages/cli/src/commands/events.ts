/**
 * The command about whole events: cancel-event.
 */
import { bulkOutcome } from "@tickettoken/order-domain/BulkCancel"
import { EventId } from "@tickettoken/order-domain/Ids"
import { bulkCancelEvent, planBulkCancel } from "@tickettoken/order-domain/workflows/BulkCancelEvent"
import { Effect, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { confirm, yesFlag } from "../Confirmation.ts"
import { CommandFailed } from "../ExitCode.ts"
import { actorFlag, operator, tenantFlag } from "../Operator.ts"
import { bulkDetails, planDetails } from "../OrderTables.ts"
import { outputFlag, print } from "../Output.ts"

const cancelEvent = Command.make(
  "cancel-event",
  {
    output: outputFlag,
    tenant: tenantFlag,
    actor: actorFlag,
    eventId: Argument.String("event-id").pipe(
      Argument.withDescription("The event whose orders are cancelled"),
      Argument.withSchema(EventId)
    ),
    reason: Flag.String("reason").pipe(
      Flag.withDescription("Why; kept in the audit history"),
      Flag.withSchema(Schema.NonEmptyString.check(Schema.isMaxLength(500))),
      Flag.withDefault("the event was cancelled by the organiser")
    ),
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDescription("Count orders and money; nothing is written"),
      Flag.withDefault(false)
    ),
    yes: yesFlag
  },
  Effect.fn(function* ({ actor, dryRun, eventId, output, reason, tenant, yes }) {
    const input = { caller: operator(tenant, actor), eventId, reason }
    const plan = yield* planBulkCancel(input)
    if (dryRun) return yield* print(output, planDetails(plan))
    yield* confirm({
      yes,
      what: `Cancel ${plan.orders} orders of the event, ${plan.refunds} of them with a full refund`,
      answer: eventId
    })
    const results = yield* bulkCancelEvent(input)
    yield* print(output, bulkDetails(results))
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
  ])
)

export const eventCommands = [cancelEvent] as const
