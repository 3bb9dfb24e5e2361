/**
 * `orders fsck`: whether everything that must be true of orders is true. One implementation for tests, the command line
 * and monitoring.
 *
 * **Details**
 *
 * `run` looks and answers the offenders; nothing is written. Checks read as the role `orders_auditor`, across tenants,
 * each order from one snapshot: what is about single orders is looked at page by page of them, the rest with one
 * statement. Given journals of the other services, what clients were answered or
 * what was published, orders are compared with those too; a check whose evidence is not given is *not checked*, which is
 * no pass: `inspect` says which. So it is with a check that took too long, which leaves the others their results.
 *
 * **Gotchas**
 *
 * While orders are moving, a comparison with a journal that was read at another moment accuses the innocent:
 * `quietSeconds` leaves out orders that changed a moment ago. After a run that has come to rest it is 0.
 */
import type { InvariantId } from "@tickettoken/order-domain/Invariants"
import { invariants } from "@tickettoken/order-domain/Invariants"
import type { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { isStatementTimeout, orUnavailable, tooSlow } from "../sql/sqlFailures.ts"
import { asAuditor } from "../sql/TenantTransaction.ts"
import { chainCheck } from "./AuditChain.ts"
import { type Check, FINDINGS_PER_CHECK_MAX, type Finding, type Offender, own, type Scope } from "./Check.ts"
import { databaseChecks } from "./DatabaseChecks.ts"
import { historyChecks } from "./HistoryChecks.ts"
import type { Acknowledged, CapturedMessage, Journals } from "./Journals.ts"
import { moneyChecks } from "./MoneyChecks.ts"
import * as Payment from "./PaymentJournal.ts"
import { quotaChecks } from "./QuotaChecks.ts"
import { salesChecks } from "./SalesChecks.ts"
import * as Ticket from "./TicketJournal.ts"
import * as Witness from "./WitnessChecks.ts"
import { workChecks } from "./WorkChecks.ts"

export type { Finding } from "./Check.ts"

/** What to look at, and what to compare it with. */
export interface FsckOptions {
  /** Only these invariants. Default: all. */
  readonly only?: ReadonlyArray<InvariantId> | undefined
  /** Only this tenant's orders. Default: everybody's. */
  readonly tenantId?: string | undefined
  /** Only checks that are cheap enough for every few minutes; then no journals. */
  readonly cheap?: boolean | undefined
  readonly journals?: Journals | undefined
  /** What clients were answered (I15). */
  readonly clientLog?: ReadonlyArray<Acknowledged> | undefined
  /** What a consumer got from the bus (I19). */
  readonly captured?: ReadonlyArray<CapturedMessage> | undefined
  /** Nobody is at work, so nothing may be held. Default: false. */
  readonly atRest?: boolean | undefined
  /** Orders that changed within this are left out of comparisons with journals. Default: 0. */
  readonly quietSeconds?: number | undefined
}

/** How one check has ended. */
export interface CheckResult {
  readonly check: InvariantId
  readonly part: string
  /** Why it was not done; `null` where it was. */
  readonly notChecked: string | null
  /** It was not done because the database took too long over it: nobody knows what it would have found. */
  readonly isTimedOut: boolean
  readonly findings: ReadonlyArray<Finding>
}

/** Checks that need nothing but the database. */
export const databaseOnly: ReadonlyArray<Check> = [
  ...moneyChecks,
  ...historyChecks,
  chainCheck,
  ...workChecks,
  ...quotaChecks,
  ...salesChecks,
  ...databaseChecks
]

/** A check that compares with what others say. */
export interface Comparison {
  readonly id: InvariantId
  readonly part: string
  /** What it needs, in words. */
  readonly needs: string
  readonly find: (
    options: FsckOptions,
    scope: Scope
  ) => Effect.Effect<ReadonlyArray<Offender>, ServiceUnavailable, SqlClient.SqlClient> | null
}

const read = <Row extends object>(statement: string, tenantId: string | null) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => asAuditor(sql.unsafe<Row>(statement, [tenantId]))).pipe(orUnavailable)

const inScope =
  ({ tenantId }: Scope) =>
  (of: { readonly tenantId: string | null }): boolean =>
    tenantId === null || of.tenantId === tenantId

