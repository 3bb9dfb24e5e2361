/** Alarms are raised from what stands in the database, and end with it; and chores that one replica does for all. */
import { assert, layer } from "@effect/vitest"
import { nobody } from "@tickettoken/order-domain/InboundMessage"
import { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import { Inbox } from "@tickettoken/order-domain/ports/Inbox"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { alarmOf } from "@tickettoken/order-domain/workflows/SettleDelivery"
import { Health } from "@tickettoken/order-server/http/Health"
import * as AlarmFiber from "@tickettoken/order-server/jobs/AlarmFiber"
import { onceFor, slotOf } from "@tickettoken/order-server/sql/ChoreSlots"
import { purge } from "@tickettoken/order-server/sql/RetentionSql"
import {
  create,
  createConfirmed,
  createPayable,
  leaseOf,
  reload,
  send
} from "@tickettoken/order-testing/contracts/storeFixture"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { freshBuyer, randomUuid } from "@tickettoken/order-testing/TestOrders"
import { cancelAs, captureOwn } from "@tickettoken/order-testing/TestOrdersNews"
import type { Order } from "@tickettoken/order-domain/Order"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { Duration, Effect, Layer, Logger, Metric, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { layerStore } from "./database.ts"

/** Open alarms of the tenant, as kind and subject in one text, sorted. */
const open = Effect.fnUntraced(function* ({ tenantId }: Pick<Order, "tenantId">) {
  const { list } = yield* Alarms
  const kept = yield* list({ tenantId, kind: null, cleared: false, limit: 100 })
  return kept.map(({ alarm }) => `${alarm.kind} ${alarm.subject}`).toSorted()
})

/** A message that is received now, by the tenant. */
const receive = Effect.fnUntraced(function* (tenantId: Order["tenantId"]) {
  const inbox = yield* Inbox
  const messageId = yield* randomUuid
  const message = {
    tenantId,
    source: "payment-service",
    messageId,
    type: "payment.succeeded",
    body: "{}",
    bytes: 2,
    traceparent: null
  }
  return (yield* inbox.receive(message)) ?? (yield* Effect.die(new Error("the message is known")))
})

/** Open alarms about messages, of every tenant and of the installation, as details by what names them. */
const aboutMessages = Effect.gen(function* () {
  const { list } = yield* Alarms
  const kept = yield* list({ tenantId: null, kind: "MESSAGE_DEAD", cleared: false, limit: 100 })
  return kept.map(({ alarm: { detail, subject, tenantId } }) => ({ tenantId, subject, detail }))
})

layer(layerStore, { excludeTestServices: true, timeout: "300 seconds" })("alarms", (it) => {
  it.effect("tell of compensations that are not done 15 minutes after they were asked for, until they are", () =>
    Effect.gen(function* () {
      const time = yield* TestTime
      const queue = yield* WorkQueue
      const buyer = yield* freshBuyer
      const payable = yield* createPayable(buyer)
      const cancelled = yield* send(payable, cancelAs(payable, "buyer"))
      const confirmed = yield* createConfirmed(buyer)
      const returned = yield* send(confirmed, cancelAs(confirmed, "organiser"))
      const kinds = (work: typeof cancelled.work) => work.map(({ item }) => item.work._tag).toSorted()
      assert.deepStrictEqual(kinds(cancelled.work), ["RELEASE", "VOID"])
      assert.deepStrictEqual(kinds(returned.work), ["REFUND", "RELEASE"])
      // Work of setting up is no compensation, however late.
      yield* create(buyer)
      yield* time.passMinutes(14)
      yield* AlarmFiber.lookForAlarms
      assert.deepStrictEqual(yield* open(buyer), [])
      yield* time.passMinutes(1)
      yield* AlarmFiber.lookForAlarms
      const overdue = [...cancelled.work, ...returned.work].map(({ item }) => `COMPENSATION_OVERDUE ${item.id}`)
      assert.deepStrictEqual(yield* open(buyer), overdue.toSorted())
      // Somebody else has taken it up meanwhile.
      yield* queue.settle(leaseOf(returned.work, "RELEASE"))
      yield* AlarmFiber.lookForAlarms
      assert.deepStrictEqual(
        yield* open(buyer),
        overdue.filter((line) => !line.endsWith(leaseOf(returned.work, "RELEASE").id)).toSorted()
      )
    })
  )

  it.effect("tell of work that nobody can read, until somebody has mended it", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const queue = yield* WorkQueue
      const buyer = yield* freshBuyer
      const { work } = yield* create(buyer)
      const { id } = leaseOf(work, "HOLD")
      const asOwner = (text: string) =>
        sql.withTransaction(Effect.andThen(sql`set local session_replication_role = replica`, sql.unsafe(text, [id])))
      yield* asOwner(`update order_work set payload = '{"_tag": "NOTHING"}', lease_until = now() where id = $1`)
      yield* queue.claimDue(1_000)
      yield* AlarmFiber.lookForAlarms
      assert.deepStrictEqual(yield* open(buyer), [`WORK_UNREADABLE ${id}`])
      yield* asOwner("update order_work set state = 'DONE', lease_until = null where id = $1")
      yield* AlarmFiber.lookForAlarms
      assert.deepStrictEqual(yield* open(buyer), [])
    })
  )

  it.effect("3.7 tell of late money under the policy `review`, until its refund is approved or rejected", () =>
    Effect.gen(function* () {
      const time = yield* TestTime
      const buyer = yield* freshBuyer
      const payable = yield* createPayable(buyer, { terms: { latePayment: "review" } })
      yield* time.passMinutes(20)
      const { order: expired } = yield* send(
        yield* reload(payable),
        OrderCommand.Expire({ reason: "late", intentClosed: true })
      )
      const { order: paid } = yield* send(expired, captureOwn(expired))
      const [refund] = paid.refunds
      assert.strictEqual(refund?.state, "PENDING")
      if (refund === undefined) return
      yield* AlarmFiber.lookForAlarms
      assert.deepStrictEqual(yield* open(buyer), [`PAYMENT_REVIEW ${refund.id}`])
      yield* send(paid, OrderCommand.RejectRefund({ refundId: refund.id, reason: "it was ours" }))
      yield* AlarmFiber.lookForAlarms
      assert.deepStrictEqual(yield* open(buyer), [])
    })
  )

  it.effect("about refused work end with the work, also when the one who did it could not say so", () =>
    Effect.gen(function* () {
      const { raise } = yield* Alarms
      const queue = yield* WorkQueue
      const buyer = yield* freshBuyer
      const { work } = yield* create(buyer)
      const lease = leaseOf(work, "HOLD")
      yield* raise({ kind: "WORK_REFUSED", tenantId: buyer.tenantId, subject: lease.id, detail: "no" })
      yield* AlarmFiber.lookForAlarms
      assert.deepStrictEqual(yield* open(buyer), [`WORK_REFUSED ${lease.id}`])
      yield* queue.settle(lease)
      yield* AlarmFiber.lookForAlarms
      assert.deepStrictEqual(yield* open(buyer), [])
    })
  )

  it.effect("tell of messages that nobody has handled for 15 minutes, until somebody has", () =>
    Effect.gen(function* () {
      const { claimDue, end, retry } = yield* Inbox
      const time = yield* TestTime
      const { tenantId } = yield* freshBuyer
      const { lease } = yield* receive(tenantId)
      yield* retry(lease, { delay: Duration.zero, why: "payments is not available", isTry: false })
      yield* time.passMinutes(14)
      yield* AlarmFiber.lookForAlarms
      assert.deepStrictEqual(yield* aboutMessages, [])
      yield* time.passMinutes(1)
      yield* AlarmFiber.lookForAlarms
      const { kind: _, ...named } = alarmOf(lease)
      const detail = "a payment.succeeded message has not been handled for 15 minutes: payments is not available"
      assert.deepStrictEqual(yield* aboutMessages, [{ ...named, detail }])
      const [again] = yield* claimDue(1)
      assert.strictEqual(again?.lease.messageId, lease.messageId)
      if (again === undefined) return
      yield* end(again.lease, { _tag: "Unchanged" })
      yield* AlarmFiber.lookForAlarms
      assert.deepStrictEqual(yield* aboutMessages, [])
    })
  )

  it.effect("tell of messages that were set aside, raised by nobody else or not, until they are forgotten", () =>
    Effect.gen(function* () {
      const { end } = yield* Inbox
      const time = yield* TestTime
      const { lease } = yield* receive(nobody)
      yield* end(lease, { _tag: "Dead", why: "no such order" })
      yield* AlarmFiber.lookForAlarms
      const subject = `payment-service#${lease.messageId}`
      const detail = "a payment.succeeded message could not be handled: no such order"
      assert.deepStrictEqual(yield* aboutMessages, [{ tenantId: null, subject, detail }])
      yield* time.passMinutes(30 * 24 * 60)
      yield* AlarmFiber.lookForAlarms
      assert.strictEqual((yield* aboutMessages).length, 1)
      yield* purge(1_000)
      yield* AlarmFiber.lookForAlarms
      assert.deepStrictEqual(yield* aboutMessages, [])
    })
  )

  it.effect("about messages end when the one who set them aside lost its lease, or who took them up again died", () =>
    Effect.gen(function* () {
      const { end, revive } = yield* Inbox
      const { raise } = yield* Alarms
      const { tenantId } = yield* freshBuyer
      const taken = yield* receive(tenantId)
      const revived = yield* receive(tenantId)
      yield* end(revived.lease, { _tag: "Dead", why: "no such order" })
      for (const { lease } of [taken, revived]) yield* raise({ ...alarmOf(lease), detail: "it could not be handled" })
      assert.strictEqual((yield* aboutMessages).length, 2)
      yield* revive({ tenantId, messageId: revived.lease.messageId, since: null, limit: 1 })
      yield* AlarmFiber.lookForAlarms
      assert.deepStrictEqual(yield* aboutMessages, [])
    })
  )

  it.effect("are told once in the log, as one error line, and counted in a gauge by kind", () =>
    Effect.gen(function* () {
      const { raise } = yield* Alarms
      const lines: Array<string> = []
      const capture = Logger.make(({ logLevel, message }) => lines.push(`${logLevel} ${String(message)}`))
      const alarm = { kind: "OUTBOX_STUCK", tenantId: null, subject: yield* randomUuid, detail: "it waits" } as const
      yield* Effect.andThen(raise(alarm), raise(alarm)).pipe(Effect.provide(Logger.layer([capture])))
      assert.deepStrictEqual(lines, [`Error alarm OUTBOX_STUCK of ${alarm.subject}: it waits`])
      yield* Layer.build(AlarmFiber.layer.pipe(Layer.provide(Health.layer(Effect.succeed([])))))
      const gauges = Effect.map(Metric.snapshot, (all) =>
        all.filter(
          ({ attributes, id }) => id === "order_service_alarms_open" && attributes?.["kind"] === "OUTBOX_STUCK"
        )
      )
      const [gauge] = yield* gauges.pipe(
        Effect.repeat({ until: (all) => all.length > 0, schedule: Schedule.spaced("20 millis") })
      )
      assert.deepStrictEqual(gauge?.state, { value: 1 })
    }).pipe(Effect.scoped)
  )

  it.effect("that are over are forgotten after 90 days, open ones never", () =>
    Effect.gen(function* () {
      const { clear, list, raise } = yield* Alarms
      const time = yield* TestTime
      const { tenantId } = yield* freshBuyer
      const [over, standing] = [yield* randomUuid, yield* randomUuid]
      for (const subject of [over, standing]) yield* raise({ kind: "BULK_FAILED", tenantId, subject, detail: "" })
      yield* clear({ kind: "BULK_FAILED", tenantId, subject: over })
      const left = Effect.map(list({ tenantId, kind: null, cleared: true, limit: 10 }), (kept) =>
        kept.map(({ alarm }) => alarm.subject)
      )
      yield* time.passMinutes(90 * 24 * 60 - 10)
      yield* purge(1_000)
      assert.deepStrictEqual(yield* left, [standing, over])
      yield* time.passMinutes(10)
      yield* purge(1_000)
      assert.deepStrictEqual(yield* left, [standing])
    })
  )
})

