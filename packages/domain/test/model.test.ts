/**
 * Random histories of an order against the reference model and the invariants.
 *
 * A failure prints its shrunk history and a replay token: put the token into `REPLAY` to run that history again.
 */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, DateTime, Effect, Result, Schema } from "effect"
import type { OrderEvent } from "@tickettoken/order-domain/OrderEvent"
import { Order } from "@tickettoken/order-domain/Order"
import { decide } from "@tickettoken/order-domain/OrderDecision"
import { canRefundBecome } from "@tickettoken/order-domain/RefundPolicy"
import {
  beginnings,
  commandOf,
  Happening,
  histories,
  orders,
  ordersAt,
  refundHistories,
  versionsTo
} from "@tickettoken/order-testing/arbitraries"
import { always, breaksOf } from "@tickettoken/order-testing/invariants"
import { expected, modelOf, moneyFaults } from "@tickettoken/order-testing/ReferenceModel"
import { jobActor } from "@tickettoken/order-testing/TestOrders"
import { pointOf, sampleCreatedAt } from "@tickettoken/order-testing/TestOrdersByState"

/** The token that a failure has printed, to run exactly that history again. */
const REPLAY: string | undefined = undefined

const HISTORIES = 3000
const STEPS_MAX = 40

const options = (runs: number) => ({ arbitrary: { runs, replay: REPLAY } })

/** What one step must have been, said in a sentence when it was not. */
const step = (order: Order, happening: Happening, now: DateTime.Utc): Order => {
  const command = commandOf(order, happening)
  const model = modelOf(order)
  const wanted = expected(model, command, now)
  const answer = decide(order, { actor: jobActor, command }, now)
  const told = `${pointOf(order)} + ${happening.what}`
  if (Result.isFailure(answer)) {
    assert.include(["refused", "maybe"], wanted.is, `${told}: refused with ${answer.failure._tag}`)
    return order
  }
  if (answer.success._tag === "Unchanged") {
    assert.strictEqual(wanted.is, "same", `${told}: nothing happened`)
    return order
  }
  const next = answer.success.decision.order
  assert.include(["moved", "maybe"], wanted.is, `${told}: led to ${pointOf(next)}`)
  assert.strictEqual(pointOf(next), "to" in wanted ? wanted.to : pointOf(order), told)
  assert.strictEqual(moneyFaults(model, modelOf(next), command).join("; "), "", told)
  return next
}

/** Goes on from a beginning, and keeps everything that was written. */
const live = (beginning: readonly [Order, ...Array<Order>], history: ReadonlyArray<Happening>) => {
  let order = beginning.at(-1) ?? beginning[0]
  let now = order.updatedAt
  const versions = [...beginning]
  for (const happening of history) {
    now = DateTime.add(now, { seconds: happening.waitSeconds })
    const next = step(order, happening, now)
    if (next !== order) versions.push(next)
    order = next
  }
  return { order, versions, now }
}

const factsOf = (versions: ReadonlyArray<Order>): ReadonlyArray<OrderEvent> =>
  versions.map(({ id, tenantId, updatedAt, version }) => ({
    tenantId,
    orderId: id,
    version,
    type: "ORDER_CREATED",
    actor: jobActor,
    at: updatedAt,
    data: {}
  }))

describe("random histories", () => {
  it.prop(
    "agree with the reference model at every step, and keep every invariant",
    [beginnings, histories(STEPS_MAX)],
    ([beginning, history]) => {
      const { now, order, versions } = live(beginning, history)
      const record = { order, versions, facts: factsOf(versions), openWork: [], intentStatus: null }
      assert.strictEqual(breaksOf(always, [record], now).join("; "), "")
    },
    options(HISTORIES)
  )

  it.prop(
    "agree with the reference model about refunds, asked for, failed, tried again and reviewed in any order",
    [versionsTo("CONFIRMED"), refundHistories(STEPS_MAX)],
    ([beginning, history]) => {
      const { now, order, versions } = live(beginning, history)
      const record = { order, versions, facts: factsOf(versions), openWork: [], intentStatus: null }
      assert.strictEqual(breaksOf(always, [record], now).join("; "), "")
    },
    options(HISTORIES)
  )

  it.prop(
    "4.6 move every refund along its own table only",
    [beginnings, histories(STEPS_MAX)],
    ([beginning, history]) => {
      const { versions } = live(beginning, history)
      for (const [at, next] of versions.entries()) {
        for (const refund of versions[at - 1]?.refunds ?? []) {
          const then = next.refunds.find(({ id }) => id === refund.id)
          if (then === undefined) assert.fail("a refund has gone")
          else if (then.state !== refund.state) assert.isTrue(canRefundBecome(refund.state, then.state))
          if (then !== undefined) assert.isAtLeast(then.attempt, refund.attempt)
        }
      }
    },
    options(HISTORIES / 3)
  )

  it.prop(
    "leave orders that can be stored and read back",
    [beginnings, histories(STEPS_MAX)],
    ([beginning, history]) => {
      const { order } = live(beginning, history)
      const codec = Schema.toCodecJson(Order)
      const json = Schema.encodeSync(codec)(order)
      const again = Schema.encodeSync(codec)(Schema.decodeUnknownSync(codec)(json))
      assert.deepStrictEqual(again, json)
    },
    options(HISTORIES / 3)
  )
})

describe("generated orders", () => {
  it.prop("are of any state, and keep every invariant", [orders], ([order]) => {
    const versions = Array.from({ length: order.version }, (_, at) => ({ ...order, version: at + 1 }))
    const record = { order, versions: [], facts: factsOf(versions), openWork: [], intentStatus: null }
    assert.strictEqual(breaksOf(always, [record], sampleCreatedAt).join("; "), "")
  })

  it.prop(
    "are where they are asked for",
    [ordersAt("EXPIRED/REACQUIRING"), ordersAt("CONFIRMED")],
    ([expired, confirmed]) => {
      assert.deepStrictEqual([pointOf(expired), pointOf(confirmed)], ["EXPIRED/REACQUIRING", "CONFIRMED"])
    }
  )
})

describe("the histories of one seed", () => {
  it.effect("come to every state and stage, and see every happening lead somewhere", () =>
    Effect.gen(function* () {
      const samples = yield* Arbitrary.sampleEffect(Arbitrary.all([beginnings, histories(STEPS_MAX)]), {
        count: 2000,
        seed: "coverage"
      })
      const [points, happenings] = [new Set<string>(), new Set<string>()]
      for (const [beginning, history] of samples) {
        let [order, now] = [beginning.at(-1) ?? beginning[0], beginning[0].createdAt]
        for (const happening of history) {
          now = DateTime.add(now, { seconds: happening.waitSeconds })
          const next = step(order, happening, now)
          points.add(pointOf(next))
          if (next !== order) happenings.add(happening.what)
          order = next
        }
      }
      assert.strictEqual(points.size, 12)
      // Another sum or currency is never right.
      assert.deepStrictEqual(
        Happening.fields.what.literals.filter((what) => !happenings.has(what)),
        ["captured wrongly"]
      )
    })
  )
})
