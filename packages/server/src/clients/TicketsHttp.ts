/**
 * The port `Tickets` over HTTP: the ticket service of the contract, section 2.
 */
import type { EventId, TenantId, TicketTypeId } from "@tickettoken/order-domain/Ids"
import { TicketsSoldOut } from "@tickettoken/order-domain/OrderErrors"
import { HoldLost, type TicketCall, Tickets } from "@tickettoken/order-domain/ports/Tickets"
import type { TicketLine } from "@tickettoken/order-domain/Work"
import { DateTime, Effect, Layer, Option, Random, Schema } from "effect"
import type { HttpClient } from "effect/http"
import type { Refused } from "./Attempt.ts"
import type { CircuitName } from "./CircuitName.ts"
import type { Circuits } from "./Circuits.ts"
import * as Downstream from "./Downstream.ts"
import { AllocationAnswer, AvailabilityAnswer, HoldAnswer, HoldRefusal, ownPricings } from "./TicketsWire.ts"

const path = (operation: string) => ["internal", "tickets", operation]

const decodeHoldRefusal = Schema.decodeUnknownOption(HoldRefusal)

/** What was asked for can not be had any more, or never could: there is no such thing on sale. */
const lostCodes = new Set(["HOLD_UNTIL_PAST", "HOLD_NOT_FOUND", "TICKET_TYPE_NOT_FOUND", "PRICING_MISMATCH"])

const isLost = ({ code, status }: Refused): boolean => status === 409 || status === 410 || lostCodes.has(code)

/** The type that is sold out, `null` if the service does not name it; nothing if it says something else. */
const soldOut = ({ body, code, status }: Refused): Option.Option<TicketTypeId | null> => {
  const { reason, ticketTypeId } = Option.getOrElse(decodeHoldRefusal(body), (): typeof HoldRefusal.Type => ({}))
  return status === 409 && (code === "TICKETS_SOLD_OUT" || reason === "sold_out")
    ? Option.some(ticketTypeId ?? null)
    : Option.none()
}

/** Tickets of the service at this address. */
export const layer = (
  options: Downstream.DownstreamOptions
): Layer.Layer<Tickets, never, HttpClient.HttpClient | Circuits> => Layer.effect(Tickets, make(options))

const make = Effect.fnUntraced(function* (options: Downstream.DownstreamOptions) {
  const { accepted, send, unavailable, unexpected } = yield* Downstream.make("tickets", options)

  const post = (
    circuit: Extract<CircuitName, `tickets:${string}`>,
    operation: string,
    { key, tenantId }: Omit<TicketCall, "orderId">,
    body: object
  ) => send(circuit, { method: "POST", path: path(operation), tenantId, key, body })

  const sameOrder = ({ orderId }: TicketCall, answered: string | undefined) =>
    answered === undefined || answered === orderId
      ? Effect.void
      : Effect.fail(unavailable("its answer is about another order"))

  return Tickets.of({
    availability: Effect.fn("TicketsHttp.availability")(function* (
      tenantId: TenantId,
      eventId: EventId,
      ticketTypeIds: ReadonlyArray<TicketTypeId>
    ) {
      // Asks, and changes nothing: a key that came back would bring an old answer with it.
      const key = `availability:${eventId}:${yield* Random.nextInt}:${yield* Random.nextInt}`
      const answer = yield* post("tickets:read", "availability", { tenantId, key }, { eventId, ticketTypeIds })
      const { ticketTypes } = yield* accepted(AvailabilityAnswer)(answer)
      return ticketTypes.map((type) => ({
        ticketTypeId: type.ticketTypeId,
        eventId: type.eventId,
        available: type.available,
        vip: type.vip,
        maxPerOrder: type.maxPerOrder ?? null,
        pricings: ownPricings(type.pricings)
      }))
    }),

    hold: Effect.fn("TicketsHttp.hold")(function* (
      call: TicketCall,
      eventId: EventId,
      lines: ReadonlyArray<TicketLine>,
      holdUntil: DateTime.Utc
    ) {
      const { orderId } = call
      const answer = yield* post("tickets:change", "reserve", call, {
        orderId,
        eventId,
        items: lines,
        holdUntil: DateTime.formatIso(holdUntil)
      })
      if (answer._tag === "Refused") {
        const type = soldOut(answer)
        if (Option.isSome(type)) return yield* new TicketsSoldOut({ ticketTypeId: type.value })
        return yield* isLost(answer) ? new HoldLost({ why: answer.why }) : unexpected(answer)
      }
      const held = yield* accepted(HoldAnswer)(answer)
      return yield* sameOrder(call, held.orderId)
    }),

    allocate: Effect.fn("TicketsHttp.allocate")(function* (call: TicketCall) {
      const answer = yield* post("tickets:change", "confirm", call, { orderId: call.orderId })
      if (answer._tag === "Refused") {
        return yield* isLost(answer) ? new HoldLost({ why: answer.why }) : unexpected(answer)
      }
      const { orderId, tickets } = yield* accepted(AllocationAnswer)(answer)
      yield* sameOrder(call, orderId)
      return tickets
    }),

    release: Effect.fn("TicketsHttp.release")(function* (call: TicketCall, lines: ReadonlyArray<TicketLine> | null) {
      const { orderId } = call
      // What is in the answer does not matter: released is released.
      yield* Effect.flatMap(
        post("tickets:compensation", "release", call, lines === null ? { orderId } : { orderId, items: lines }),
        accepted(Schema.Unknown)
      )
    })
  })
})
