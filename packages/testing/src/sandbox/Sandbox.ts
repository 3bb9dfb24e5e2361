/**
 * The sandbox: ticket, payment and event service on loopback, as an embedded run and the tests start them.
 *
 * Each is a real HTTP server over a pure engine and its journal. The service below reaches the same engines without
 * HTTP, and so without faults: for tests that set a scene, act as buyer or bank, and look at what truly happened.
 */
import { NodeServices } from "@effect/platform-node"
import { Context, type DateTime, Effect, HashMap, Layer, type Result } from "effect"
import { SecureRandom } from "effect/crypto"
import { FetchHttpClient, HttpClient } from "effect/http"
import type { EventId } from "@tickettoken/order-domain/Ids"
import * as Announcer from "./Announcer.ts"
import { type Catalogue, demoCatalogue } from "./catalogue.ts"
import { stepWith } from "./Engine.ts"
import * as Directory from "./EventDirectory.ts"
import { completeEvent, eventRoutes, type NewEvent } from "./EventRoutes.ts"
import * as Faults from "./Faults.ts"
import * as Journal from "./Journal.ts"
import {
  type Intent,
  PaymentFact,
  type PaymentRefund,
  type PaymentRefusal,
  type PayRequest,
  type SettleRequest
} from "./PaymentFacts.ts"
import * as Ledger from "./PaymentLedger.ts"
import { payAndAnnounce, paymentRoutes } from "./PaymentRoutes.ts"
import { type Listening, type SandboxStartError, start } from "./SandboxServer.ts"
import { TicketFact, type TicketRefusal, type TicketType } from "./TicketFacts.ts"
import * as Inventory from "./TicketInventory.ts"
import { completeTicketType, type NewTicketType, ticketRoutes } from "./TicketRoutes.ts"
import * as Stock from "./TicketStock.ts"

export interface SandboxOptions {
  /** 0 takes any free port. Default 3001. */
  readonly ticketPort?: number
  /** Default 3002. */
  readonly paymentPort?: number
  /** Default 3005. */
  readonly eventPort?: number
  /** What is on sale, given the instant of the first start. Default: the demo. */
  readonly catalogue?: (firstStart: DateTime.Utc) => Catalogue
  /** Keeps the journals as NDJSON in this folder, and with them the state, across restarts. */
  readonly journalFolder?: string
  /** Who is told of payments. Default: nobody, until `announceTo` says so. */
  readonly announceTo?: Announcer.AnnounceTarget
}

/** What all three have. */
interface SandboxService<State, Fact> extends Listening {
  readonly journal: Journal.Journal<State, Fact>
  readonly faults: Faults.Faults
}

export interface TicketSandbox extends SandboxService<Stock.TicketState, TicketFact> {
  readonly addTicketType: (ticketType: NewTicketType) => Effect.Effect<TicketType, TicketRefusal>
}

export interface PaymentSandbox extends SandboxService<Ledger.PaymentState, PaymentFact> {
  readonly pay: (id: string, how?: PayRequest) => Effect.Effect<Payment, PaymentRefusal>
  /** Pays although the intent is canceled. */
  readonly payLate: (id: string, how?: PayRequest) => Effect.Effect<Payment, PaymentRefusal>
  readonly startProcessing: (id: string) => Effect.Effect<Intent, PaymentRefusal>
  readonly decline: (id: string, how: { readonly retryable: boolean }) => Effect.Effect<Intent, PaymentRefusal>
  readonly settleRefund: (id: string, how: SettleRequest) => Effect.Effect<PaymentRefund, PaymentRefusal>
  /** Tells somebody else, or nobody, of payments from now on. */
  readonly announceTo: (target: Announcer.AnnounceTarget | undefined) => Effect.Effect<void>
}

export interface EventSandbox extends SandboxService<Directory.EventState, Directory.EventFact> {
  readonly addEvent: (event: NewEvent) => Effect.Effect<Directory.Event, Directory.EventRefusal>
  readonly setStatus: (
    id: EventId,
    status: Directory.EventStatus
  ) => Effect.Effect<Directory.Event, Directory.EventRefusal>
}

/** A payment, and what the order service said to it. */
export interface Payment {
  readonly intent: Intent
  readonly announced: Announcer.Announced
}

export class Sandbox extends Context.Service<
  Sandbox,
  {
    readonly tickets: TicketSandbox
    readonly payments: PaymentSandbox
    readonly events: EventSandbox
  }
>()("@tickettoken/order-testing/sandbox/Sandbox") {}

