/**
 * `orders fsck` at the end of a run: the checker that operators run, given the journals of the other services and what
 * clients were told.
 */
import * as Fsck from "@tickettoken/order-server/fsck/Fsck"
import type { Acknowledged } from "@tickettoken/order-server/fsck/Journals"
import * as SqlLayer from "@tickettoken/order-server/sql/SqlLayer"
import type { Evidence, Finding } from "@tickettoken/order-testing/chaos/Verdict"
import { Effect, type Redacted } from "effect"

/** What clients were told of orders. A status that was seen speaks of an order whose total its creation has told. */
const answersOf = ({ log }: Evidence): ReadonlyArray<Acknowledged> => {
  const totals = new Map(log.flatMap((entry) => (entry.kind === "created" ? [[entry.orderId, entry.total]] : [])))
  return log.flatMap((entry) => {
    if (entry.kind !== "created" && entry.kind !== "seen") return []
    const { orderId, status, tenantId } = entry
    const totalCents = totals.get(orderId)
    return totalCents === undefined ? [] : [{ tenantId, orderId, status, totalCents }]
  })
}

/** Every offender in this database. */
export const fsckOn =
  (url: Redacted.Redacted) =>
  (evidence: Evidence): Effect.Effect<ReadonlyArray<Finding>> =>
    Fsck.run({
      journals: { tickets: evidence.tickets, payments: evidence.payments },
      clientLog: answersOf(evidence)
    }).pipe(
      Effect.map((findings) =>
        findings.map((finding) => ({ check: finding.check, part: finding.part, line: Fsck.lineOf(finding) }))
      ),
      Effect.provide(SqlLayer.layer({ url, poolSize: 2, applicationName: "chaos-fsck" })),
      Effect.orDie
    )
