/**
 * Starts the sandbox services of the testing package. Only EmbeddedWorld.ts loads this module, and only when a
 * sandbox is wanted: a production installation does not have the package.
 */
import { layer, Sandbox } from "@tickettoken/order-testing/sandbox/Sandbox"
import { Context, Effect, Layer, type Redacted, type Scope } from "effect"
import * as path from "node:path"
import { type StartFailure, startFailure } from "../StartFailure.ts"

interface SandboxSettings {
  readonly ticketPort: number
  readonly paymentPort: number
  readonly eventPort: number
  readonly dataFolder: string
}

export interface OpenSandbox {
  readonly ticketAt: URL
  readonly paymentAt: URL
  readonly eventAt: URL
  readonly announceTo: (target: {
    readonly orderServiceUrl: string
    readonly serviceKey: Redacted.Redacted
  }) => Effect.Effect<void>
}

/** Which variable sets the port of a service, for people who must choose another one. */
const portVariables: { readonly [service: string]: string } = {
  ticket: "ORDER_SANDBOX_TICKET_PORT",
  payment: "ORDER_SANDBOX_PAYMENT_PORT",
  event: "ORDER_SANDBOX_EVENT_PORT"
}

/** Starts all three services; they keep what they have done beside the database, and end with the scope. */
export const openSandbox = Effect.fn("openSandbox")(function* (
  settings: SandboxSettings
): Effect.fn.Return<OpenSandbox, StartFailure, Scope.Scope> {
  const { dataFolder, eventPort, paymentPort, ticketPort } = settings
  const context = yield* Layer.build(
    layer({ ticketPort, paymentPort, eventPort, journalFolder: path.join(dataFolder, "sandbox") })
  ).pipe(
    Effect.catchTags({
      SandboxStartError: ({ message, service }) =>
        Effect.fail(
          startFailure(`${capitalised(message)}: set ${portVariables[service] ?? "its port"} to a free one.`)
        ),
      JournalUnreadable: ({ message }) => Effect.fail(startFailure(`${capitalised(message)}.`))
    })
  )
  const { events, payments, tickets } = Context.get(context, Sandbox)
  return {
    ticketAt: new URL(tickets.url),
    paymentAt: new URL(payments.url),
    eventAt: new URL(events.url),
    announceTo: payments.announceTo
  }
})

const capitalised = (sentence: string): string => sentence.charAt(0).toUpperCase() + sentence.slice(1)
