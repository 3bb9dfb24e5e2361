/**
 * The commands about messages: events dead, events replay.
 */
import { nobody } from "@tickettoken/order-domain/InboundMessage"
import { OrderId } from "@tickettoken/order-domain/Ids"
import type { DeadMessage } from "@tickettoken/order-domain/ports/Inbox"
import { deadMessages, replayDead, replayPublished } from "@tickettoken/order-domain/workflows/ReplayMessages"
import { DateTime, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { confirm, yesFlag } from "../Confirmation.ts"
import { CommandFailed } from "../ExitCode.ts"
import { Operator } from "../Operator.ts"
import { fields, type Printable, print } from "../Output.ts"
import { withOperator } from "../WithOperator.ts"
import { common } from "./common.ts"

const LIMIT_MAX = 1_000
const LIMIT_DEFAULT = 100

const sinceFlag = Flag.String("since").pipe(
  Flag.withDescription("Only from this instant on, such as 2026-11-27T08:00:00Z"),
  Flag.withSchema(Schema.DateTimeUtcFromString),
  Flag.optional
)

const unaddressedFlag = Flag.Boolean("unaddressed").pipe(
  Flag.withDescription("Of the messages that name no tenant, instead of the tenant's"),
  Flag.withDefault(false)
)

const limitFlag = Flag.Int("limit").pipe(
  Flag.withDescription(`At most this many, 1 to ${LIMIT_MAX}`),
  Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: LIMIT_MAX }))),
  Flag.withDefault(LIMIT_DEFAULT)
)

const messageFlag = Flag.String("message").pipe(
  Flag.withDescription("Only the message with this id"),
  Flag.withSchema(Schema.NonEmptyString),
  Flag.optional
)

const deadTable = (messages: ReadonlyArray<DeadMessage>): Printable => ({
  json: {
    messages: messages.map(({ attempts, message, receivedAt, why }) => ({
      messageId: message.messageId,
      source: message.source,
      messageType: message.type,
      receivedAt: DateTime.formatIso(receivedAt),
      attempts,
      why,
      bytes: message.bytes,
      body: message.body
    }))
  },
  header: ["MESSAGE", "SOURCE", "TYPE", "RECEIVED", "TRIES", "WHY"],
  rows: messages.map(({ attempts, message, receivedAt, why }) => [
    message.messageId,
    message.source,
    message.type,
    DateTime.formatIso(receivedAt),
    String(attempts),
    why
  ]),
  note: messages.length === 0 ? "no messages were set aside" : undefined
})

const dead = Command.make(
  "dead",
  { ...common, since: sinceFlag, unaddressed: unaddressedFlag, limit: limitFlag },
  Effect.fn(function* ({ limit, output, since, unaddressed }) {
    const { tenantId } = yield* Operator
    const query = { messageId: null, since: Option.getOrNull(since), limit }
    yield* print(output, deadTable(yield* deadMessages({ ...query, tenantId: unaddressed ? nobody : tenantId })))
  })
).pipe(
  Command.withDescription("List messages of other services that could not be handled, the oldest first"),
  Command.withExamples([{ command: "orders events dead -o json", description: "With what they say" }]),
  withOperator
)

const replayedDetails = (replayed: number): Printable => ({
  json: { replayed },
  ...fields([["replayed", String(replayed)]])
})

const replay = Command.make(
  "replay",
  {
    ...common,
    dead: Flag.Boolean("dead").pipe(
      Flag.withDescription("Handle anew what other services have sent and was set aside, instead of sending ours"),
      Flag.withDefault(false)
    ),
    order: Flag.String("order").pipe(
      Flag.withDescription("Only messages of this order"),
      Flag.withSchema(OrderId),
      Flag.optional
    ),
    message: messageFlag,
    since: sinceFlag,
    unaddressed: unaddressedFlag,
    yes: yesFlag
  },
  Effect.fn(function* ({ dead: isDead, message, order, output, since, unaddressed, yes }) {
    const { tenantId } = yield* Operator
    if (isDead ? Option.isSome(order) : Option.isSome(message) || unaddressed) {
      return yield* new CommandFailed({
        code: "usage",
        message: "--order is for our messages; --message and --unaddressed are for those of others, with --dead"
      })
    }
    yield* confirm({
      yes,
      what: isDead ? "Handle messages anew that were set aside" : "Send messages once more",
      answer: "replay"
    })
    const from = Option.getOrNull(since)
    const replayed = isDead
      ? yield* replayDead({
          tenantId: unaddressed ? nobody : tenantId,
          messageId: Option.getOrNull(message),
          since: from,
          limit: LIMIT_MAX
        })
      : yield* replayPublished({ tenantId, orderId: Option.getOrNull(order), since: from })
    yield* print(output, replayedDetails(replayed))
  })
).pipe(
  Command.withDescription("Have messages sent once more with the same ids, or handled anew with --dead"),
  Command.withExamples([
    { command: "orders events replay --since 2026-11-27T08:00:00Z --yes", description: "All messages since then" },
    { command: "orders events replay --dead --yes", description: "What could not be handled, once more" }
  ]),
  withOperator
)

const events = Command.make("events").pipe(
  Command.withDescription("Messages: list those that were set aside, send or handle messages once more"),
  Command.withSubcommands([dead, replay])
)

export const messageCommands = [events] as const
