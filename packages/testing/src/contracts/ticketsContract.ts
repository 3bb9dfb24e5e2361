/**
 * What every `Tickets` must do: all or nothing, one effect per order and key, and no hold after a release.
 */
import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, type Layer } from "effect"
import { OrderId, TenantId, TicketTypeId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { Tickets } from "@tickettoken/order-domain/ports/Tickets"
import { demo } from "../sandbox/catalogue.ts"
import { randomUuid } from "../TestOrders.ts"
import { countOf, tagOf } from "./storeFixture.ts"
import { type ContractOptions, suiteOptions } from "./TestTime.ts"

/** A call about an order that nobody has seen, under a key of its own. */
const freshCall = Effect.map(randomUuid, (id) => ({
  tenantId: demo.tenantId,
  orderId: OrderId.make(id),
  key: `${id}:HOLD:1`
}))

type Call = Effect.Success<typeof freshCall>

/** The same order under another key. */
const again = (call: Call, step: string): Call => ({ ...call, key: `${call.orderId}:${step}` })

const two = [{ ...demo.general, quantity: 2 }]
const seat = [{ ...demo.lastSeat, quantity: 1 }]

const inMinutes = (minutes: number) => Effect.map(DateTime.now, (now) => DateTime.add(now, { minutes }))

const left = Effect.fnUntraced(function* ({ ticketTypeId }: { readonly ticketTypeId: TicketTypeId }) {
  const tickets = yield* Tickets
  const [type] = yield* tickets.availability(demo.tenantId, demo.eventId, [ticketTypeId])
  return type?.available
})

const hold = Effect.fnUntraced(function* (
  call: Call,
  lines: ReadonlyArray<(typeof two)[number]>,
  minutes: number = 20
) {
  const tickets = yield* Tickets
  yield* tickets.hold(call, demo.eventId, lines, yield* inMinutes(minutes))
})

export const ticketsContract = <E>(
  name: string,
  tickets: Layer.Layer<Tickets, E>,
  options: ContractOptions = {}
): void =>
  layer(tickets, suiteOptions(options))(`Tickets: ${name}`, (it) => {
    it.effect("1.8 tells prices, stock and kind of the types that the tenant has, and of no others", () =>
      Effect.gen(function* () {
        const service = yield* Tickets
        const unknown = TicketTypeId.make(yield* randomUuid)
        const { general, vip } = demo
        const ids = [general.ticketTypeId, vip.ticketTypeId, unknown]
        const types = yield* service.availability(demo.tenantId, demo.eventId, ids)
        assert.deepStrictEqual(
          types.map(({ eventId, pricings, ticketTypeId, vip: isVip }) => [ticketTypeId, eventId, isVip, pricings]),
          [
            [
              general.ticketTypeId,
              demo.eventId,
              false,
              [{ id: general.ticketPricingId, price: Cents.make(10_000), currency: "USD" }]
            ],
            [
              vip.ticketTypeId,
              demo.eventId,
              true,
              [{ id: vip.ticketPricingId, price: Cents.make(25_000), currency: "USD" }]
            ]
          ]
        )
        assert.deepStrictEqual(yield* service.availability(TenantId.make(yield* randomUuid), demo.eventId, ids), [])
      })
    )

    it.effect("holds once per order, however often it is asked", () =>
      Effect.gen(function* () {
        const before = (yield* left(demo.general)) ?? 0
        const call = yield* freshCall
        yield* hold(call, two)
        yield* hold(call, two)
        yield* hold(again(call, "HOLD:2"), two, 30)
        assert.strictEqual(yield* left(demo.general), before - 2)
      })
    )

    it.effect("holds all lines or none, and names what is sold out", () =>
      Effect.gen(function* () {
        const service = yield* Tickets
        const before = yield* left(demo.general)
        const call = yield* freshCall
        const refused = yield* Effect.flip(hold(call, [...two, { ...demo.lastSeat, quantity: 2 }]))
        assert.strictEqual(
          refused._tag === "TicketsSoldOut" ? refused.ticketTypeId : refused._tag,
          demo.lastSeat.ticketTypeId
        )
        assert.strictEqual(yield* left(demo.general), before)
        yield* service.release(again(call, "RELEASE:2"), null)
      })
    )

    it.effect("gives the last seat to one of many", () =>
      Effect.gen(function* () {
        const service = yield* Tickets
        const calls = yield* Effect.all(Array.from({ length: 12 }, () => freshCall))
        const tags = (yield* Effect.all(
          calls.map((call) => Effect.exit(hold(call, seat))),
          { concurrency: "unbounded" }
        )).map(tagOf)
        assert.deepStrictEqual([countOf(tags, "ok"), countOf(tags, "TicketsSoldOut")], [1, 11])
        const winner = calls[tags.indexOf("ok")]
        if (winner !== undefined) yield* service.release(again(winner, "RELEASE:2"), null)
        assert.strictEqual(yield* left(demo.lastSeat), 1)
      })
    )

    it.effect("turns the hold into tickets, the same ones however often it is asked", () =>
      Effect.gen(function* () {
        const service = yield* Tickets
        const before = (yield* left(demo.general)) ?? 0
        const call = yield* freshCall
        yield* hold(call, two)
        const given = yield* service.allocate(again(call, "FINALIZE:4"))
        assert.deepStrictEqual(
          given.map(({ ticketTypeId }) => ticketTypeId),
          [demo.general.ticketTypeId, demo.general.ticketTypeId]
        )
        assert.strictEqual(new Set(given.map(({ id }) => id)).size, 2)
        assert.deepStrictEqual(yield* service.allocate(again(call, "FINALIZE:4")), given)
        assert.deepStrictEqual(yield* service.allocate(again(call, "FINALIZE:9")), given)
        assert.strictEqual(yield* left(demo.general), before - 2)
      })
    )

    it.effect("gives everything back, a hold or tickets, once", () =>
      Effect.gen(function* () {
        const service = yield* Tickets
        const before = yield* left(demo.general)
        const held = yield* freshCall
        yield* hold(held, two)
        const allocated = yield* freshCall
        yield* hold(allocated, two)
        yield* service.allocate(again(allocated, "FINALIZE:4"))
        for (const call of [held, allocated]) {
          yield* service.release(again(call, "RELEASE:5"), null)
          yield* service.release(again(call, "RELEASE:5"), null)
          yield* service.release(again(call, "RELEASE:6"), null)
        }
        assert.strictEqual(yield* left(demo.general), before)
      })
    )

    it.effect("4.7 gives back some lines and keeps the others", () =>
      Effect.gen(function* () {
        const service = yield* Tickets
        const [general, vip] = [(yield* left(demo.general)) ?? 0, yield* left(demo.vip)]
        const call = yield* freshCall
        yield* hold(call, [...two, { ...demo.vip, quantity: 1 }])
        yield* service.allocate(again(call, "FINALIZE:4"))
        yield* service.release(again(call, "RELEASE:6"), [{ ...demo.vip, quantity: 1 }])
        yield* service.release(again(call, "RELEASE:6"), [{ ...demo.vip, quantity: 1 }])
        assert.deepStrictEqual([yield* left(demo.general), yield* left(demo.vip)], [general - 2, vip])
      })
    )

    it.effect("refuses a hold that arrives after its release, also of an order that it has never seen", () =>
      Effect.gen(function* () {
        const service = yield* Tickets
        const before = yield* left(demo.general)
        const unseen = yield* freshCall
        yield* service.release(again(unseen, "RELEASE:2"), null)
        assert.strictEqual((yield* Effect.flip(hold(unseen, two)))._tag, "HoldLost")
        const seen = yield* freshCall
        yield* hold(seen, two)
        yield* service.release(again(seen, "RELEASE:2"), null)
        assert.strictEqual((yield* Effect.flip(hold(again(seen, "HOLD:3"), two)))._tag, "HoldLost")
        assert.strictEqual(yield* left(demo.general), before)
      })
    )

    it.effect("3.7 allocates again for an order whose hold is gone, if there is stock, and else refuses", () =>
      Effect.gen(function* () {
        const service = yield* Tickets
        const late = yield* freshCall
        yield* hold(late, seat)
        yield* service.release(again(late, "RELEASE:4"), null)
        const other = yield* freshCall
        yield* hold(other, seat)
        assert.strictEqual((yield* Effect.flip(service.allocate(again(late, "FINALIZE:5"))))._tag, "HoldLost")
        yield* service.release(again(other, "RELEASE:2"), null)
        assert.strictEqual((yield* service.allocate(again(late, "FINALIZE:6"))).length, 1)
        assert.strictEqual(yield* left(demo.lastSeat), 0)
        yield* service.release(again(late, "RELEASE:7"), null)
        assert.strictEqual(yield* left(demo.lastSeat), 1)
      })
    )

    it.effect("allocates nothing for an order that never held anything", () =>
      Effect.gen(function* () {
        const service = yield* Tickets
        const call = yield* freshCall
        assert.strictEqual((yield* Effect.flip(service.allocate(again(call, "FINALIZE:4"))))._tag, "HoldLost")
      })
    )
  })
