/** Messages that were set aside, and messages once more, as the command shows and does it. */
import { assert, describe, it } from "@effect/vitest"
import { nobody } from "@tickettoken/order-domain/InboundMessage"
import type { TenantId } from "@tickettoken/order-domain/Ids"
import { Inbox } from "@tickettoken/order-domain/ports/Inbox"
import { Outbox } from "@tickettoken/order-domain/ports/Outbox"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { orders, world } from "./support/commandLine.ts"
import { buy } from "./support/sale.ts"

/** A message that was set aside. */
const setAside = Effect.fnUntraced(function* (tenantId: TenantId, messageId: string) {
  const { end, receive } = yield* Inbox
  const message = {
    tenantId,
    source: "payments",
    messageId,
    type: "payment.succeeded",
    body: "{\u001b",
    bytes: 2,
    traceparent: null
  }
  const claimed = yield* receive(message)
  if (claimed === null) return assert.fail("it is known")
  yield* end(claimed.lease, { _tag: "Dead", why: "the message is not JSON" })
})

const drain = Effect.gen(function* () {
  const { claim, sent } = yield* Outbox
  const types: Array<string> = []
  for (let due = yield* claim(100); due.length > 0; due = yield* claim(100)) {
    yield* sent(due.map(({ lease }) => lease))
    types.push(...due.map(({ message }) => message.type))
  }
  return types
})

describe("orders events dead", () => {
  it.effect("lists what was set aside, of the tenant or of nobody, and says when there is nothing", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* orders(["events", "dead"]), {
        code: 0,
        stdout: "",
        stderr: "orders: no messages were set aside"
      })
      yield* setAside(demo.tenantId, "m-1")
      yield* setAside(nobody, "m-2")
      const mine = yield* orders(["events", "dead"])
      const [header = "", row = "", ...more] = mine.stdout.split("\n")
      assert.match(header, /^MESSAGE +SOURCE +TYPE +RECEIVED +TRIES +WHY$/)
      assert.match(row, /^m-1 +payments +payment\.succeeded +1970-01-01T00:00:00\.000Z +1 +the message is not JSON$/)
      assert.deepStrictEqual(more, [])
      const unaddressed = yield* orders(["events", "dead", "--unaddressed", "-o", "json"])
      assert.deepStrictEqual(JSON.parse(unaddressed.stdout), {
        messages: [
          {
            messageId: "m-2",
            source: "payments",
            messageType: "payment.succeeded",
            receivedAt: "1970-01-01T00:00:00.000Z",
            attempts: 1,
            why: "the message is not JSON",
            bytes: 2,
            body: "{\u001b"
          }
        ]
      })
      const later = yield* orders(["events", "dead", "--since", "1970-01-02T00:00:00Z"])
      assert.strictEqual(later.stdout, "")
    }).pipe(Effect.provide(world))
  )
})

describe("orders events replay", () => {
  it.effect("has the messages of one order sent once more, or all of them", () =>
    Effect.gen(function* () {
      const order = yield* buy()
      yield* buy()
      yield* drain
      yield* TestClock.adjust("1 minute")
      const one = yield* orders(["events", "replay", "--order", order.id, "--yes"])
      assert.deepStrictEqual([one.code, one.stderr], [0, ""])
      assert.match(one.stdout, /^replayed +5$/m)
      assert.deepStrictEqual(yield* drain, [
        "order.created",
        "order.hold_granted",
        "order.payment_intent_opened",
        "order.payment_captured",
        "order.confirmed"
      ])
      const all = yield* orders(["events", "replay", "-o", "json"], { typed: "replay" })
      assert.deepStrictEqual(JSON.parse(all.stdout), { replayed: 10 })
      const none = yield* orders(["events", "replay", "--since", "2999-01-01T00:00:00Z", "--yes"])
      assert.match(none.stdout, /^replayed +0$/m)
    }).pipe(Effect.provide(world))
  )

  it.effect("has messages that were set aside handled anew", () =>
    Effect.gen(function* () {
      const { claimDue } = yield* Inbox
      yield* setAside(demo.tenantId, "m-1")
      yield* setAside(demo.tenantId, "m-2")
      yield* setAside(nobody, "m-3")
      const replay = (...argv: ReadonlyArray<string>) => orders(["events", "replay", "--dead", "--yes", ...argv])
      assert.match((yield* replay("--message", "m-2")).stdout, /^replayed +1$/m)
      assert.match((yield* replay()).stdout, /^replayed +1$/m)
      assert.match((yield* replay("--unaddressed")).stdout, /^replayed +1$/m)
      const due = yield* claimDue(10)
      assert.deepStrictEqual(
        due.map(({ message }) => message.messageId),
        ["m-1", "m-2", "m-3"]
      )
    }).pipe(Effect.provide(world))
  )

  it.effect("asks first, and does not take what belongs to the other kind of messages", () =>
    Effect.gen(function* () {
      const unasked = yield* orders(["events", "replay"])
      assert.deepStrictEqual(unasked, {
        code: 2,
        stdout: "",
        stderr: "orders: Send messages once more? There is no terminal to ask at: use --yes"
      })
      for (const argv of [
        ["--message", "m-1"],
        ["--unaddressed"],
        ["--dead", "--order", demo.eventId],
        ["--since", "yesterday"]
      ]) {
        const wrong = yield* orders(["events", "replay", "--yes", ...argv])
        assert.deepStrictEqual([wrong.code, wrong.stdout], [2, ""], argv.join(" "))
      }
    }).pipe(Effect.provide(world))
  )
})
