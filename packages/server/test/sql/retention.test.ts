/** What has had its time leaves the database, and nothing else does. */
import { assert, layer } from "@effect/vitest"
import { IdempotencyKeys } from "@tickettoken/order-domain/ports/IdempotencyKeys"
import { Inbox } from "@tickettoken/order-domain/ports/Inbox"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { Health } from "@tickettoken/order-server/http/Health"
import * as RetentionFiber from "@tickettoken/order-server/jobs/RetentionFiber"
import { purge } from "@tickettoken/order-server/sql/RetentionSql"
import { asJobs } from "@tickettoken/order-server/sql/TenantTransaction"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { create, leaseOf, tagOf } from "@tickettoken/order-testing/contracts/storeFixture"
import { type Buyer, freshBuyer } from "@tickettoken/order-testing/TestOrders"
import { Effect, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { layerStore } from "./database.ts"

const HOUR = 60
const DAY = 24 * HOUR

const claimOf = ({ tenantId, userId }: Buyer, key: string) => ({
  tenantId,
  principal: userId,
  operation: "create" as const,
  key,
  fingerprint: "f"
})

/** How many rows there are that may be forgotten one day. */
const counts = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ keys: number; work: number; messages: number }>`select
    (select count(*)::int from idempotency) as keys, (select count(*)::int from order_work) as work,
    (select count(*)::int from outbox) as messages`
  return row
})

/** An order with an answered key, work that is done, and a message that is sent; and one with none of that. */
const fill = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const queue = yield* WorkQueue
  const keys = yield* IdempotencyKeys
  yield* sql`delete from idempotency`
  yield* sql`delete from order_work`
  yield* sql`delete from outbox`
  const buyer = yield* freshBuyer
  const claim = claimOf(buyer, "k")
  const made = yield* create(buyer, { idempotencyKey: "k" }, { claim })
  yield* keys.finish(claim, { status: 201, body: "{}" })
  yield* queue.settle(leaseOf(made.work, "HOLD"))
  yield* sql`update outbox set state = 'SENT', sent_at = now()`
  const failed = yield* create(buyer)
  yield* sql`update order_work set state = 'FAILED', lease_until = null where order_id = ${failed.order.id}`
  yield* create(buyer)
  return { buyer, claim, made }
})

/** One message that has had its effect, one that was set aside and one that is still open. */
const receiveThree = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const { end, receive } = yield* Inbox
  yield* sql`delete from inbox`
  const { tenantId } = yield* freshBuyer
  for (const messageId of ["done", "dead", "open"]) {
    const message = {
      tenantId,
      source: "payments",
      messageId,
      type: "payment.succeeded",
      body: "{}",
      bytes: 2,
      traceparent: null
    }
    const claimed = yield* receive(message)
    if (claimed === null) return assert.fail("known")
    if (messageId === "done") yield* end(claimed.lease, { _tag: "Unchanged" })
    if (messageId === "dead") yield* end(claimed.lease, { _tag: "Dead", why: "no" })
  }
})

const messagesLeft = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(sql<{ id: string }>`select message_id as id from inbox order by message_id`, (rows) =>
    rows.map(({ id }) => id)
  )
)