/** Orders between two of their steps: what they have here and there differs rightly. */
const busyOrders = Effect.fnUntraced(function* ({ quietSeconds = 0 }: FsckOptions, { tenantId }: Scope) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* asAuditor(
    sql.unsafe<{ tenant_id: string; order_id: string }>(
      `select distinct k.tenant_id, k.order_id from order_work k
        where ${own("k")} and k.state <> 'DONE' and k.kind in ('HOLD', 'INTENT', 'FINALIZE', 'RELEASE', 'VOID', 'EXPIRE')
        union select o.tenant_id, o.id from orders o
        where ${own("o")} and $2::int > 0 and o.updated_at > clock_timestamp() - $2::int * interval '1 second'`,
      [tenantId, quietSeconds]
    )
  )
  return new Set(rows.map((row) => Ticket.orderKey({ tenantId: row.tenant_id, orderId: row.order_id })))
}, orUnavailable)

const ticketComparison = (
  id: InvariantId,
  part: string,
  find: (
    given: Ticket.GivenAway,
    options: FsckOptions,
    scope: Scope
  ) => Effect.Effect<ReadonlyArray<Offender>, ServiceUnavailable, SqlClient.SqlClient>
): Comparison => ({
  id,
  part,
  needs: "the journal of the ticket service",
  find: (options, scope) => {
    const facts = options.journals?.tickets
    return facts === undefined
      ? null
      : Effect.map(find(Ticket.giveAway(facts), options, scope), (found) => found.filter(inScope(scope)))
  }
})

const paymentComparison = (
  id: InvariantId,
  part: string,
  find: (
    moved: Payment.Moved,
    options: FsckOptions,
    scope: Scope
  ) => Effect.Effect<ReadonlyArray<Offender>, ServiceUnavailable, SqlClient.SqlClient>
): Comparison => ({
  id,
  part,
  needs: "the journal of the payment service",
  find: (options, scope) => {
    const facts = options.journals?.payments?.filter(inScope(scope))
    return facts === undefined ? null : find(Payment.moveMoney(facts), options, scope)
  }
})

/** How many orders of the clients' log are looked up with one statement. */
const ACKNOWLEDGED_CHUNK = 1_000

const lookUpAcknowledged = Effect.fnUntraced(function* (answers: ReadonlyArray<Acknowledged>) {
  const sql = yield* SqlClient.SqlClient
  const ids = [...new Set(answers.map(({ orderId }) => orderId))]
  const chunks = Array.from({ length: Math.ceil(ids.length / ACKNOWLEDGED_CHUNK) }, (_, at) =>
    ids.slice(at * ACKNOWLEDGED_CHUNK, (at + 1) * ACKNOWLEDGED_CHUNK)
  )
  const rows = yield* Effect.forEach(chunks, (chunk) =>
    asAuditor(sql.unsafe<Witness.AcknowledgedRow>(Witness.acknowledgedStatement, [chunk]))
  )
  return Witness.compareAcknowledged(answers, rows.flat())
}, orUnavailable)

/** Checks that compare orders with what others say. */
export const comparisons: ReadonlyArray<Comparison> = [
  ticketComparison("I08", "tickets", (given, options, scope) =>
    Effect.gen(function* () {
      const rows = yield* read<Ticket.WantedRow>(Ticket.wantedStatement, scope.tenantId)
      const busy = yield* busyOrders(options, scope)
      return Ticket.compareTickets(given, rows, (key) => busy.has(key))
    })
  ),
  ticketComparison("I09", "capacity", (given) => Effect.succeed(Ticket.overCapacity(given))),
  ticketComparison("I12", "tickets", ({ twice }) => Effect.succeed(twice)),
  paymentComparison("I10", "payments", (moved, options, scope) =>
    Effect.gen(function* () {
      const rows = yield* read<Payment.PaymentRow>(Payment.paymentsStatement, scope.tenantId)
      const orders = yield* read<Payment.OrderRow>(Payment.ordersStatement, scope.tenantId)
      const busy = yield* busyOrders(options, scope)
      const payable = new Set(orders.filter((row) => row.is_payable).map(keyOfRow))
      return Payment.comparePayments(
        moved,
        rows,
        (of) => busy.has(Ticket.orderKey(of)) || payable.has(Ticket.orderKey(of))
      )
    })
  ),
  paymentComparison("I11", "returned", (moved, _options, scope) =>
    Effect.map(read<Payment.RefundRow>(Payment.refundsStatement, scope.tenantId), (rows) =>
      Payment.compareRefunds(moved, rows)
    )
  ),
  paymentComparison("I12", "payments", ({ twice }) => Effect.succeed(twice)),
  paymentComparison("I22", "intent", (moved, options, scope) =>
    Effect.gen(function* () {
      const orders = yield* read<Payment.OrderRow>(Payment.ordersStatement, scope.tenantId)
      const busy = yield* busyOrders(options, scope)
      const isOver = new Map(orders.map((row) => [keyOfRow(row), row.is_over]))
      return Payment.openIntents(moved, (of) => {
        const over = isOver.get(Ticket.orderKey(of))
        if (over === undefined) return "unknown"
        return over && !busy.has(Ticket.orderKey(of)) ? "over" : "live"
      })
    })
  ),
  {
    id: "I15",
    part: "answers",
    needs: "what clients were answered",
    find: ({ clientLog }, scope) =>
      clientLog === undefined ? null : lookUpAcknowledged(clientLog.filter(inScope(scope)))
  },
  {
    id: "I19",
    part: "messages",
    needs: "what was published",
    find: ({ captured }, scope) =>
      captured === undefined ? null : Effect.succeed(Witness.outOfOrder(captured.filter(inScope(scope))))
  }
]

