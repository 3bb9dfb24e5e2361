/**
 * The commands about the audit history as a whole: audit verify, audit anchor.
 */
import { OrderId, TenantId } from "@tickettoken/order-domain/Ids"
import type { ChainBreak } from "@tickettoken/order-server/fsck/AuditChain"
import { Console, Effect, FileSystem, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { Backend } from "../Backend.ts"
import { CommandFailed } from "../ExitCode.ts"
import { outputFlag, type Printable, print } from "../Output.ts"

const tenantFlag = Flag.String("tenant").pipe(
  Flag.withDescription("Only of this tenant; else of all"),
  Flag.withSchema(TenantId),
  Flag.optional
)

const readAnchor = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  return yield* fs
    .readFileString(file)
    .pipe(Effect.mapError(({ message }) => new CommandFailed({ code: "usage", message: `--anchor: ${message}` })))
})

const verify = Command.make(
  "verify",
  {
    output: outputFlag,
    tenant: tenantFlag,
    order: Flag.String("order").pipe(
      Flag.withDescription("Only of this order"),
      Flag.withSchema(OrderId),
      Flag.optional
    ),
    anchor: Flag.String("anchor").pipe(
      Flag.withDescription("Compare with this file, which 'orders audit anchor' has printed"),
      Flag.optional
    )
  },
  Effect.fn(function* ({ anchor, order, output, tenant }) {
    const backend = yield* Backend
    const scope = { tenantId: Option.getOrNull(tenant), orderId: Option.getOrNull(order) }
    const text = Option.isSome(anchor) ? yield* readAnchor(anchor.value) : null
    const breaks = yield* backend.verifyAudit({ ...scope, anchor: text })
    yield* print(output, breaksTable(breaks))
    if (breaks.length > 0) {
      return yield* new CommandFailed({
        code: "failure",
        message: `${breaks.length} rows of the audit history are not as they were written`
      })
    }
  })
).pipe(
  Command.withDescription("Check that the audit history is as it was written; name each row that is not"),
  Command.withExamples([
    { command: "orders audit verify --anchor anchor.txt", description: "Also against an earlier anchor" }
  ])
)

const breaksTable = (breaks: ReadonlyArray<ChainBreak>): Printable => ({
  json: { breaks },
  header: ["TENANT", "ORDER", "VERSION", "FAULT"],
  rows: breaks.map(({ fault, orderId, tenantId, version }) => [tenantId, orderId, `${version}`, fault]),
  note: breaks.length === 0 ? "every row is as it was written" : undefined
})

const anchor = Command.make(
  "anchor",
  { tenant: tenantFlag },
  Effect.fn(function* ({ tenant }) {
    const backend = yield* Backend
    yield* Console.log(yield* backend.anchorAudit(Option.getOrNull(tenant)))
  })
).pipe(
  Command.withDescription(
    "Print the last hash of every order's history, to be kept where the database's owner can not write"
  )
)

const audit = Command.make("audit").pipe(
  Command.withDescription("The audit history as a whole: verify it, anchor it"),
  Command.withSubcommands([verify, anchor])
)

export const auditCommands = [audit] as const
