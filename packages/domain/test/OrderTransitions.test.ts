/**
 * `decide` and the table of OrderTransitions.ts say the same, and the table has no state that nobody reaches.
 */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Result } from "effect"
import { OrderStatus } from "@tickettoken/order-domain/Order"
import { decide } from "@tickettoken/order-domain/OrderDecision"
import { finalStatuses, legalFrom, stateDiagram, transitions } from "@tickettoken/order-domain/OrderTransitions"
import { jobActor } from "@tickettoken/order-testing/TestOrders"
import { commandVariants, type Variant } from "@tickettoken/order-testing/TestOrdersCommands"
import { refunding, sampleCreatedAt, samples } from "@tickettoken/order-testing/TestOrdersByState"

const orders = [...Object.values(samples), ...refunding]

const decided = (order: (typeof orders)[number], { command, minute }: Variant) =>
  decide(order, { actor: jobActor, command: command(order) }, DateTime.add(sampleCreatedAt, { minutes: minute }))

/** Every answer of `decide` to every variant of every command in every state and stage. */
const answers = Object.entries(commandVariants).flatMap(([tag, variants]) =>
  variants.flatMap((variant) => orders.map((order) => ({ tag, order, answer: decided(order, variant) })))
)

/** A refusal of the state as such: with a reason it is about more than the state. */
const isRefusedOutright = ({ answer }: (typeof answers)[number]): boolean =>
  Result.isFailure(answer) && answer.failure._tag === "InvalidTransition" && answer.failure.why === null

/** The state changes that were seen, as "FROM > TO". */
const seen = new Set(
  answers.flatMap(({ answer, order }) =>
    Result.isSuccess(answer) &&
    answer.success._tag === "Changed" &&
    answer.success.decision.order.status !== order.status
      ? [`${order.status} > ${answer.success.decision.order.status}`]
      : []
  )
)

const listed = OrderStatus.literals.flatMap((from) => transitions[from].map((to) => `${from} > ${to}`))

describe("legalFrom", () => {
  it("names every state from which a command is not refused outright, and no other", () => {
    const open = Object.fromEntries(
      Object.keys(commandVariants).map((tag) => [
        tag,
        OrderStatus.literals.filter((status) =>
          answers.some((known) => known.tag === tag && known.order.status === status && !isRefusedOutright(known))
        )
      ])
    )
    const table = Object.fromEntries(Object.entries(legalFrom).map(([tag, states]) => [tag, [...states]]))
    // The order in which a row lists its states says nothing.
    for (const states of [...Object.values(open), ...Object.values(table)]) states.sort()
    assert.deepStrictEqual(open, table)
  })

  it("has a sample of every state and a variant of every command", () => {
    assert.deepStrictEqual(new Set(orders.map(({ status }) => status)), new Set(OrderStatus.literals))
    assert.deepStrictEqual(Object.keys(commandVariants), Object.keys(legalFrom))
    for (const [tag, variants] of Object.entries(commandVariants)) {
      for (const variant of variants) for (const order of orders) assert.strictEqual(variant.command(order)._tag, tag)
    }
  })
})

describe("transitions", () => {
  it("hold every state change that decide makes, and decide makes every one that they hold", () => {
    assert.deepStrictEqual([...seen].toSorted(), listed.toSorted())
  })

  it("lead from PENDING to every state", () => {
    const reached = new Set<OrderStatus>(["PENDING"])
    for (const status of reached) for (const next of transitions[status]) reached.add(next)
    assert.deepStrictEqual([...reached].toSorted(), [...OrderStatus.literals].toSorted())
  })

  it("end in REFUNDED alone: any other state may still be left", () => {
    assert.deepStrictEqual(finalStatuses, ["REFUNDED"])
  })

  it("are drawn as they are", () => {
    const drawn = stateDiagram().split("\n")
    assert.strictEqual(drawn[0], "stateDiagram-v2")
    assert.deepStrictEqual(
      drawn.slice(1).map((line) => line.trim()),
      ["[*] --> PENDING", ...listed.map((pair) => pair.replace(" > ", " --> ")), "REFUNDED --> [*]"]
    )
  })

  it("never change what an order is: price, lines, owner, event, terms and number", () => {
    for (const { answer, order } of answers) {
      if (Result.isFailure(answer) || answer.success._tag === "Unchanged") continue
      const { order: next } = answer.success.decision
      const lines = (of: typeof order) => of.items.map(({ returnedQuantity: _, ...line }) => line)
      assert.deepStrictEqual(lines(next), lines(order))
      for (const fact of [
        "id",
        "tenantId",
        "orderNumber",
        "userId",
        "eventId",
        "pricing",
        "terms",
        "createdAt"
      ] as const) {
        assert.strictEqual(next[fact], order[fact])
      }
    }
  })

  it("record one fact and one version with every change, and none without", () => {
    for (const { answer, order } of answers) {
      if (Result.isFailure(answer)) continue
      if (answer.success._tag === "Unchanged") {
        assert.strictEqual(answer.success.order, order)
        continue
      }
      const { before, event, order: next, work } = answer.success.decision
      assert.strictEqual(before, order)
      assert.deepStrictEqual(
        [next.version, event.version, event.orderId, event.tenantId, event.actor],
        [order.version + 1, order.version + 1, order.id, order.tenantId, jobActor]
      )
      assert.strictEqual(new Set(work.map(({ id }) => id)).size, work.length)
    }
  })
})
