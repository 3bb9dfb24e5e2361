/** A ticket service to play with: the pure engine, and shorthands for its requests. */
import type { DateTime } from "effect"
import type { TicketLine, TicketType } from "@tickettoken/order-testing/sandbox/TicketFacts"
import * as Inventory from "@tickettoken/order-testing/sandbox/TicketInventory"
import { engine } from "@tickettoken/order-testing/sandbox/TicketStock"
import { at, eventId, line, ok, order, play, tenantId, typeId } from "./scene.ts"

interface Reservation {
  readonly order: number
  readonly items?: ReadonlyArray<TicketLine>
  readonly until?: DateTime.Utc
  readonly now?: DateTime.Utc
  readonly tenant?: typeof tenantId
}

/** A ticket service that sells these types. Holds last ten minutes unless said otherwise. */
export const selling = (...types: ReadonlyArray<TicketType>) => {
  const stage = play(engine)
  for (const one of types) ok(stage.run((state) => Inventory.addTicketType(state, { ticketType: one }, at(0))))
  return {
    ...stage,
    reserve: ({ items = [line(1, 1)], now = at(0), order: number, tenant = tenantId, until = at(600) }: Reservation) =>
      stage.run((state) =>
        Inventory.reserve(
          state,
          { tenantId: tenant, key: `${number}:HOLD`, orderId: order(number), eventId, items, holdUntil: until },
          now
        )
      ),
    confirm: (number: number, key: string, now = at(1), tenant = tenantId) =>
      stage.run((state) => Inventory.confirm(state, { tenantId: tenant, key, orderId: order(number) }, now)),
    release: (number: number, key: string, items?: ReadonlyArray<TicketLine>, now = at(2)) =>
      stage.run((state) =>
        Inventory.release(
          state,
          { tenantId, key, orderId: order(number), ...(items === undefined ? {} : { items }) },
          now
        )
      ),
    free: (type: number, now = at(0)) =>
      stage.run((state) => Inventory.availability(state, { tenantId, ticketTypeIds: [typeId(type)] }, now))[0]
        ?.available,
    kinds: () => stage.facts.map((fact) => fact.kind).filter((kind) => kind !== "ticket-type.added")
  }
}
