/**
 * Bulk cancellations and their jobs as the command prints them.
 */
import type { BulkCancelPlan, BulkCancelResults } from "@tickettoken/order-domain/BulkCancel"
import { confirmationToken, type EventOfTenant } from "@tickettoken/order-domain/BulkConfirmation"
import type { BulkJob, CentsByCurrency } from "@tickettoken/order-domain/BulkJob"
import { Currency, format } from "@tickettoken/order-domain/Currency"
import { unsafeCents } from "@tickettoken/order-domain/Money"
import type { BulkFailuresPage } from "@tickettoken/order-domain/ports/BulkJobReads"
import { DateTime } from "effect"
import { fields, type Printable } from "./Output.ts"

export const planDetails = (event: EventOfTenant, plan: BulkCancelPlan): Printable => {
  const token = confirmationToken(event, plan)
  return {
    json: { dryRun: true, eventId: event.eventId, ...plan, confirmationToken: token },
    ...fields([
      ["orders to cancel", String(plan.orders)],
      ["holds to release", String(plan.releases)],
      ["refunds to make", String(plan.refunds)],
      ["to return", moneyOf(plan.refundCents)],
      ["confirmation", token]
    ]),
    note: "dry run: nothing was changed"
  }
}

/** Money, currency by currency, as "233.38 USD, 90.00 EUR". */
export const moneyOf = (cents: CentsByCurrency): string => {
  const amounts = Currency.literals.flatMap((currency) => {
    const amount = cents[currency]
    return amount === undefined ? [] : [format(unsafeCents(amount), currency)]
  })
  return amounts.length === 0 ? "nothing" : amounts.join(", ")
}

export const bulkDetails = ({ eventId, id }: BulkJob, results: BulkCancelResults): Printable => ({
  json: { eventId, jobId: id, ...results },
  header: ["ORDER", "NUMBER", "RESULT"],
  rows: [
    ...results.errors.map(({ error, orderId, orderNumber }) => [orderId, orderNumber, `failed: ${error}`]),
    ["total", String(results.total), `${results.succeeded} cancelled, ${results.failed} failed`]
  ]
})

const jobJson = (job: BulkJob) => {
  const { refundCents, ...results } = job.tally
  return {
    id: job.id,
    kind: job.kind,
    eventId: job.eventId,
    reason: job.reason,
    state: job.state,
    results,
    refundCents,
    createdAt: DateTime.formatIso(job.createdAt),
    finishedAt: job.finishedAt === null ? null : DateTime.formatIso(job.finishedAt)
  }
}

export const jobTable = (jobs: ReadonlyArray<BulkJob>): Printable => ({
  json: { jobs: jobs.map(jobJson) },
  header: ["JOB", "KIND", "EVENT", "STATE", "DONE", "FAILED", "CREATED"],
  rows: jobs.map(({ createdAt, eventId, id, kind, state, tally }) => [
    id,
    kind,
    eventId,
    state,
    `${tally.succeeded} of ${tally.total}`,
    String(tally.failed),
    DateTime.formatIso(createdAt)
  ]),
  note: jobs.length === 0 ? "no bulk jobs" : undefined
})

export const jobDetails = (job: BulkJob, { failures, next }: BulkFailuresPage): Printable => ({
  json: { ...jobJson(job), failures, nextFailure: next },
  ...fields([
    ["job", job.id],
    ["kind", job.kind],
    ["event", job.eventId],
    ["reason", job.reason],
    ["asked for by", `${job.actor.kind}:${job.actor.id}`],
    ["state", job.state],
    ["orders met", String(job.tally.total)],
    ["succeeded", String(job.tally.succeeded)],
    ["failed", String(job.tally.failed)],
    ["to be done", String(job.tally.pending)],
    ["returned", moneyOf(job.tally.refundCents)],
    ...failures.map(
      ({ attempts, error, orderNumber, state }) =>
        [orderNumber, state === "OPEN" ? `tried ${attempts} times: ${error}` : `failed: ${error}`] as const
    )
  ]),
  note: next === null ? undefined : `more failures: --after ${next}`
})