layer(layerStore, { excludeTestServices: true, timeout: "300 seconds" })("retention", (it) => {
  it.effect("forgets a key one hour after it has expired, and what it has made never", () =>
    Effect.gen(function* () {
      const time = yield* TestTime
      const keys = yield* IdempotencyKeys
      const { buyer, claim } = yield* fill
      assert.deepStrictEqual(yield* counts, { keys: 1, work: 3, messages: 3 })
      // A key lives for half an hour.
      yield* time.passMinutes(30 + 59)
      assert.strictEqual(yield* purge(10), 0)
      yield* time.passMinutes(2)
      assert.strictEqual(yield* purge(10), 1)
      assert.deepStrictEqual(yield* counts, { keys: 0, work: 3, messages: 3 })
      assert.strictEqual(tagOf(yield* Effect.exit(keys.lookup(claim))), "IdempotencyKeyUsed")
      assert.strictEqual(tagOf(yield* Effect.exit(create(buyer, { idempotencyKey: "k" }))), "IdempotencyKeyUsed")
    })
  )

  it.effect("forgets work that is done and messages that are sent after seven days, and no others", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const time = yield* TestTime
      yield* fill
      yield* time.passMinutes(7 * DAY - HOUR)
      assert.strictEqual(yield* purge(10), 1)
      assert.deepStrictEqual(yield* counts, { keys: 0, work: 3, messages: 3 })
      yield* time.passMinutes(2 * HOUR)
      assert.strictEqual(yield* purge(10), 1)
      assert.deepStrictEqual(yield* counts, { keys: 0, work: 2, messages: 2 })
      yield* time.passMinutes(365 * DAY)
      assert.strictEqual(yield* purge(10), 0)
      const states = yield* sql<{ state: string }>`
        select state from order_work union all select state from outbox order by state`
      assert.deepStrictEqual(
        states.map(({ state }) => state),
        ["DOING", "FAILED", "NEW", "NEW"]
      )
    })
  )

  it.effect(
    "knows a message for a week after its effect, longer than any is sent again, and a dead one for 30 days",
    () =>
      Effect.gen(function* () {
        const time = yield* TestTime
        yield* receiveThree
        yield* time.passMinutes(7 * DAY - HOUR)
        yield* purge(10)
        assert.deepStrictEqual(yield* messagesLeft, ["dead", "done", "open"])
        yield* asJobs(Effect.flatMap(SqlClient.SqlClient, (sql) => sql`delete from inbox`))
        assert.deepStrictEqual(yield* messagesLeft, ["dead", "done", "open"])
        yield* time.passMinutes(2 * HOUR)
        yield* purge(10)
        assert.deepStrictEqual(yield* messagesLeft, ["dead", "open"])
        yield* time.passMinutes(23 * DAY)
        yield* purge(10)
        assert.deepStrictEqual(yield* messagesLeft, ["open"])
        yield* time.passMinutes(365 * DAY)
        yield* purge(10)
        assert.deepStrictEqual(yield* messagesLeft, ["open"])
      })
  )

  it.effect("takes no more than its limit at once, the oldest first", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { claim, made } = yield* fill
      yield* sql`insert into idempotency (tenant_id, principal, operation, key, fingerprint, expires_at)
        select ${claim.tenantId}, 'p', 'create', n, 'f', now() - n * interval '1 day' from generate_series(1, 25) n`
      yield* sql`insert into order_work (id, tenant_id, order_id, order_version, kind, payload, state, next_at, created_at,
          done_at)
        select n, ${claim.tenantId}, ${made.order.id}, 1, 'HOLD', '{}', 'DONE', now(), now(), now() - interval '8 days'
        from generate_series(1, 5) n`
      assert.strictEqual(yield* purge(10), 10)
      const left = yield* sql<{ key: string }>`select key from idempotency where principal = 'p' order by key::int`
      assert.deepStrictEqual(
        left.map(({ key }) => Number(key)),
        Array.from({ length: 15 }, (_, at) => at + 1)
      )
      assert.deepStrictEqual(yield* counts, { keys: 16, work: 3, messages: 3 })
      assert.strictEqual(yield* purge(10), 10)
      assert.strictEqual(yield* purge(10), 5)
      assert.strictEqual(yield* purge(10), 0)
    })
  )

  it.effect("lets the jobs' role delete nothing younger, whatever it asks for", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const time = yield* TestTime
      yield* fill
      yield* time.passMinutes(HOUR)
      for (const table of ["idempotency", "order_work", "outbox"]) yield* asJobs(sql`delete from ${sql(table)}`)
      assert.deepStrictEqual(yield* counts, { keys: 1, work: 3, messages: 3 })
      const error = yield* Effect.flip(asJobs(sql`select answer_body from idempotency`))
      assert.strictEqual(error._tag === "SqlError" ? error.reason._tag : error._tag, "AuthorizationError")
    })
  )

  it.effect("goes on with the other kinds, and in later rounds, when one can not be deleted", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const time = yield* TestTime
      yield* fill
      yield* time.passMinutes(8 * DAY)
      yield* sql`revoke delete on idempotency from orders_jobs`
      assert.strictEqual(tagOf(yield* Effect.exit(purge(10))), "defect")
      assert.deepStrictEqual(yield* counts, { keys: 1, work: 2, messages: 2 })
      yield* sql`grant delete on idempotency to orders_jobs`
      assert.strictEqual(yield* purge(10), 1)
    })
  )

  it.effect("is a chore of every process", () =>
    Effect.gen(function* () {
      const time = yield* TestTime
      yield* fill
      yield* time.passMinutes(8 * DAY)
      yield* Layer.build(RetentionFiber.layer.pipe(Layer.provide(Health.layer(Effect.succeed([])))))
      const after = yield* counts.pipe(
        Effect.repeat({
          until: (rows) => rows?.keys === 0 && rows.messages === 2,
          schedule: Schedule.spaced("10 millis")
        })
      )
      assert.deepStrictEqual(after, { keys: 0, work: 2, messages: 2 })
    }).pipe(Effect.scoped)
  )
})