/** Puts what the catalogue has and the journals do not know yet on sale. */
const stockUp = Effect.fnUntraced(function* (
  catalogue: (firstStart: DateTime.Utc) => Catalogue,
  tickets: Journal.Journal<Stock.TicketState, TicketFact>,
  events: Journal.Journal<Directory.EventState, Directory.EventFact>
) {
  const [first] = yield* events.entries
  // In one step: the instant of the first entry is the first start, to the millisecond.
  const wanted = yield* events.perform((state, now) => {
    const asked = catalogue(first?.at ?? now)
    const missing = asked.events.filter((event) => !HashMap.has(state.events, event.id))
    const facts = missing.map((event) => ({ kind: "event.added", event }) as const)
    return stepWith(Directory.engine, state, facts, asked)
  })
  for (const ticketType of wanted.ticketTypes) {
    yield* tickets.perform((state, now) => Inventory.addTicketType(state, { ticketType }, now))
  }
})

const make = Effect.fnUntraced(function* (options: SandboxOptions) {
  const scope = yield* Effect.scope
  const uuid = (yield* SecureRandom.SecureRandom).uuidV4()
  const folder = options.journalFolder

  const journals = yield* Effect.all({
    tickets: Journal.open({ service: "ticket", engine: Stock.engine, fact: TicketFact, folder }),
    payments: Journal.open({ service: "payment", engine: Ledger.engine, fact: PaymentFact, folder }),
    events: Journal.open({ service: "event", engine: Directory.engine, fact: Directory.EventFact, folder })
  })
  const faults = yield* Effect.all({ tickets: Faults.make, payments: Faults.make, events: Faults.make })
  yield* stockUp(options.catalogue ?? demoCatalogue, journals.tickets, journals.events)

  const announcer = yield* Announcer.make({
    scope,
    journal: journals.payments,
    faults: faults.payments,
    client: yield* HttpClient.HttpClient,
    target: options.announceTo
  })
  const ticketServer = yield* start({
    service: "ticket",
    port: options.ticketPort ?? 3001,
    journal: journals.tickets,
    faults: faults.tickets,
    routes: ticketRoutes(journals.tickets, uuid)
  })
  const paymentServer = yield* start({
    service: "payment",
    port: options.paymentPort ?? 3002,
    journal: journals.payments,
    faults: faults.payments,
    routes: paymentRoutes(journals.payments, announcer)
  })
  const eventServer = yield* start({
    service: "event",
    port: options.eventPort ?? 3005,
    journal: journals.events,
    faults: faults.events,
    routes: eventRoutes(journals.events, uuid)
  })

  const payment = (id: string, late: boolean, how: PayRequest = {}) =>
    settled(payAndAnnounce(journals.payments, announcer, { ...how, id, late }))
  return Sandbox.of({
    tickets: {
      ...ticketServer,
      journal: journals.tickets,
      faults: faults.tickets,
      addTicketType: (given) =>
        Effect.flatMap(completeTicketType(given, uuid), (ticketType) =>
          settled(journals.tickets.perform((state, now) => Inventory.addTicketType(state, { ticketType }, now)))
        )
    },
    payments: {
      ...paymentServer,
      journal: journals.payments,
      faults: faults.payments,
      pay: (id, how) => payment(id, false, how),
      payLate: (id, how) => payment(id, true, how),
      startProcessing: (id) => settled(journals.payments.perform((state) => Ledger.startProcessing(state, { id }))),
      decline: (id, how) => settled(journals.payments.perform((state) => Ledger.decline(state, { id, ...how }))),
      settleRefund: (id, how) =>
        settled(journals.payments.perform((state) => Ledger.settleRefund(state, { id, ...how }))),
      announceTo: announcer.setTarget
    },
    events: {
      ...eventServer,
      journal: journals.events,
      faults: faults.events,
      addEvent: (given) =>
        Effect.flatMap(completeEvent(given, uuid), (event) =>
          settled(journals.events.perform((state) => Directory.addEvent(state, { event })))
        ),
      setStatus: (id, status) => settled(journals.events.perform((state) => Directory.setStatus(state, { id, status })))
    }
  })
})

/** An engine's refusal as an error. */
const settled = <Reply, Refusal>(reply: Effect.Effect<Result.Result<Reply, Refusal>>): Effect.Effect<Reply, Refusal> =>
  Effect.flatMap(reply, Effect.fromResult)

/** Starts all three services, or none: a port that is taken is a typed error of one sentence. */
export const layer = (
  options: SandboxOptions = {}
): Layer.Layer<Sandbox, SandboxStartError | Journal.JournalUnreadable> =>
  // The sandbox stands for services of others: it adds no spans to the order service's traces.
  Layer.effect(Sandbox, Effect.withTracerEnabled(make(options), false)).pipe(
    Layer.provide([NodeServices.layer, SecureRandom.layerWebCrypto, FetchHttpClient.layer])
  )