layer(layerStore, { excludeTestServices: true, timeout: "300 seconds" })("a chore's slot", (it) => {
  it.effect("is given to one of all that ask at once, and to nobody afterwards", () =>
    Effect.gen(function* () {
      const name = yield* randomUuid
      const asked = Effect.all(
        Array.from({ length: 12 }, () => onceFor(name, "1")),
        { concurrency: "unbounded" }
      )
      assert.strictEqual((yield* asked).filter((mine) => mine).length, 1)
      assert.strictEqual((yield* asked).filter((mine) => mine).length, 0)
      assert.isTrue(yield* onceFor(name, "2"))
      assert.isTrue(yield* onceFor(yield* randomUuid, "1"))
    })
  )

  it.effect("is named by the database's clock, and forgotten after a day", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const time = yield* TestTime
      const year = Duration.days(3_650)
      assert.strictEqual(yield* slotOf(year), yield* slotOf(year))
      assert.notStrictEqual(yield* slotOf(year), yield* slotOf(Duration.days(1)))
      const name = yield* randomUuid
      yield* onceFor(name, "1")
      yield* time.passMinutes(25 * 60)
      yield* onceFor(name, "2")
      const kept = yield* sql`select slot from chore_slots where name = ${name}`
      assert.deepStrictEqual(kept, [{ slot: "2" }])
    })
  )
})
