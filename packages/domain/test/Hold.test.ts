/** The three ends of a hold, each at its instant, one millisecond before and one after. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Schema } from "effect"
import {
  downstreamHoldUntil,
  graceEndsAt,
  HoldPolicy,
  holdClass,
  holdLimit,
  holdPolicy,
  initialDeadline,
  isExpired,
  isRenewable,
  processingDeadline,
  renewedDeadline,
  unreachableUntil
} from "@tickettoken/order-domain/Hold"

const createdAt = DateTime.makeUnsafe("2025-11-22T23:30:00Z")
const after = (minutes: number, milliseconds = 0) => DateTime.add(createdAt, { minutes, milliseconds })
const iso = DateTime.formatIso

describe("the length of a hold", () => {
  it("3.2 is 15 minutes, and 30 for VIP", () => {
    assert.deepStrictEqual([holdClass(false), holdClass(true)], ["standard", "vip"])
    assert.strictEqual(iso(initialDeadline(holdPolicy, false, createdAt)), "2025-11-22T23:45:00.000Z")
    assert.strictEqual(iso(initialDeadline(holdPolicy, true, createdAt)), "2025-11-23T00:00:00.000Z")
  })

  it("3.2 may be seconds, given as a fraction of a minute", () => {
    const short = Schema.decodeUnknownSync(HoldPolicy)({ ...holdPolicy, standardMinutes: 0.1, graceMinutes: 0.05 })
    assert.strictEqual(iso(graceEndsAt(initialDeadline(short, false, createdAt), short)), "2025-11-22T23:30:09.000Z")
    assert.strictEqual(iso(holdLimit(short, false, createdAt)), "2025-11-22T23:30:18.000Z")
  })

  it("3.2 is checked as data", () => {
    assert.deepStrictEqual(Schema.decodeUnknownSync(HoldPolicy)({ ...holdPolicy }), holdPolicy)
    assert.throws(() => Schema.decodeUnknownSync(HoldPolicy)({ ...holdPolicy, standardMinutes: 0 }))
  })
})

describe("a renewal", () => {
  /** The renewed deadline, in minutes after the creation. */
  const minutes = (vip: boolean, deadlineMinutes: number, nowMinutes: number): number => {
    const renewal = { vip, createdAt, deadline: after(deadlineMinutes), now: after(nowMinutes) }
    const renewed = renewedDeadline(holdPolicy, renewal)
    return (DateTime.toEpochMillis(renewed) - DateTime.toEpochMillis(createdAt)) / 60_000
  }

  it("3.3 gives one class length from now, never past three from the creation", () => {
    assert.strictEqual(minutes(false, 15, 10), 25)
    assert.strictEqual(minutes(false, 40, 29), 44)
    assert.strictEqual(minutes(false, 40, 30), 45)
    assert.strictEqual(minutes(false, 40, 39), 45)
    assert.strictEqual(minutes(true, 80, 70), 90)
  })

  it("3.3 never shortens a hold, not even one that a processing payment had lengthened past the limit", () => {
    assert.strictEqual(minutes(false, 15, 0), 15)
    assert.strictEqual(minutes(false, 55, 50), 55)
    assert.strictEqual(iso(holdLimit(holdPolicy, false, createdAt)), iso(after(45)))
    assert.strictEqual(iso(holdLimit(holdPolicy, true, createdAt)), iso(after(90)))
  })

  it("3.3 renewing without pause ends at the limit", () => {
    let deadline = initialDeadline(holdPolicy, false, createdAt)
    let now = createdAt
    while (isRenewable(deadline, now)) {
      deadline = renewedDeadline(holdPolicy, { vip: false, createdAt, deadline, now })
      now = DateTime.add(now, { seconds: 10 })
    }
    assert.strictEqual(iso(deadline), iso(after(45)))
    assert.strictEqual(iso(now), iso(after(45)))
  })

  it("3.3, 3.4 is refused at the deadline and allowed a millisecond before", () => {
    assert.isTrue(isRenewable(after(15), after(15, -1)))
    assert.isFalse(isRenewable(after(15), after(15)))
    assert.isFalse(isRenewable(after(15), after(15, 1)))
  })
})

describe("grace", () => {
  it("3.4, 3.5 a success confirms until two minutes after the deadline; expiry acts from that instant on", () => {
    assert.strictEqual(iso(graceEndsAt(after(15), holdPolicy)), iso(after(17)))
    assert.isFalse(isExpired(after(15), after(17, -1), holdPolicy))
    assert.isTrue(isExpired(after(15), after(17), holdPolicy))
    assert.isTrue(isExpired(after(15), after(17, 1), holdPolicy))
  })

  it("3.4 without grace, expiry acts at the deadline", () => {
    const strict = { ...holdPolicy, graceMinutes: 0 }
    assert.isFalse(isExpired(after(15), after(15, -1), strict))
    assert.isTrue(isExpired(after(15), after(15), strict))
  })

  it("3.4 the ticket service keeps the stock two minutes longer than we may still confirm", () => {
    assert.strictEqual(iso(downstreamHoldUntil(after(15), holdPolicy)), iso(after(29)))
    assert.strictEqual(iso(downstreamHoldUntil(after(15), { ...holdPolicy, intervalSeconds: 600 })), iso(after(38)))
  })
})

describe("expiry's patience", () => {
  it("3.5 gives a processing payment ten minutes from the deadline, or from now when the sweep is late", () => {
    assert.strictEqual(iso(processingDeadline(holdPolicy, after(15), after(10))), iso(after(25)))
    assert.strictEqual(iso(processingDeadline(holdPolicy, after(15), after(17))), iso(after(27)))
  })

  it("3.5 asks an unreachable payment service for ten minutes", () => {
    assert.strictEqual(iso(unreachableUntil(holdPolicy, after(17))), iso(after(27)))
  })
})
