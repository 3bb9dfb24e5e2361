/**
 * Customers who buy over HTTP while something is broken: each with keys of his own, so that he may ask again for
 * everything he was not answered. What he was told must be true afterwards.
 */
import { assert } from "@effect/vitest"
import { PaymentIntentId } from "@tickettoken/order-domain/Ids"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { MemoryServices } from "@tickettoken/order-testing/memory/MemoryServices"
import { Effect, HashMap, Ref } from "effect"
import { asService, newOrder, person, type Person } from "../../http/support/buyer.ts"
import { eventually } from "../../http/support/eventually.ts"
import { type Answer, at, listAt, textAt } from "../../http/support/send.ts"

/** What a customer does with the tickets that he has paid. */
type Change = "keep" | "cancel" | "refund"

const changes: ReadonlyArray<Change> = ["keep", "cancel", "refund"]

interface Customer {
  readonly who: Person
  readonly change: Change
  /** Of all answers. */
  readonly statuses: ReadonlyArray<number>
  /** The order that he was told he has. */
  readonly acknowledged: string | null
}

const buy = (who: Person) => who.post("/api/v1/orders", newOrder(), { "idempotency-key": "create" })

const confirm = (order: Answer) =>
  asService("POST", `/internal/v1/orders/${textAt(order.json, "id")}/confirm`, {
    paymentIntentId: textAt(order.json, "paymentIntentId")
  })

const pay = Effect.fnUntraced(function* (order: Answer) {
  const controls = yield* ServiceControls
  const { payments } = yield* MemoryServices
  const id = PaymentIntentId.make(textAt(order.json, "paymentIntentId"))
  const { intents } = yield* payments.state
  const isPaid = HashMap.some(intents, (intent) => intent.id === id && intent.status === "succeeded")
  if (!isPaid) yield* controls.pay(id)
})

const makeChange = (who: Person, change: Exclude<Change, "keep">, orderId: string) =>
  who.post(
    `/api/v1/orders/${orderId}/${change}`,
    change === "cancel" ? { reason: "ill" } : { reason: "half", amount: 10_000 },
    { "idempotency-key": change }
  )

/** Buys, pays and changes his mind, as far as he gets; he asks for nothing twice. */
export const shop = Effect.fnUntraced(function* (n: number) {
  const who = yield* person()
  const change = changes[n % changes.length] ?? "keep"
  const statuses = yield* Ref.make<ReadonlyArray<number>>([])
  const noted = <E, R>(request: Effect.Effect<Answer, E, R>) =>
    Effect.tap(request, ({ status }) => Ref.update(statuses, (all) => [...all, status]))
  const order = yield* noted(buy(who))
  const acknowledged = order.status === 201 ? textAt(order.json, "id") : null
  if (acknowledged !== null) {
    yield* pay(order)
    const confirmed = yield* noted(confirm(order))
    if (confirmed.status === 200 && change !== "keep") yield* noted(makeChange(who, change, acknowledged))
  }
  const customer: Customer = { who, change, statuses: yield* Ref.get(statuses), acknowledged }
  return customer
})

/** What an outage may be answered with. */
const allowed = [200, 201, 202, 503]

/** No answer was an untyped failure, and none was a refusal that nobody has asked for. */
export const assertTypedAnswers = (customers: ReadonlyArray<Customer>): void =>
  assert.deepStrictEqual(
    [...new Set(customers.flatMap(({ statuses }) => statuses))].filter((status) => !allowed.includes(status)).join(),
    ""
  )

const isOk = ({ status }: Answer): boolean => status === 200 || status === 201

/** Now that all is well he asks again for everything, with the same keys: he has it once, and what he was told is true. */
export const askAgain = Effect.fnUntraced(function* ({ acknowledged, change, who }: Customer) {
  const order = yield* eventually(buy(who), isOk)
  const id = textAt(order.json, "id")
  if (acknowledged !== null) assert.strictEqual(id, acknowledged)
  yield* pay(order)
  const current = who.get(`/api/v1/orders/${id}`)
  // A payment is told of until the order has its tickets, or has had them.
  yield* eventually(
    Effect.andThen(confirm(order), current),
    ({ json }) => at(json, "paymentStatus") !== "UNPAID" && at(json, "status") !== "PENDING"
  )
  if (change !== "keep") yield* eventually(makeChange(who, change, id), isOk)
  const { json } = yield* eventually(current, (answer) => at(answer.json, "status") === ends[change])
  assert.strictEqual(at((yield* who.get("/api/v1/orders")).json, "pagination", "total"), 1)
  const refunds = yield* eventually(who.get(`/api/v1/orders/${id}/refunds`), (answer) =>
    listAt(answer.json, "refunds").every((refund) => at(refund, "status") === "COMPLETED")
  )
  assert.lengthOf(listAt(refunds.json, "refunds"), change === "keep" ? 0 : 1)
  return textAt(json, "id")
})

const ends: { readonly [Name in Change]: string } = { keep: "CONFIRMED", cancel: "REFUNDED", refund: "CONFIRMED" }
