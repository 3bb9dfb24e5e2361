/**
 * The sandbox: ticket, payment and event service on loopback, as an embedded run and the tests start them.
 *
 * Each is a real HTTP server over a pure engine and its journal. The service below reaches the same engines without
 * HTTP, and so without faults: for tests that set a scene, act as buyer or bank, and look at what truly happened.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Context, type DateTime, Effect, Layer, type Result } from "effect"
import { SecureRandom } from "effect/crypto"
import { FetchHttpClient } from "effect/http"
import type { EventId } from "@tickettoken/order-domain/Ids"
import type * as Announcer from "./Announcer.ts"
import { type Catalogue, demoCatalogue } from "./catalogue.ts"
import * as Directory from "./EventDirectory.ts"
import { completeEvent, type NewEvent } from "./EventRoutes.ts"
import type * as Faults from "./Faults.ts"
import type * as Journal from "./Journal.ts"
import type { Intent, PaymentFact, PaymentRefund, PaymentRefusal, PayRequest, SettleRequest } from "./PaymentFacts.ts"
import * as Ledger from "./PaymentLedger.ts"
import { eventService, paymentService, ticketService } from "./Services.ts"
import { payAndAnnounce } from "./PaymentRoutes.ts"
import type { Listening, SandboxStartError } from "./SandboxServer.ts"
import type { TicketFact, TicketRefusal, TicketType } from "./TicketFacts.ts"
import * as Inventory from "./TicketInventory.ts"
import { completeTicketType, type NewTicketType } from "./TicketRoutes.ts"
import type * as Stock from "./TicketStock.ts"

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

const make = Effect.fnUntraced(function* (options: SandboxOptions) {
  const uuid = (yield* SecureRandom.SecureRandom).uuidV4()
  const folder = options.journalFolder
  const { catalogued, ...events } = yield* eventService(
    { port: options.eventPort ?? 3005, folder },
    options.catalogue ?? demoCatalogue
  )
  const tickets = yield* ticketService({ port: options.ticketPort ?? 3001, folder }, catalogued)
  const { announcer, ...payments } = yield* paymentService(
    { port: options.paymentPort ?? 3002, folder },
    options.announceTo
  )

  const payment = (id: string, late: boolean, how: PayRequest = {}) =>
    settled(payAndAnnounce(payments.journal, announcer, { ...how, id, late }))
  return Sandbox.of({
    tickets: {
      ...tickets,
      addTicketType: (given) =>
        Effect.flatMap(completeTicketType(given, uuid), (ticketType) =>
          settled(tickets.journal.perform((state, now) => Inventory.addTicketType(state, { ticketType }, now)))
        )
    },
    payments: {
      ...payments,
      pay: (id, how) => payment(id, false, how),
      payLate: (id, how) => payment(id, true, how),
      startProcessing: (id) => settled(payments.journal.perform((state) => Ledger.startProcessing(state, { id }))),
      decline: (id, how) => settled(payments.journal.perform((state) => Ledger.decline(state, { id, ...how }))),
      settleRefund: (id, how) =>
        settled(payments.journal.perform((state) => Ledger.settleRefund(state, { id, ...how }))),
      announceTo: announcer.setTarget
    },
    events: {
      ...events,
      addEvent: (given) =>
        Effect.flatMap(completeEvent(given, uuid), (event) =>
          settled(events.journal.perform((state) => Directory.addEvent(state, { event })))
        ),
      setStatus: (id, status) => settled(events.journal.perform((state) => Directory.setStatus(state, { id, status })))
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
