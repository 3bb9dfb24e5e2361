/**
 * Gives a command what it works with: the operator and the ports, in this order, so that a call without a tenant never
 * waits for a database; or the ports alone, where it works on the whole installation.
 */
import { WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import { Duration, Effect, Layer, Option } from "effect"
import { Command } from "effect/cli"
import { Backend } from "./Backend.ts"
import { type Account, Operator } from "./Operator.ts"
import { say } from "./Output.ts"

/** How long a command waits for what it has asked of other services: a few calls with their time limits. */
const WORK_WAIT = Duration.seconds(30)

/**
 * A command has nobody to answer in the meantime: it waits for the work that it starts, and shows what came of it. What
 * takes longer, or could not be done, stays a row of the database that the next server runs.
 */
const patientExecutor = Layer.effect(
  WorkExecutor,
  Effect.map(WorkExecutor, (executor) =>
    WorkExecutor.of({
      ...executor,
      start: Effect.fn("WorkExecutor.startAndWait")(function* (work) {
        const ended = yield* Effect.timeoutOption(executor.run(work), WORK_WAIT)
        if (Option.isNone(ended)) yield* say("other services take long: the running server goes on with it")
      })
    })
  )
)

const ports = patientExecutor.pipe(Layer.provideMerge(Layer.unwrap(Effect.map(Backend, (backend) => backend.ports))))

export const withOperator = <const Name extends string, Input extends Account, ContextInput, E, R>(
  command: Command.Command<Name, Input, ContextInput, E, R>
) => Command.provide(command, (account: Input) => Layer.provideMerge(ports, Operator.layer(account)))

/** For commands about the whole installation: the ports, on nobody's account. */
export const withPorts = <const Name extends string, Input, ContextInput, E, R>(
  command: Command.Command<Name, Input, ContextInput, E, R>
) => Command.provide(command, ports)
