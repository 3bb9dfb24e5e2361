/**
 * The ticket, payment and event service of the in-memory ports: the sandbox's engines without their HTTP.
 *
 * The ports only translate; what a hold, a capture or a refund does is decided by the same functions that the sandbox
 * servers run. The journals of facts are the ground truth that invariants compare orders with.
 */
import { Context, DateTime, Effect, Layer, Ref, type Result } from "effect"
import { type Catalogue, demoCatalogue } from "../sandbox/catalogue.ts"
import type { Engine, Step } from "../sandbox/Engine.ts"
import * as Directory from "../sandbox/EventDirectory.ts"
import type { PaymentFact, RefundStatus } from "../sandbox/PaymentFacts.ts"
import * as Ledger from "../sandbox/PaymentLedger.ts"
import type { TicketFact } from "../sandbox/TicketFacts.ts"
import * as Inventory from "../sandbox/TicketInventory.ts"
import * as Stock from "../sandbox/TicketStock.ts"

/** One engine with its state and its journal. */
export interface Cell<State, Fact> {
  readonly state: Effect.Effect<State>
  /** Everything that has happened, oldest first. */
  readonly facts: Effect.Effect<ReadonlyArray<Fact>>
  /** One request as one indivisible step. */
  readonly perform: <Reply>(
    operation: (state: State, now: DateTime.Utc) => Step<State, Fact, Reply>
  ) => Effect.Effect<Reply>
}

const makeCell = <State, Fact>({ empty }: Engine<State, Fact>): Effect.Effect<Cell<State, Fact>> =>
  Effect.map(
    Ref.make<{ readonly state: State; readonly facts: ReadonlyArray<Fact> }>({ state: empty, facts: [] }),
    (cell) => ({
      state: Effect.map(Ref.get(cell), ({ state }) => state),
      facts: Effect.map(Ref.get(cell), ({ facts }) => facts),
      perform: (operation) =>
        Effect.flatMap(DateTime.now, (now) =>
          Ref.modify(cell, (before) => {
            const { facts, reply, state } = operation(before.state, now)
            return [reply, { state, facts: facts.length === 0 ? before.facts : [...before.facts, ...facts] }]
          })
        )
    })
  )

export class MemoryServices extends Context.Service<
  MemoryServices,
  {
    readonly tickets: Cell<Stock.TicketState, TicketFact>
    readonly payments: Cell<Ledger.PaymentState, PaymentFact>
    readonly events: Cell<Directory.EventState, Directory.EventFact>
    /** How the next refunds turn out, one each; the others succeed at once. */
    readonly refundOutcomes: Ref.Ref<ReadonlyArray<RefundStatus>>
  }
>()("@tickettoken/order-testing/memory/MemoryServices") {}

const make = Effect.fnUntraced(function* (catalogue: (firstStart: DateTime.Utc) => Catalogue) {
  const tickets = yield* makeCell(Stock.engine)
  const payments = yield* makeCell(Ledger.engine)
  const events = yield* makeCell(Directory.engine)
  const refundOutcomes = yield* Ref.make<ReadonlyArray<RefundStatus>>([])
  const onSale = catalogue(yield* DateTime.now)
  for (const event of onSale.events) yield* events.perform((state) => Directory.addEvent(state, { event }))
  for (const ticketType of onSale.ticketTypes) {
    yield* tickets.perform((state, now) => Inventory.addTicketType(state, { ticketType }, now))
  }
  return MemoryServices.of({ tickets, payments, events, refundOutcomes })
})

/** The three services with this on sale. */
export const layerWith = (catalogue: (firstStart: DateTime.Utc) => Catalogue) =>
  Layer.effect(MemoryServices, make(catalogue))

/** The three services with the demo catalogue. */
export const layer = layerWith(demoCatalogue)

/** An engine's answer as success or failure. */
export const settled = <Reply, Refusal>(
  reply: Effect.Effect<Result.Result<Reply, Refusal>>
): Effect.Effect<Reply, Refusal> => Effect.flatMap(reply, Effect.fromResult)
