/** What the ticket sandbox gives back, wholly or in part, and the tombstone that stays. */
import { assert, describe, it } from "@effect/vitest"
import { at, line, ok, refused, ticketType, typeId } from "./scene.ts"
import { selling } from "./shop.ts"

describe("release", () => {
  it("gives a hold back", () => {
    const shop = selling(ticketType(1, 5))
    shop.reserve({ order: 1, items: [line(1, 3)] })
    assert.deepStrictEqual(ok(shop.release(1, "r")).released, [line(1, 3)])
    assert.strictEqual(shop.free(1), 5)
  })

  it("gives allocated tickets back and names them", () => {
    const shop = selling(ticketType(1, 5))
    shop.reserve({ order: 1, items: [line(1, 2)] })
    const { tickets } = ok(shop.confirm(1, "c"))
    const back = ok(shop.release(1, "r"))
    assert.deepStrictEqual(back.released, [line(1, 2)])
    assert.deepStrictEqual([...back.ticketIds].toSorted(), tickets.map(({ id }) => id).toSorted())
    assert.strictEqual(shop.free(1), 5)
  })

  it("gives some lines of a hold back and keeps the rest", () => {
    const shop = selling(ticketType(1, 5), ticketType(2, 5))
    shop.reserve({ order: 1, items: [line(1, 3), line(2, 1)] })
    assert.deepStrictEqual(ok(shop.release(1, "r", [line(1, 2)])).released, [line(1, 2)])
    assert.deepStrictEqual([shop.free(1), shop.free(2)], [4, 4])
    assert.deepStrictEqual(
      ok(shop.confirm(1, "c", at(3))).tickets.map((ticket) => ticket.ticketTypeId),
      [typeId(1), typeId(2)]
    )
  })

  it("gives some allocated tickets back and keeps the others as they are", () => {
    const shop = selling(ticketType(1, 5))
    shop.reserve({ order: 1, items: [line(1, 3)] })
    const { tickets } = ok(shop.confirm(1, "c1"))
    const { ticketIds } = ok(shop.release(1, "r", [line(1, 1)]))
    assert.strictEqual(ticketIds.length, 1)
    assert.deepStrictEqual(
      ok(shop.confirm(1, "c2", at(3))).tickets,
      tickets.filter(({ id }) => !ticketIds.includes(id))
    )
    assert.strictEqual(shop.free(1), 3)
  })

  it("takes a line without a pricing for any pricing of the type", () => {
    const shop = selling(ticketType(1, 5))
    shop.reserve({ order: 1, items: [line(1, 3)] })
    ok(shop.release(1, "r", [{ ticketTypeId: typeId(1), quantity: 2 }]))
    assert.strictEqual(shop.free(1), 4)
  })

  it("leaves a tombstone once nothing is left", () => {
    const shop = selling(ticketType(1, 5))
    shop.reserve({ order: 1, items: [line(1, 2)] })
    ok(shop.release(1, "r1", [line(1, 1)]))
    ok(shop.reserve({ order: 1, items: [line(1, 1)] }))
    ok(shop.release(1, "r2", [line(1, 1)]))
    assert.strictEqual(refused(shop.reserve({ order: 1, items: [line(1, 1)] })).reason, "released")
  })

  it("has one effect per key", () => {
    const shop = selling(ticketType(1, 5))
    shop.reserve({ order: 1, items: [line(1, 3)] })
    const first = ok(shop.release(1, "r", [line(1, 1)]))
    assert.deepStrictEqual(ok(shop.release(1, "r", [line(1, 1)])), first)
    assert.strictEqual(shop.free(1), 3)
  })

  it("refuses a key that released something else", () => {
    const shop = selling(ticketType(1, 5))
    shop.reserve({ order: 1, items: [line(1, 3)] })
    ok(shop.release(1, "r", [line(1, 1)]))
    assert.strictEqual(refused(shop.release(1, "r", [line(1, 2)])).code, "IDEMPOTENCY_MISMATCH")
    assert.strictEqual(refused(shop.release(1, "r")).code, "IDEMPOTENCY_MISMATCH")
    assert.strictEqual(refused(shop.release(2, "r", [line(1, 1)])).code, "IDEMPOTENCY_MISMATCH")
    assert.strictEqual(shop.free(1), 3)
  })

  it("gives back what there is when more is asked for", () => {
    const shop = selling(ticketType(1, 5))
    shop.reserve({ order: 1, items: [line(1, 2)] })
    assert.deepStrictEqual(ok(shop.release(1, "r", [line(1, 9)])).released, [line(1, 2)])
    assert.deepStrictEqual(ok(shop.release(1, "again")).released, [])
    assert.strictEqual(shop.free(1), 5)
  })

  it("gives back nothing of a hold that has lapsed, but leaves its tombstone", () => {
    const shop = selling(ticketType(1, 5))
    shop.reserve({ order: 1, until: at(10) })
    assert.deepStrictEqual(ok(shop.release(1, "r", undefined, at(11))).released, [])
    assert.strictEqual(shop.free(1, at(11)), 5)
    assert.strictEqual(refused(shop.reserve({ order: 1, now: at(12) })).reason, "released")
  })
})
