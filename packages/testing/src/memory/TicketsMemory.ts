/**
 * `Tickets` over the sandbox's inventory.
 */
import { Effect, Layer, Schema } from "effect"
import { Currency } from "@tickettoken/order-domain/Currency"
import { ServiceUnavailable, TicketsSoldOut } from "@tickettoken/order-domain/OrderErrors"
import { HoldLost, type TicketPricing, Tickets } from "@tickettoken/order-domain/ports/Tickets"
import type { Availability, TicketRefusal } from "../sandbox/TicketFacts.ts"
import * as Inventory from "../sandbox/TicketInventory.ts"
import { MemoryServices, settled } from "./MemoryServices.ts"
import { ScriptedFaults } from "./ScriptedFaults.ts"

const isOurs = Schema.is(Currency)

/** A price in a currency that nobody can order in is no offer. */
const pricingsOf = ({ pricings }: Availability): ReadonlyArray<TicketPricing> =>
  pricings.flatMap(({ currency, id, price }) => (isOurs(currency) ? [{ id, price, currency }] : []))

/** A key that comes back with another request is our own mistake: no answer about tickets. */
const misused = ({ message }: TicketRefusal): ServiceUnavailable =>
  new ServiceUnavailable({ service: "tickets", why: message, retryAfterSeconds: 1 })

const lost = (refusal: TicketRefusal): HoldLost | ServiceUnavailable =>
  refusal.code === "IDEMPOTENCY_MISMATCH" ? misused(refusal) : new HoldLost({ why: refusal.message })

const held = (refusal: TicketRefusal): TicketsSoldOut | HoldLost | ServiceUnavailable =>
  refusal.code === "TICKETS_SOLD_OUT"
    ? new TicketsSoldOut({ ticketTypeId: refusal.ticketTypeId ?? null })
    : lost(refusal)

export const layer = Layer.effect(
  Tickets,
  Effect.gen(function* () {
    const { tickets } = yield* MemoryServices
    const faults = yield* ScriptedFaults
    const noStock = Effect.fail(new TicketsSoldOut({ ticketTypeId: null }))
    const noHold = Effect.fail(new HoldLost({ why: "the hold is gone" }))
    return Tickets.of({
      availability: Effect.fn("Tickets.availability")(function* (tenantId, _eventId, ticketTypeIds) {
        const rows = yield* faults.around(
          "tickets.availability",
          tickets.perform((state, now) => Inventory.availability(state, { tenantId, ticketTypeIds }, now))
        )
        return rows.map((row) => {
          const { available, eventId, maxPerOrder, ticketTypeId, vip } = row
          return { ticketTypeId, eventId, available, vip, maxPerOrder, pricings: pricingsOf(row) }
        })
      }),
      hold: Effect.fn("Tickets.hold")(function* (call, eventId, lines, holdUntil) {
        yield* faults.around(
          "tickets.hold",
          settled(
            tickets.perform((state, now) =>
              Inventory.reserve(state, { ...call, eventId, items: lines, holdUntil }, now)
            )
          ).pipe(Effect.mapError(held), Effect.asVoid),
          noStock
        )
      }),
      allocate: Effect.fn("Tickets.allocate")(function* (call) {
        return yield* faults.around(
          "tickets.allocate",
          settled(tickets.perform((state, now) => Inventory.confirm(state, call, now))).pipe(
            Effect.mapError(lost),
            Effect.map((allocation) => allocation.tickets.map(({ id, ticketTypeId }) => ({ id, ticketTypeId })))
          ),
          noHold
        )
      }),
      release: Effect.fn("Tickets.release")(function* (call, lines) {
        yield* faults.around(
          "tickets.release",
          settled(
            tickets.perform((state, now) =>
              Inventory.release(state, lines === null ? call : { ...call, items: lines }, now)
            )
          ).pipe(Effect.mapError(misused))
        )
      })
    })
  })
)
