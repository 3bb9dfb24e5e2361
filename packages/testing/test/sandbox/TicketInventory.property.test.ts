/** Random orders against the ticket sandbox: it never oversells, its counters are true, its journal is its state. */
import { assert, describe, it } from "@effect/vitest"
import { HashMap, Schema } from "effect"
import { type TicketLine, TicketFact } from "@tickettoken/order-testing/sandbox/TicketFacts"
import * as Inventory from "@tickettoken/order-testing/sandbox/TicketInventory"
import { quantities } from "@tickettoken/order-testing/sandbox/TicketLines"
import { rebuild, type Step } from "@tickettoken/order-testing/sandbox/Engine"
import { engine, type OrderStock, type TicketState } from "@tickettoken/order-testing/sandbox/TicketStock"
import { at, eventId, line, order, plain, tenantId, ticketType, typeId } from "./scene.ts"

const small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))
const Lines = Schema.Array(Schema.Struct({ type: small(3), quantity: small(3) })).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(3)
)

/** Few orders, few keys and short holds, so that everything meets everything. */
const Action = Schema.Union([
  Schema.Struct({ does: Schema.Literal("reserve"), order: small(5), lines: Lines, seconds: small(60) }),
  Schema.Struct({ does: Schema.Literal("confirm"), order: small(5), key: small(8) }),
  Schema.Struct({ does: Schema.Literal("release"), order: small(5), key: small(8), lines: Schema.NullOr(Lines) }),
  Schema.Struct({ does: Schema.Literal("wait"), seconds: small(40) })
])
const Actions = Schema.Array(Action).check(Schema.isMaxLength(60))

const lines = (given: typeof Lines.Type): ReadonlyArray<TicketLine> =>
  given.map(({ quantity, type }) => line(type, quantity))

type TicketStep = Step<TicketState, TicketFact, unknown>

const perform = (state: TicketState, action: typeof Action.Type, now: number): TicketStep => {
  switch (action.does) {
    case "reserve": {
      const items = lines(action.lines)
      const request = { orderId: order(action.order), eventId, items, holdUntil: at(now + action.seconds) }
      return Inventory.reserve(state, { tenantId, key: "hold", ...request }, at(now))
    }
    case "confirm":
      return Inventory.confirm(state, { tenantId, key: `${action.key}`, orderId: order(action.order) }, at(now))
    case "release": {
      const request = { key: `${action.key}`, orderId: order(action.order) }
      const items = action.lines === null ? {} : { items: lines(action.lines) }
      return Inventory.release(state, { tenantId, ...request, ...items }, at(now))
    }
    case "wait":
      return Inventory.availability(state, { tenantId, ticketTypeIds: [typeId(1), typeId(2), typeId(3)] }, at(now))
  }
}

/** A shop with four, two and one ticket of three types. */
const opened = (): ReadonlyArray<TicketFact> =>
  [4, 2, 1].map((capacity, index) => ({ kind: "ticket-type.added", ticketType: ticketType(index + 1, capacity) }))

/** Performs the actions one after another, and looks at the state after each. */
const drive = (from: TicketState, actions: typeof Actions.Type, since: number) => {
  let state = from
  let now = since
  const facts: Array<TicketFact> = []
  const replies: Array<unknown> = []
  for (const action of actions) {
    if (action.does === "wait") now += action.seconds
    const step = perform(state, action, now)
    state = step.state
    facts.push(...step.facts)
    replies.push(step.reply)
    truthful(state)
  }
  return { state, facts, replies, now }
}

const quantityOf = (stock: OrderStock, tag: "Held" | "Allocated", type: number): number => {
  if (stock._tag !== tag) return 0
  return stock._tag === "Allocated"
    ? stock.tickets.filter((ticket) => ticket.ticketTypeId === typeId(type)).length
    : (quantities(stock.lines).get(typeId(type)) ?? 0)
}

/** The counters equal a recount over all orders, and nothing is sold twice. */
const truthful = (state: TicketState): void => {
  const orders = HashMap.toValues(state.orders)
  for (const [index, { allocated, held, ticketType: type }] of Inventory.stockRows(state).entries()) {
    const recount = (tag: "Held" | "Allocated") => orders.reduce((sum, one) => sum + quantityOf(one, tag, index + 1), 0)
    assert.strictEqual(held, recount("Held"))
    assert.strictEqual(allocated, recount("Allocated"))
    assert.isAtMost(held + allocated, type.capacity)
  }
  const ids = orders.flatMap((one) => (one._tag === "Allocated" ? one.tickets.map(({ id }) => id) : []))
  assert.strictEqual(new Set(ids).size, ids.length)
}

/** What a state says, without the instant up to which it was last swept. */
const told = ({ answers, open, orders, types }: TicketState) => ({
  types: plain(types),
  orders: plain(orders),
  open: plain(open),
  answers: plain(answers)
})

const codec = Schema.fromJsonString(Schema.Array(TicketFact))
const reread = (facts: ReadonlyArray<TicketFact>) => Schema.decodeSync(codec)(Schema.encodeSync(codec)(facts))

describe("any sequence of requests", () => {
  it.prop(
    "sells nothing twice, and its journal, written down and read again, is its state",
    [Actions],
    ([actions]) => {
      const { facts, state } = drive(rebuild(engine, opened()), actions, 0)
      assert.deepStrictEqual(told(rebuild(engine, reread([...opened(), ...facts]))), told(state))
    },
    { arbitrary: { runs: 400 } }
  )

  it.prop(
    "goes on after a restart as if there had been none",
    [Actions, Actions],
    ([before, after]) => {
      const first = drive(rebuild(engine, opened()), before, 0)
      const second = drive(first.state, after, first.now)
      const restarted = drive(rebuild(engine, reread([...opened(), ...first.facts])), after, first.now)
      assert.strictEqual(JSON.stringify(restarted.replies), JSON.stringify(second.replies))
      assert.strictEqual(restarted.facts.length, second.facts.length)
      assert.deepStrictEqual(told(restarted.state), told(second.state))
    },
    { arbitrary: { runs: 200 } }
  )
})