const keyOfRow = (row: { readonly tenant_id: string; readonly order_id: string }): string =>
  Ticket.orderKey({ tenantId: row.tenant_id, orderId: row.order_id })

const resultOf = (
  { id, part }: Pick<Check, "id" | "part">,
  offenders: ReadonlyArray<Offender>,
  notChecked: string | null = null
): CheckResult => ({
  check: id,
  part,
  notChecked,
  isTimedOut: false,
  findings: offenders.slice(0, FINDINGS_PER_CHECK_MAX).map((offender) => ({ check: id, part, ...offender }))
})

/** One check that the database gives up on costs its own result and not those of the others. */
const outcomeOf = <R>(
  check: Pick<Check, "id" | "part">,
  found: Effect.Effect<ReadonlyArray<Offender>, ServiceUnavailable, R>
): Effect.Effect<CheckResult, ServiceUnavailable, R> =>
  Effect.map(found, (offenders) => resultOf(check, offenders)).pipe(
    Effect.catchIf(isStatementTimeout, ({ why }) =>
      Effect.succeed({ ...resultOf(check, [], `because ${why}`), isTimedOut: true })
    )
  )

/** Every check with its outcome, also those that were not done and why. Fails with `ServiceUnavailable`. */
export const inspect = Effect.fn("Fsck.inspect")(function* (
  options: FsckOptions = {}
): Effect.fn.Return<ReadonlyArray<CheckResult>, ServiceUnavailable, SqlClient.SqlClient> {
  const scope: Scope = { tenantId: options.tenantId ?? null, atRest: options.atRest ?? false }
  const isAsked = ({ id }: Pick<Check, "id">): boolean => options.only === undefined || options.only.includes(id)
  const here = databaseOnly.filter((check) => isAsked(check) && (options.cheap !== true || check.cheap))
  const there = options.cheap === true ? [] : comparisons.filter(isAsked)
  const looked = yield* Effect.forEach(here, (check) => outcomeOf(check, check.find(scope)))
  const compared = yield* Effect.forEach(there, (comparison) => {
    const found = comparison.find(options, scope)
    return found === null
      ? Effect.succeed(resultOf(comparison, [], `without ${comparison.needs}`))
      : outcomeOf(comparison, found)
  })
  return [...looked, ...compared]
})

/**
 * Every offender. A check without its evidence finds none: `inspect` tells it from a pass. Fails with
 * `ServiceUnavailable`, also where one check took too long.
 */
export const run = (
  options: FsckOptions = {}
): Effect.Effect<ReadonlyArray<Finding>, ServiceUnavailable, SqlClient.SqlClient> =>
  Effect.flatMap(inspect(options), (results) =>
    results.some(({ isTimedOut }) => isTimedOut)
      ? Effect.fail(tooSlow())
      : Effect.succeed(results.flatMap(({ findings }) => findings))
  )

/** A finding as one line, for logs and assertions. */
export const lineOf = ({ check, detail, orderId, part, subject, tenantId }: Finding): string =>
  [`${check} ${part}:`, tenantId, orderId, subject, detail].filter((text) => text !== null).join(" ") +
  ` (${invariants[check]})`
