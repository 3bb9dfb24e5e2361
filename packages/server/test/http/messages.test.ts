/** Messages once more, as a service asks for it; and payments that are announced by HTTP and by message at once. */
import { assert } from "@effect/vitest"
import { TenantId } from "@tickettoken/order-domain/Ids"
import { Inbox } from "@tickettoken/order-domain/ports/Inbox"
import { Outbox } from "@tickettoken/order-domain/ports/Outbox"
import { handleMessage } from "@tickettoken/order-domain/workflows/HandleMessage"
import { takeDelivery } from "@tickettoken/order-server/messaging/InboxConsumer"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { randomUuid } from "@tickettoken/order-testing/TestOrders"
import { Effect } from "effect"
import { asService, createOrder, person } from "./support/buyer.ts"
import { overEveryStore } from "./support/everyStore.ts"
import { at, listAt, textAt } from "./support/send.ts"

const paymentSucceeded = (orderId: string, paymentIntentId: string, id: string): string =>
  JSON.stringify({
    specversion: "1.0",
    id,
    source: "payment-service",
    type: "payment.succeeded",
    tenantid: demo.tenantId,
    data: { orderId, paymentIntentId }
  })

const REPLAY = "/internal/v1/events/replay"

const replay = (body: object, options: Parameters<typeof asService>[3] = {}) =>
  Effect.map(asService("POST", REPLAY, body, options), ({ json, status }) => [status, at(json, "replayed")])

/** Sends everything that is due; answers versions in the order in which they were claimed, by order. */
const drain = Effect.gen(function* () {
  const { claim, sent } = yield* Outbox
  const versions = new Map<string, Array<number>>()
  for (let due = yield* claim(100); due.length > 0; due = yield* claim(100)) {
    yield* sent(due.map(({ lease }) => lease))
    for (const { message } of due) {
      versions.set(message.subject, [...(versions.get(message.subject) ?? []), message.orderversion])
    }
  }
  return versions
})

overEveryStore("messages once more", (it) => {
  it.effect("are sent again: those of one order, or those since an instant", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const { id } = yield* createOrder(buyer)
      yield* drain
      assert.deepStrictEqual(yield* replay({ what: "published", orderId: id }), [200, 3])
      assert.deepStrictEqual([...(yield* drain)], [[id, [1, 2, 3]]])
      assert.deepStrictEqual(yield* replay({ what: "published", since: "2999-01-01T00:00:00Z" }), [200, 0])
      assert.deepStrictEqual(yield* replay({ what: "published" }, { tenantId: demo.secondTenantId }), [200, 0])
    })
  )

  it.effect("are handled anew where they were set aside, of the stated tenant alone", () =>
    Effect.gen(function* () {
      const { claimDue, end, receive } = yield* Inbox
      const tenantId = TenantId.make(demo.tenantId)
      const messageId = yield* randomUuid
      const message = {
        tenantId,
        source: "payments",
        messageId,
        type: "payment.succeeded",
        body: "{",
        bytes: 1,
        traceparent: null
      }
      const claimed = yield* receive(message)
      if (claimed === null) return assert.fail("it is known")
      yield* end(claimed.lease, { _tag: "Dead", why: "the message is not JSON" })
      assert.deepStrictEqual(yield* replay({ what: "dead", messageId }, { tenantId: demo.secondTenantId }), [200, 0])
      assert.deepStrictEqual(yield* replay({ what: "dead", messageId }), [200, 1])
      assert.deepStrictEqual(yield* replay({ what: "dead", messageId }), [200, 0])
      const due = yield* claimDue(10)
      assert.deepStrictEqual(
        due.map(({ message: known }) => known.messageId),
        [messageId]
      )
    })
  )

  it.effect("are asked for in one of two ways, and nothing else is understood", () =>
    Effect.gen(function* () {
      for (const body of [
        {},
        { what: "everything" },
        { what: "published", messageId: "m" },
        { what: "dead", orderId: demo.eventId },
        { what: "published", since: "yesterday" },
        { what: "published", orderId: "1" }
      ]) {
        const { json, status } = yield* asService("POST", REPLAY, body)
        assert.deepStrictEqual([status, at(json, "code")], [400, "VALIDATION_ERROR"], JSON.stringify(body))
      }
    })
  )
})

const AT_ONCE = 5
const ORDERS = 30

overEveryStore("one payment, told by HTTP and by message at once", (it) => {
  it.effect(`F24 ${AT_ONCE} times each, confirms once: one fact, one message, and one answer for everybody`, () =>
    Effect.gen(function* () {
      const controls = yield* ServiceControls
      for (let n = 0; n < ORDERS; n++) {
        const buyer = yield* person()
        const { id, intent } = yield* createOrder(buyer)
        yield* controls.pay(intent)
        const told = Effect.flatMap(randomUuid, (messageId) =>
          takeDelivery({ body: paymentSucceeded(id, intent, messageId) }, handleMessage)
        )
        const confirm = asService("POST", `/internal/v1/orders/${id}/confirm`, { paymentIntentId: intent })
        const [answers, verdicts] = yield* Effect.all(
          [
            Effect.all(
              Array.from({ length: AT_ONCE }, () => confirm),
              { concurrency: "unbounded" }
            ),
            Effect.all(
              Array.from({ length: AT_ONCE }, () => told),
              { concurrency: "unbounded" }
            )
          ],
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          answers.map(({ status }) => status),
          Array.from({ length: AT_ONCE }, () => 200)
        )
        assert.strictEqual(new Set(answers.map(({ text }) => text)).size, 1)
        assert.strictEqual(at(answers[0]?.json, "status"), "CONFIRMED")
        assert.deepStrictEqual(new Set(verdicts), new Set(["ack"]))
        const types = listAt((yield* buyer.get(`/api/v1/orders/${id}/events`)).json, "events").map((event) =>
          textAt(event, "eventType")
        )
        assert.deepStrictEqual(types.toSorted(), [
          "HOLD_GRANTED",
          "ORDER_CONFIRMED",
          "ORDER_CREATED",
          "PAYMENT_CAPTURED",
          "PAYMENT_INTENT_OPENED"
        ])
        assert.deepStrictEqual((yield* drain).get(id), [1, 2, 3, 4, 5])
      }
    })
  )
})
