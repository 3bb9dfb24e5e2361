/**
 * What every `EventClosures` must do: from the closure on, no order of the event is made (rule 5).
 */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { EventClosures } from "@tickettoken/order-domain/ports/EventClosures"
import type { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { freshBuyer, jobActor } from "../TestOrders.ts"
import { countOf, create, createPayable, send, tagOf } from "./storeFixture.ts"
import { type ContractOptions, suiteOptions } from "./TestTime.ts"

const rain = { reason: "rain", actor: jobActor }

export const eventClosuresContract = <E>(
  name: string,
  closures: Layer.Layer<OrderStore | EventClosures, E>,
  options: ContractOptions = {}
): void =>
  layer(closures, suiteOptions(options))(`EventClosures: ${name}`, (it) => {
    it.effect("5 closes an event for its own tenant, once and for good", () =>
      Effect.gen(function* () {
        const events = yield* EventClosures
        const { eventId, tenantId } = yield* freshBuyer
        const other = yield* freshBuyer
        assert.isFalse(yield* events.isClosed(tenantId, eventId))
        yield* events.close(tenantId, eventId, rain)
        yield* events.close(tenantId, eventId, { reason: "storm", actor: jobActor })
        assert.isTrue(yield* events.isClosed(tenantId, eventId))
        assert.isFalse(yield* events.isClosed(other.tenantId, eventId))
        assert.isFalse(yield* events.isClosed(tenantId, other.eventId))
      })
    )

    it.effect("5 may be closed by many at once", () =>
      Effect.gen(function* () {
        const events = yield* EventClosures
        const { eventId, tenantId } = yield* freshBuyer
        yield* Effect.all(
          Array.from({ length: 8 }, () => events.close(tenantId, eventId, rain)),
          { concurrency: "unbounded" }
        )
        assert.isTrue(yield* events.isClosed(tenantId, eventId))
      })
    )

    it.effect("5, 2.3 no order of a closed event is created, and every other one is", () =>
      Effect.gen(function* () {
        const events = yield* EventClosures
        const buyer = yield* freshBuyer
        const other = yield* freshBuyer
        yield* events.close(buyer.tenantId, buyer.eventId, rain)
        const refused = yield* Effect.flip(create(buyer))
        assert.strictEqual(refused._tag === "EventCancelled" ? refused.eventId : refused._tag, buyer.eventId)
        yield* create({ ...buyer, eventId: other.eventId })
        yield* create({ ...buyer, tenantId: other.tenantId })
      })
    )

    it.effect("5 orders that were made before go on to be cancelled", () =>
      Effect.gen(function* () {
        const events = yield* EventClosures
        const buyer = yield* freshBuyer
        const payable = yield* createPayable(buyer)
        yield* events.close(buyer.tenantId, buyer.eventId, rain)
        const reserved = yield* send(payable, OrderCommand.Reserve())
        assert.strictEqual(reserved.order.status, "RESERVED")
      })
    )

    it.effect("5 after a close that raced with creates, none is created any more", () =>
      Effect.gen(function* () {
        const events = yield* EventClosures
        const buyer = yield* freshBuyer
        const created = () => Effect.flatMap(freshBuyer, ({ userId }) => Effect.exit(create({ ...buyer, userId })))
        const [before] = yield* Effect.all(
          [
            Effect.all(
              Array.from({ length: 10 }, () => created()),
              { concurrency: "unbounded" }
            ),
            events.close(buyer.tenantId, buyer.eventId, rain)
          ],
          { concurrency: "unbounded" }
        )
        const tags = before.map(tagOf)
        assert.strictEqual(countOf(tags, "ok") + countOf(tags, "EventCancelled"), 10)
        assert.strictEqual(tagOf(yield* created()), "EventCancelled")
      })
    )
  })
