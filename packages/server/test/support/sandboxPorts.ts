/** The three clients against a sandbox of their own, on free ports, with the controls that the contract suites need. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type { CircuitSettings } from "@tickettoken/order-server/clients/Circuits"
import * as EventCatalogHttp from "@tickettoken/order-server/clients/EventCatalogHttp"
import * as PaymentsHttp from "@tickettoken/order-server/clients/PaymentsHttp"
import * as TicketsHttp from "@tickettoken/order-server/clients/TicketsHttp"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import * as Sandbox from "@tickettoken/order-testing/sandbox/Sandbox"
import { Effect, HashMap, Layer } from "effect"
import { circuitsWith, type ClientSettings, production } from "./clientSettings.ts"

/** As in production, unless a test says otherwise. */
interface ClientOptions extends Partial<ClientSettings> {
  readonly circuit?: Partial<CircuitSettings>
}

const clients = ({ circuit = {}, ...changed }: ClientOptions) =>
  Layer.unwrap(
    Effect.map(Sandbox.Sandbox, ({ events, payments, tickets }) => {
      const options = { ...production, ...changed }
      return Layer.mergeAll(
        TicketsHttp.layer({ ...options, baseUrl: new URL(tickets.url) }),
        PaymentsHttp.layer({ ...options, baseUrl: new URL(payments.url) }),
        EventCatalogHttp.layer({ ...options, baseUrl: new URL(events.url) })
      ).pipe(Layer.provideMerge(circuitsWith(circuit)))
    })
  )

const controls = Layer.effect(
  ServiceControls,
  Effect.map(Sandbox.Sandbox, ({ events, payments }) =>
    ServiceControls.of({
      pay: (id, money = {}) => Effect.orDie(Effect.asVoid(payments.payLate(id, { ...money, announce: false }))),
      startProcessing: (id) => Effect.orDie(Effect.asVoid(payments.startProcessing(id))),
      decline: (id, how) => Effect.orDie(Effect.asVoid(payments.decline(id, how))),
      nextRefunds: (...outcomes) => {
        const [value, ...others] = new Set(outcomes)
        // A plan says how often something happens, not in which order.
        if (value === undefined || others.length > 0) return Effect.die(new Error("refunds of one kind at a time"))
        return payments.faults.set({
          rules: [{ operation: "payments.createRefund", refundOutcome: { value, times: outcomes.length } }]
        })
      },
      settleRefund: Effect.fnUntraced(function* (refundId, status) {
        const { refunds } = yield* payments.journal.state
        const pending = HashMap.toValues(refunds).find(
          (refund) => refund.refundId === refundId && refund.status === "pending"
        )
        if (pending === undefined) return yield* Effect.die(new Error(`refund ${refundId} is not pending`))
        yield* Effect.orDie(payments.settleRefund(pending.id, { status }))
      }),
      setEventStatus: (id, status) => Effect.orDie(Effect.asVoid(events.setStatus(id, status)))
    })
  )
)

/** Ports, controls and the sandbox itself. */
export const sandboxPortsWith = (options: ClientOptions) =>
  Layer.merge(clients(options), controls).pipe(
    Layer.provideMerge(Sandbox.layer({ ticketPort: 0, paymentPort: 0, eventPort: 0 })),
    Layer.provide(NodeHttpClient.layerUndici)
  )

/** The same with the clients' own limits. */
export const sandboxPorts = sandboxPortsWith({})
