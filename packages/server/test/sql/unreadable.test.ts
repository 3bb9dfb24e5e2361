/** Rows that somebody's hand has made unreadable stop nobody but themselves, and are told. */
import { assert, layer } from "@effect/vitest"
import { OrderReads } from "@tickettoken/order-domain/ports/OrderReads"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import { bulkCancelEvent, planBulkCancel } from "@tickettoken/order-domain/workflows/BulkCancelEvent"
import * as SecureIdentifiers from "@tickettoken/order-server/SecureIdentifiers"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import * as PoliciesMemory from "@tickettoken/order-testing/memory/PoliciesMemory"
import { create, reload } from "@tickettoken/order-testing/contracts/storeFixture"
import { type Buyer, freshBuyer, jobActor } from "@tickettoken/order-testing/TestOrders"
import { Effect, Layer, Logger } from "effect"
import { SqlClient } from "effect/sql"
import { layerStore } from "./database.ts"

/** Runs a statement as if no guard were there: what a bug of an older version, or an operator, may leave. */
const byHand = <A, E, R>(statement: Effect.Effect<A, E, R>) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.withTransaction(Effect.andThen(sql`set local session_replication_role = replica`, statement))
  )

/** The result of an effect with every line that it has logged, whole. */
const withLog = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const result = yield* Effect.provide(
      effect,
      Logger.layer([
        Logger.map(Logger.formatJson, (line) => {
          lines.push(line)
        })
      ])
    )
    return { result, lines }
  })

layer(layerStore, { excludeTestServices: true, timeout: "300 seconds" })("work that can not be read", (it) => {
  it.effect("is left alone for five minutes and logged by id and kind, and the rest of the batch runs", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const queue = yield* WorkQueue
      const time = yield* TestTime
      const made = []
      for (let at = 0; at < 4; at++) made.push((yield* create(yield* freshBuyer)).order.id)
      const [broken, endless, ...well] = made.map((id) => `${id}:HOLD:1`)
      yield* byHand(
        sql`update order_work set payload = '{"_tag": "HOLD", "secret": "s3cret"}' where id = ${broken ?? ""}`
      )
      yield* time.passMinutes(1)
      yield* byHand(sql`update order_work set created_at = 'infinity' where id = ${endless ?? ""}`)
      const { lines, result } = yield* withLog(queue.claimDue(10))
      assert.deepStrictEqual(result.map(({ item }) => item.id).toSorted(), well.toSorted())
      const rows = yield* sql<{ id: string; state: string; wait: number; last_error: string }>`
        select id, state, last_error, round(extract(epoch from next_at - clock_timestamp()) / 60)::int as wait
        from order_work where state = 'TODO' order by id`
      assert.deepStrictEqual(
        rows,
        [broken, endless]
          .map((id) => ({ id: id ?? "", state: "TODO", last_error: "the row can not be read", wait: 5 }))
          .toSorted((one, other) => (one.id < other.id ? -1 : 1))
      )
      const log = lines.join("\n")
      assert.include(log, `work ${broken} of kind HOLD can not be read`)
      assert.include(log, `work ${endless} of kind HOLD can not be read`)
      assert.notInclude(log, "s3cret")
      // Meanwhile it is not claimed; afterwards it is looked at again, because it may have been mended.
      yield* time.passMinutes(4)
      assert.deepStrictEqual((yield* queue.claimDue(10)).map(({ item }) => item.id).toSorted(), well.toSorted())
      yield* byHand(sql`update order_work set created_at = now() where id = ${endless ?? ""}`)
      yield* time.passMinutes(2)
      assert.include(
        (yield* withLog(queue.claimDue(10))).result.map(({ item }) => item.id),
        endless
      )
    })
  )

  it.effect("does not keep expired orders from being claimed", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const queue = yield* WorkQueue
      const time = yield* TestTime
      const made = [(yield* create(yield* freshBuyer)).order.id, (yield* create(yield* freshBuyer)).order.id]
      const request = { reason: "late", requestedBy: jobActor }
      yield* time.passMinutes(60)
      const first = yield* queue.claimExpired(10, request)
      assert.includeMembers(
        first.map(({ item }) => item.orderId),
        made
      )
      for (const { lease } of first) yield* queue.settle(lease)
      const [spoilt = "", fine = ""] = made
      yield* sql.unsafe(`create function spoil() returns trigger language plpgsql as $$
        begin new.created_at := 'infinity'; return new; end $$`)
      yield* sql.unsafe(`create trigger spoil before update on order_work for each row
        when (new.order_id = '${spoilt}' and new.state = 'DOING') execute function spoil()`)
      const { lines, result } = yield* withLog(queue.claimExpired(10, request))
      yield* sql`drop trigger spoil on order_work`
      yield* sql`drop function spoil`
      const claimed = result.map(({ item }) => item.orderId)
      assert.include(claimed, fine)
      assert.notInclude(claimed, spoilt)
      assert.include(lines.join("\n"), `of kind EXPIRE can not be read`)
    })
  )
})

