/**
 * The ports with crash points around their calls: what a test puts between the core and the ports of a process that is
 * to end in the middle of its work.
 */
import { Effect, Layer } from "effect"
import { BulkJobs } from "@tickettoken/order-domain/ports/BulkJobs"
import { IdempotencyKeys } from "@tickettoken/order-domain/ports/IdempotencyKeys"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { Outbox } from "@tickettoken/order-domain/ports/Outbox"
import { Payments } from "@tickettoken/order-domain/ports/Payments"
import { Tickets } from "@tickettoken/order-domain/ports/Tickets"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import type { ClaimedWork, WorkKind } from "@tickettoken/order-domain/Work"
import type { CrashCall } from "./crashPoints.ts"
import type { CrashedCall, CrashStops } from "./CrashStops.ts"

const workKinds: ReadonlyArray<WorkKind> = ["HOLD", "INTENT", "FINALIZE", "RELEASE", "VOID", "REFUND", "EXPIRE"]

/** A work id names its order (a refund's names the refund) and its kind: `<id>:<kind>:<number>`. */
const ofWork = (call: CrashCall, workId: string): CrashedCall => {
  const [subject = "", kind] = workId.split(":")
  return { call, subject, about: workKinds.find((known) => known === kind) ?? null }
}

const ofClaim =
  (call: CrashCall) =>
  ({ item: { orderId, work } }: ClaimedWork): CrashedCall => ({ call, about: work._tag, subject: orderId })

const store = ({ around }: CrashStops) =>
  Layer.effect(
    OrderStore,
    Effect.map(OrderStore, (inner) =>
      OrderStore.of({
        ...inner,
        create: (commit, limits) => {
          const { event, order } = commit.decision
          return around({ call: "store.create", about: event.type, subject: order.id }, inner.create(commit, limits))
        },
        commit: (commit) => {
          const { event, order } = commit.decision
          return around({ call: "store.commit", about: event.type, subject: order.id }, inner.commit(commit))
        }
      })
    )
  )

const queue = ({ around, withhold }: CrashStops) =>
  Layer.effect(
    WorkQueue,
    Effect.map(WorkQueue, (inner) =>
      WorkQueue.of({
        ...inner,
        claimDue: (limit) =>
          Effect.flatMap(inner.claimDue(limit), (items) => withhold("after", items, ofClaim("queue.claimDue"))),
        claimExpired: (limit, request) =>
          Effect.flatMap(inner.claimExpired(limit, request), (items) =>
            withhold("after", items, ofClaim("queue.claimExpired"))
          ),
        retry: (lease, delay, why) => around(ofWork("queue.retry", lease.id), inner.retry(lease, delay, why))
      })
    )
  )

const keys = ({ around }: CrashStops) =>
  Layer.effect(
    IdempotencyKeys,
    Effect.map(IdempotencyKeys, (inner) =>
      IdempotencyKeys.of({
        lookup: (claim) => around({ call: "keys.lookup", about: null, subject: claim.key }, inner.lookup(claim)),
        finish: (claim, answer) =>
          around({ call: "keys.finish", about: null, subject: claim.key }, inner.finish(claim, answer))
      })
    )
  )

const tickets = ({ around }: CrashStops) =>
  Layer.effect(
    Tickets,
    Effect.map(Tickets, (inner) =>
      Tickets.of({
        ...inner,
        hold: (call, eventId, lines, holdUntil) =>
          around(ofWork("tickets.hold", call.key), inner.hold(call, eventId, lines, holdUntil)),
        allocate: (call) => around(ofWork("tickets.allocate", call.key), inner.allocate(call)),
        release: (call, lines) => around(ofWork("tickets.release", call.key), inner.release(call, lines))
      })
    )
  )

const payments = ({ around }: CrashStops) =>
  Layer.effect(
    Payments,
    Effect.map(Payments, (inner) =>
      Payments.of({
        ...inner,
        openIntent: (request) => around(ofWork("payments.openIntent", request.key), inner.openIntent(request)),
        cancelIntent: (tenantId, intentId, key) =>
          around(ofWork("payments.cancelIntent", key), inner.cancelIntent(tenantId, intentId, key)),
        refund: (instruction) =>
          around({ call: "payments.refund", about: "REFUND", subject: instruction.orderId }, inner.refund(instruction))
      })
    )
  )

const bulk = ({ around, withhold }: CrashStops) =>
  Layer.effect(
    BulkJobs,
    Effect.map(BulkJobs, (inner) => {
      const ofJob = (call: CrashCall, { jobId }: { readonly jobId: string }): CrashedCall => ({
        call,
        about: null,
        subject: jobId
      })
      return BulkJobs.of({
        ...inner,
        open: (job) => around({ call: "bulk.open", about: null, subject: job.eventId }, inner.open(job)),
        claim: (claim) =>
          Effect.flatMap(inner.claim(claim), (leases) =>
            withhold("after", leases, (lease) => ofJob("bulk.claim", lease))
          ),
        record: (lease, outcomes) => around(ofJob("bulk.record", lease), inner.record(lease, outcomes)),
        leave: (lease) => around(ofJob("bulk.leave", lease), inner.leave(lease))
      })
    })
  )

const outbox = ({ withhold }: CrashStops) =>
  Layer.effect(
    Outbox,
    Effect.map(Outbox, (inner) =>
      Outbox.of({
        ...inner,
        sent: (leases) =>
          Effect.flatMap(
            withhold("before", leases, ({ orderId }) => ({ call: "outbox.sent", about: null, subject: orderId })),
            inner.sent
          )
      })
    )
  )

/** Decorates the ports that it needs. */
export const layer = (stops: CrashStops) =>
  Layer.mergeAll(store(stops), queue(stops), keys(stops), tickets(stops), payments(stops), bulk(stops), outbox(stops))
