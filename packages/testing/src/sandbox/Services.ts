/**
 * The three services one by one, each a journal, its faults and a server over it: for one process that has all of them
 * (Sandbox.ts) and for a process of its own for each.
 */
import { Effect, HashMap } from "effect"
import { SecureRandom } from "effect/crypto"
import { HttpClient } from "effect/http"
import type { DateTime } from "effect"
import * as Announcer from "./Announcer.ts"
import type { Catalogue } from "./catalogue.ts"
import { stepWith } from "./Engine.ts"
import * as Directory from "./EventDirectory.ts"
import { eventRoutes } from "./EventRoutes.ts"
import * as Faults from "./Faults.ts"
import * as Journal from "./Journal.ts"
import { PaymentFact } from "./PaymentFacts.ts"
import * as Ledger from "./PaymentLedger.ts"
import { paymentRoutes } from "./PaymentRoutes.ts"
import { start } from "./SandboxServer.ts"
import { TicketFact } from "./TicketFacts.ts"
import * as Inventory from "./TicketInventory.ts"
import { ticketRoutes } from "./TicketRoutes.ts"
import * as Stock from "./TicketStock.ts"

export interface ServiceOptions {
  /** 0 takes any free port. */
  readonly port: number
  /** The address to listen on; loopback if left out. */
  readonly host?: string
  /** Where the journal is kept across restarts; nowhere if left out. */
  readonly folder: string | undefined
}

/** Events that the directory does not know yet, and all that the catalogue has, for the other services. */
const listEvents = Effect.fnUntraced(function* (
  { entries, perform }: Journal.Journal<Directory.EventState, Directory.EventFact>,
  catalogue: (firstStart: DateTime.Utc) => Catalogue
) {
  const [first] = yield* entries
  // In one step: the instant of the first entry is the first start, to the millisecond.
  return yield* perform((state, now) => {
    const asked = catalogue(first?.at ?? now)
    const missing = asked.events.filter((event) => !HashMap.has(state.events, event.id))
    const facts = missing.map((event) => ({ kind: "event.added", event }) as const)
    return stepWith(Directory.engine, state, facts, asked)
  })
})

/** The event service, with this in its directory. */
export const eventService = Effect.fnUntraced(function* (
  { folder, host, port }: ServiceOptions,
  catalogue: (firstStart: DateTime.Utc) => Catalogue
) {
  const service = "event"
  const uuid = (yield* SecureRandom.SecureRandom).uuidV4()
  const journal = yield* Journal.open({ service, engine: Directory.engine, fact: Directory.EventFact, folder })
  const faults = yield* Faults.make
  const catalogued = yield* listEvents(journal, catalogue)
  const server = yield* start({ service, port, host, journal, faults, routes: eventRoutes(journal, uuid) })
  return { ...server, journal, faults, catalogued }
})

/** The ticket service, with these types on sale. */
export const ticketService = Effect.fnUntraced(function* (
  { folder, host, port }: ServiceOptions,
  { ticketTypes }: Pick<Catalogue, "ticketTypes">
) {
  const service = "ticket"
  const uuid = (yield* SecureRandom.SecureRandom).uuidV4()
  const journal = yield* Journal.open({ service, engine: Stock.engine, fact: TicketFact, folder })
  const faults = yield* Faults.make
  for (const ticketType of ticketTypes) {
    yield* journal.perform((state, now) => Inventory.addTicketType(state, { ticketType }, now))
  }
  const server = yield* start({ service, port, host, journal, faults, routes: ticketRoutes(journal, uuid) })
  return { ...server, journal, faults }
})

/** The payment service. It tells nobody of payments unless told whom. */
export const paymentService = Effect.fnUntraced(function* (
  { folder, host, port }: ServiceOptions,
  target: Announcer.AnnounceTarget | undefined
) {
  const service = "payment"
  const journal = yield* Journal.open({ service, engine: Ledger.engine, fact: PaymentFact, folder })
  const faults = yield* Faults.make
  const announcer = yield* Announcer.make({
    scope: yield* Effect.scope,
    journal,
    faults,
    client: yield* HttpClient.HttpClient,
    target
  })
  const server = yield* start({ service, port, host, journal, faults, routes: paymentRoutes(journal, announcer) })
  return { ...server, journal, faults, announcer }
})