/** Three orders of a buyer, the one in the middle (by id) spoilt. */
const spoilOne = Effect.fnUntraced(function* (buyer: Buyer) {
  const sql = yield* SqlClient.SqlClient
  const made = []
  for (let at = 0; at < 3; at++) made.push((yield* create(buyer)).order)
  const [first, spoilt, last] = made.toSorted((one, other) => (one.id < other.id ? -1 : 1))
  if (first === undefined || spoilt === undefined || last === undefined) return yield* Effect.die("three were made")
  yield* byHand(sql`update orders set terms = '{"secret": "s3cret"}' where id = ${spoilt.id}`)
  return { first, spoilt, last }
})

/** Cancels without calling anybody: what the orders ask for stays to be done. */
const bulkLayer = Layer.merge(
  Layer.succeed(
    WorkExecutor,
    WorkExecutor.of({
      run: () => Effect.void,
      start: () => Effect.void,
      runInBackground: () => Effect.void,
      runInBulk: () => Effect.void
    })
  ),
  Layer.merge(SecureIdentifiers.layer, PoliciesMemory.layer)
)

layer(layerStore, { excludeTestServices: true, timeout: "300 seconds" })("an order that can not be read", (it) => {
  it.effect("is left out of a page and logged by its id", () =>
    Effect.gen(function* () {
      const reads = yield* OrderReads
      const buyer = yield* freshBuyer
      const { first, last, spoilt } = yield* spoilOne(buyer)
      const query = { ...buyer, status: null, eventId: null, offset: 0, after: null }
      const { lines, result } = yield* withLog(reads.list({ ...query, limit: 10 }))
      assert.deepStrictEqual(result.orders.map(({ id }) => id).toSorted(), [first.id, last.id])
      assert.deepStrictEqual([result.total, result.hasMore], [3, false])
      assert.include(lines.join("\n"), `order ${spoilt.id} can not be read and is left out`)
      assert.notInclude(lines.join("\n"), "s3cret")
      const pages = yield* withLog(Effect.forEach([0, 1, 2], (offset) => reads.list({ ...query, limit: 1, offset })))
      assert.deepStrictEqual(
        pages.result.map(({ hasMore }) => hasMore),
        [true, true, false]
      )
      assert.lengthOf(
        pages.result.flatMap(({ orders }) => orders),
        2
      )
    })
  )

  it.effect("5 is reported by the run that cancels its event, which cancels all others", () =>
    Effect.gen(function* () {
      const reads = yield* OrderReads
      const buyer = yield* freshBuyer
      const { first, last, spoilt } = yield* spoilOne(buyer)
      const report = { id: spoilt.id, orderNumber: spoilt.orderNumber }
      // It takes its place: pages end where they would end with it.
      const page = (after: typeof first.id | null) => reads.cancellableOfEvent(buyer.tenantId, buyer.eventId, after, 2)
      const { result } = yield* withLog(Effect.all([page(null), page(spoilt.id)]))
      assert.deepStrictEqual(
        result.map(({ next, orders, unreadable }) => ({ ids: orders.map(({ id }) => id), next, unreadable })),
        [
          { ids: [first.id], next: spoilt.id, unreadable: [report] },
          { ids: [last.id], next: null, unreadable: [] }
        ]
      )
      const input = {
        caller: { tenantId: buyer.tenantId, actor: jobActor, vip: false },
        eventId: buyer.eventId,
        reason: "rain"
      }
      const plan = yield* withLog(planBulkCancel(input))
      assert.strictEqual(plan.result.orders, 2)
      const { lines, result: run } = yield* withLog(Effect.provide(bulkCancelEvent(input), bulkLayer))
      assert.deepStrictEqual(run, {
        total: 3,
        succeeded: 2,
        failed: 1,
        errors: [{ orderId: spoilt.id, orderNumber: spoilt.orderNumber, error: "the order can not be read" }]
      })
      assert.include(lines.join("\n"), `order ${spoilt.id} can not be read`)
      for (const order of [first, last]) assert.strictEqual((yield* reload(order)).status, "CANCELLED")
    })
  )
})
