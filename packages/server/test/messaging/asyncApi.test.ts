/** The contract of messages is what is checked in, and what really goes out and comes in. */
import { assert, describe, it } from "@effect/vitest"
import { inboundTypes } from "@tickettoken/order-domain/InboundMessage"
import { messageDataOf } from "@tickettoken/order-domain/MessageData"
import type { Order } from "@tickettoken/order-domain/Order"
import { decide } from "@tickettoken/order-domain/OrderDecision"
import { orderEventTypes } from "@tickettoken/order-domain/OrderEvent"
import { announcement } from "@tickettoken/order-domain/OrderMessage"
import { asyncApi } from "@tickettoken/order-server/contract/Messages"
import { names } from "@tickettoken/order-server/rabbitmq/Topology"
import {
  beginnings,
  commandOf,
  type Happening,
  histories,
  refundHistories,
  versionsTo
} from "@tickettoken/order-testing/arbitraries"
import { jobActor } from "@tickettoken/order-testing/TestOrders"
import { DateTime, Result, Schema } from "effect"
import { readFileSync } from "node:fs"

const HISTORIES = 300
const STEPS_MAX = 40

/** Every message of a history has the data that the contract says, and no other. */
const check = (beginning: Order, history: ReadonlyArray<Happening>): void => {
  let order = beginning
  let now = order.updatedAt
  for (const happening of history) {
    now = DateTime.add(now, { seconds: happening.waitSeconds })
    const answer = decide(order, { actor: jobActor, command: commandOf(order, happening) }, now)
    if (Result.isFailure(answer) || answer.success._tag === "Unchanged") continue
    const { event, order: next } = answer.success.decision
    const { data } = announcement(next, event)
    const read = Schema.decodeUnknownResult(Schema.toCodecJson(messageDataOf(event.type)), {
      onExcessProperty: "error"
    })(JSON.parse(JSON.stringify(data)))
    if (Result.isFailure(read)) assert.fail(`${event.type}: ${String(read.failure)}`)
    order = next
  }
}

describe("the contract of messages", () => {
  it("is what the schemas say: node scripts/generate-asyncapi.ts writes it", () => {
    const stored = readFileSync(new URL("../../asyncapi.json", import.meta.url), "utf8")
    assert.strictEqual(stored, `${JSON.stringify(asyncApi(), null, 2)}\n`)
  })

  it("names what RabbitMQ has, every type that is published and every type that is consumed", () => {
    const { channels } = asyncApi()
    assert.deepStrictEqual([channels.events.address, channels.inbox.address], [names.events, names.inbox])
    assert.deepStrictEqual(Object.keys(channels.events.messages), Object.values(orderEventTypes))
    assert.deepStrictEqual(Object.keys(channels.inbox.messages), [...inboundTypes])
  })

  it("refers to nothing that it does not hold", () => {
    const document = asyncApi()
    const text = JSON.stringify(document)
    const holds = (path: string): boolean => {
      let here: unknown = document
      for (const part of path.split("/")) {
        if (typeof here !== "object" || here === null || !(part in here)) return false
        here = Object.entries(here).find(([key]) => key === part)?.[1]
      }
      return true
    }
    const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = ""]) => path)
    assert.isAbove(references.length, 40)
    assert.deepStrictEqual(
      references.filter((path) => !holds(path)),
      []
    )
  })

  it.prop(
    "says what the messages of random histories hold",
    [beginnings, histories(STEPS_MAX)],
    ([beginning, history]) => check(beginning.at(-1) ?? beginning[0], history),
    { arbitrary: { runs: HISTORIES } }
  )

  it.prop(
    "says what the messages about refunds hold",
    [versionsTo("CONFIRMED"), refundHistories(STEPS_MAX)],
    ([beginning, history]) => check(beginning.at(-1) ?? beginning[0], history),
    { arbitrary: { runs: HISTORIES } }
  )
})
