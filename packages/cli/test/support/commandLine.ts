/** Runs the command line inside a test: over ports in memory, with a console, a terminal and variables of its own. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Backend, type BackendShape, type Ports } from "@tickettoken/order-cli/Backend"
import { program, teardown } from "@tickettoken/order-cli/main"
import { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import { BulkJobReads } from "@tickettoken/order-domain/ports/BulkJobReads"
import { BulkJobs } from "@tickettoken/order-domain/ports/BulkJobs"
import { EventCatalog } from "@tickettoken/order-domain/ports/EventCatalog"
import { EventClosures } from "@tickettoken/order-domain/ports/EventClosures"
import { Identifiers } from "@tickettoken/order-domain/ports/Identifiers"
import { Inbox } from "@tickettoken/order-domain/ports/Inbox"
import { OrderReads } from "@tickettoken/order-domain/ports/OrderReads"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { Outbox } from "@tickettoken/order-domain/ports/Outbox"
import { Payments } from "@tickettoken/order-domain/ports/Payments"
import { Policies } from "@tickettoken/order-domain/ports/Policies"
import { SalesReads } from "@tickettoken/order-domain/ports/SalesReads"
import { Tickets } from "@tickettoken/order-domain/ports/Tickets"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import * as ControlsMemory from "@tickettoken/order-testing/memory/ControlsMemory"
import * as MemoryLayer from "@tickettoken/order-testing/memory/MemoryLayer"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { type Cause, ConfigProvider, Console, Context, Effect, Layer, Option, Queue, Schema, Terminal } from "effect"
import { TerminalCapabilities } from "effect/cli"
import { TestConsole } from "effect/testing"

/** A whole core in memory, with what is behind it. */
export const world = Layer.merge(
  WorkExecutor.layer.pipe(Layer.provideMerge(MemoryLayer.layer)),
  ControlsMemory.layer.pipe(Layer.provide(MemoryLayer.layer))
)

export interface RunOptions {
  /** What is typed at the terminal; without it there is none. `^C` at the end is Ctrl-C. */
  readonly typed?: string
  /** Variables. Default: the operator is maria. */
  readonly env?: { readonly [name: string]: string }
  /** Parts of the backend that differ from the one in memory. */
  readonly backend?: Partial<BackendShape>
  /** Ports that differ from those in memory. */
  readonly ports?: (ports: Context.Context<Ports>) => Context.Context<Ports>
}

/** What a run leaves to see. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const CTRL_C = "^C"

const keysOf = (typed: string): ReadonlyArray<Terminal.UserInput> => {
  const key = (name: string, input: string, ctrl = false): Terminal.UserInput => ({
    input: Option.some(input),
    key: { name, ctrl, meta: false, shift: false }
  })
  const isStopped = typed.endsWith(CTRL_C)
  const text = isStopped ? typed.slice(0, -CTRL_C.length) : typed
  return [...text.split("").map((char) => key(char, char)), isStopped ? key("c", "\u0003", true) : key("return", "\r")]
}

const terminal = (typed: string) =>
  Layer.succeed(
    Terminal.Terminal,
    Terminal.make({
      columns: Effect.succeed(80),
      rows: Effect.succeed(24),
      size: Effect.die("nobody resizes"),
      readLine: Effect.die("nobody reads lines"),
      readInput: Effect.gen(function* () {
        const queue = yield* Queue.make<Terminal.UserInput, Cause.Done>()
        yield* Queue.offerAll(queue, keysOf(typed))
        if (typed.endsWith(CTRL_C)) yield* Queue.end(queue)
        return queue
      }),
      display: () => Effect.void
    })
  )

// The whole context would bring the console of the test along.
const onlyPorts = Context.pick(
  Alarms,
  BulkJobReads,
  BulkJobs,
  EventCatalog,
  EventClosures,
  Identifiers,
  Inbox,
  OrderReads,
  OrderStore,
  Outbox,
  Payments,
  Policies,
  SalesReads,
  Tickets,
  WorkQueue
)

const memoryBackend = (options: Partial<BackendShape>, changed: NonNullable<RunOptions["ports"]>) =>
  Layer.effect(
    Backend,
    Effect.map(Effect.context<Ports>(), (ports) =>
      Backend.of({
        defaultTenant: Effect.succeed(Option.some(demo.tenantId)),
        // Each run has an executor of its own, as each process has.
        ports: Layer.fresh(WorkExecutor.layer).pipe(
          Layer.provideMerge(Layer.succeedContext(onlyPorts(changed(ports))))
        ),
        migrationStatus: Effect.succeed([]),
        migrate: Effect.succeed([]),
        inspect: () => Effect.succeed([]),
        planRepairs: () => Effect.succeed([]),
        repair: () => Effect.succeed([]),
        verifyAudit: () => Effect.succeed([]),
        anchorAudit: () => Effect.succeed(""),
        serve: Effect.void,
        ...options
      })
    )
  )

/** One run of `orders ...argv`. */
export const orders = Effect.fn("orders")(function* (
  argv: ReadonlyArray<string>,
  { backend = {}, env = { USER: "maria" }, ports = (known) => known, typed }: RunOptions = {}
) {
  const printed = yield* TestConsole.make
  const exit = yield* program(argv).pipe(
    Effect.provide(
      Layer.mergeAll(
        memoryBackend(backend, ports),
        NodeServices.layer,
        ConfigProvider.layer(ConfigProvider.fromUnknown(env)),
        Layer.succeed(Console.Console, printed),
        Layer.succeed(TerminalCapabilities.TerminalCapabilities, {
          canColor: false,
          canAnimate: false,
          canPrompt: typed !== undefined
        })
      ).pipe(Layer.merge(terminal(typed ?? "")))
    ),
    Effect.exit
  )
  let code = Number.NaN
  teardown(exit, (given) => {
    code = given
  })
  const outcome: Outcome = {
    code,
    stdout: (yield* printed.logLines).join("\n"),
    stderr: (yield* printed.errorLines).join("\n")
  }
  return outcome
})

/** What a run has printed as JSON, decoded. */
export const jsonOf = <S extends Schema.Codec<unknown, unknown>>(schema: S, { stdout }: Outcome) =>
  Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(stdout)
