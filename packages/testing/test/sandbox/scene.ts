/** Fixtures of the sandbox tests: ids by number, instants by seconds, and engines that are played step by step. */
import { assert } from "@effect/vitest"
import { DateTime, HashMap, Result } from "effect"
import {
  EventId,
  OrderId,
  RefundId,
  TenantId,
  TicketPricingId,
  TicketTypeId,
  UserId
} from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { type Engine, rebuild, type Step } from "@tickettoken/order-testing/sandbox/Engine"
import type { TicketLine, TicketType } from "@tickettoken/order-testing/sandbox/TicketFacts"

const uuid = (family: string, number: number) =>
  `${family.repeat(8)}-0000-4000-8000-${String(number).padStart(12, "0")}`

export const tenantId = TenantId.make(uuid("a", 1))
export const otherTenantId = TenantId.make(uuid("a", 2))
export const eventId = EventId.make(uuid("e", 1))
export const otherEventId = EventId.make(uuid("e", 2))
export const userId = UserId.make(uuid("b", 1))
export const order = (number: number) => OrderId.make(uuid("c", number))
export const refund = (number: number) => RefundId.make(uuid("d", number))
export const typeId = (number: number) => TicketTypeId.make(uuid("1", number))
export const pricingId = (number: number) => TicketPricingId.make(uuid("2", number))
export const cents = (amount: number) => Cents.make(amount)

const start = DateTime.makeUnsafe("2026-03-01T12:00:00Z")
/** The instant so many seconds into the test. */
export const at = (seconds: number) => DateTime.add(start, { seconds })

export const line = (type: number, quantity: number): TicketLine => ({
  ticketTypeId: typeId(type),
  ticketPricingId: pricingId(type),
  quantity
})

export const ticketType = (number: number, capacity: number, more: Partial<TicketType> = {}): TicketType => ({
  id: typeId(number),
  tenantId,
  eventId,
  name: `Type ${number}`,
  vip: false,
  capacity,
  maxPerOrder: 20,
  pricings: [{ id: pricingId(number), price: cents(10_000), currency: "USD" }],
  ...more
})

/** Plays operations on an engine one after another, and keeps what they journal. */
export const play = <State, Fact>(engine: Engine<State, Fact>) => {
  let state = engine.empty
  const facts: Array<Fact> = []
  return {
    facts,
    state: () => state,
    rebuilt: () => rebuild(engine, facts),
    run: <Reply>(operation: (before: State) => Step<State, Fact, Reply>): Reply => {
      const step = operation(state)
      state = step.state
      facts.push(...step.facts)
      return step.reply
    }
  }
}

/** The value, or a failed test. */
export const ok = <A, E>(result: Result.Result<A, E>): A => {
  if (Result.isSuccess(result)) return result.success
  return assert.fail(`refused: ${String(result.failure)}`)
}

/** The refusal, or a failed test. */
export const refused = <A, E>(result: Result.Result<A, E>): E => {
  if (Result.isFailure(result)) return result.failure
  return assert.fail("was not refused")
}

/** The members of an object in the order of their names. */
const inOrder = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1)))
    : value

/** A map as text, by key: what equals can be read and compared. */
export const plain = (map: HashMap.HashMap<string, unknown>): ReadonlyArray<string> =>
  HashMap.toEntries(map)
    .map(([key, value]) => `${key}: ${JSON.stringify(value, inOrder)}`)
    .toSorted()
