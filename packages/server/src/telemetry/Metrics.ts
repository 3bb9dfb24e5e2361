/**
 * Every metric that this service has: the catalogue that /metrics, the alert rules, the dashboard and the documentation
 * are written from and checked against. The original specification's names come first.
 *
 * Amounts are minor units of their currency. Durations are seconds. What a replica counts is what it has itself done
 * since it started: sums over replicas are the sums of the installation, and the database has the truth.
 */
import { Currency } from "@tickettoken/order-domain/Currency"
import { CancelCause, OrderStatus } from "@tickettoken/order-domain/Order"
import { type InvariantId, invariantIds } from "@tickettoken/order-domain/Invariants"
import { AlarmKind } from "@tickettoken/order-domain/ports/Alarms"
import type { WorkKind } from "@tickettoken/order-domain/Work"
import { Effect, Layer } from "effect"
import { type CircuitName, circuitNames } from "../clients/CircuitName.ts"
import { counter, durations, gauge, type Instrument, type MetricInfo } from "./Instrument.ts"

const currency = Currency.literals

export const workKinds = [
  "HOLD",
  "INTENT",
  "FINALIZE",
  "RELEASE",
  "VOID",
  "REFUND",
  "EXPIRE"
] as const satisfies ReadonlyArray<WorkKind>

/** The same as an id of work tells it. */
const leasedKinds: ReadonlyArray<string> = workKinds

/** What requests ask for, as the operations of the original specification. Reading is one of them. */
export const operations = [
  "create",
  "reserve",
  "confirm",
  "cancel",
  "refund",
  "expire",
  "bulk_cancel",
  "quote",
  "read",
  "other"
] as const
export type Operation = (typeof operations)[number]

const methods: ReadonlyArray<string> = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]

/** What people do, and what addresses are limited in. */
export const limitNames = ["create", "reserve", "cancel", "refund", "address", "bad_credentials"] as const

const statusClasses: ReadonlyArray<string> = ["1xx", "2xx", "3xx", "4xx", "5xx"]

const services: ReadonlyArray<string> = ["tickets", "payments", "events"]

/** Orders: counted where a change commits. */
export const orders = {
  created: counter("order_service_orders_created_total", "Orders created", { currency }),
  confirmed: counter("order_service_orders_confirmed_total", "Orders confirmed: paid, or free, with their tickets", {
    currency
  }),
  completed: counter("order_service_orders_completed_total", "Orders completed at the end of their event", {}),
  cancelled: counter("order_service_orders_cancelled_total", "Orders cancelled, by cause", {
    cause: CancelCause.literals
  }),
  expired: counter("order_service_reservation_expires_total", "Orders whose hold ran out unpaid", {}),
  refundsProcessed: counter("order_service_refunds_processed_total", "Refunds that have reached this state", {
    state: ["PENDING", "APPROVED", "REJECTED", "PROCESSING", "COMPLETED", "FAILED"]
  }),
  refunded: counter("order_service_refunded_total", "Money returned to buyers, in minor units", { currency }),
  revenue: counter("order_service_revenue_total", "Totals of confirmed orders, in minor units", { currency }),
  fees: counter("order_service_fees_total", "Fees and tax in the totals of confirmed orders, in minor units", {
    currency,
    part: ["platform", "processing", "tax"]
  }),
  refusedForQuota: counter("order_service_orders_over_quota_total", "Orders refused because of a buyer's quota", {
    quota: ["createdLast24h", "activeForEvent"]
  }),
  unusualPayments: counter("order_service_unusual_payments_total", "Payments that came late or unasked for", {
    kind: ["late", "late_refunded", "unexpected"]
  }),
  reservationSeconds: durations(
    "order_service_reservation_duration_seconds",
    "How long stock was held for an order until this became of it",
    { outcome: ["confirmed", "cancelled", "expired"] }
  ),
  processingSeconds: durations(
    "order_service_processing_duration_seconds",
    "From the capture of the money to the confirmation of the order",
    {}
  )
} as const

/** Work: external effects that are rows first. RELEASE, VOID and REFUND are the compensations. */
export const work = {
  asked: counter("order_service_work_asked_total", "Work that orders have asked for; RELEASE, VOID and REFUND undo", {
    kind: workKinds
  }),
  claimed: counter("order_service_work_claimed_total", "Left-over work that the sweeper has taken up", {
    kind: workKinds
  }),
  done: counter("order_service_work_done_total", "Work that is done", { kind: leasedKinds }),
  retried: counter("order_service_work_retries_total", "Work given back to be tried again later", {
    kind: leasedKinds
  }),
  lost: counter(
    "order_service_work_leases_lost_total",
    "Late results that were dropped: somebody else had the work",
    {}
  ),
  open: gauge("order_service_work_open", "Work that is not done, in the whole installation", { kind: workKinds }),
  oldest: gauge("order_service_work_oldest_seconds", "Age of the oldest work that is not done", { kind: workKinds }),
  outboxBacklog: gauge("order_service_outbox_backlog", "Messages that are not sent, in the whole installation", {}),
  outboxOldest: gauge(
    "order_service_outbox_oldest_seconds",
    "Age of the oldest message that is not sent, where a relay runs",
    {}
  )
} as const

/** How sales have gone in the last 24 hours, of all tenants together; docs/analytics.md says what each means. */
export const sales = {
  orders: gauge("order_service_recent_orders", "Orders created in the last 24 hours, by how they stand now", {
    status: OrderStatus.literals
  }),
  rates: gauge(
    "order_service_recent_rate_basis_points",
    "What became of the orders created in the last 24 hours, of 10 000; NaN where there is none",
    { rate: ["conversion", "cancellation", "expiry", "refund"] }
  ),
  averageOrder: gauge(
    "order_service_recent_average_order_value",
    "Mean total of the orders confirmed in the last 24 hours, in minor units; NaN where there is none",
    { currency }
  ),
  holdToPay: gauge(
    "order_service_recent_hold_to_pay_seconds",
    "Mean time from creation to payment of the orders created in the last 24 hours; NaN where there is none",
    {}
  ),
  oldestUncounted: gauge(
    "order_service_sales_uncounted_oldest_seconds",
    "Age of the oldest change that is not in the sales figures, as a round of counting has left it",
    {}
  )
} as const

/** Messages: ours to the bus, and those of others to us. */
export const messages = {
  published: counter(
    "order_service_messages_published_total",
    "Messages given to the bus, by its answer: `returned` is wanted by nobody, `refused` is a negative confirm",
    { outcome: ["confirmed", "returned", "refused", "unconfirmed"] }
  ),
  delivered: counter(
    "order_service_messages_delivered_total",
    "Messages that the bus has handed to us, by our answer; `broken` is a bug",
    { answer: ["ack", "later", "reject", "broken"] }
  ),
  deadLettered: counter(
    "order_service_messages_dead_lettered_total",
    "Messages that the bus hands out no more, and that were set aside",
    {}
  ),
  consumed: counter(
    "order_service_messages_consumed_total",
    "Messages of other services: `new` or `known` when they came, and what then came of them",
    { outcome: ["new", "known", "changed", "unchanged", "retried", "dead"] }
  ),
  busDown: gauge("order_service_bus_down", "Whether the bus can not be used by this replica, 1 or 0", {
    direction: ["publishing", "consuming"]
  })
} as const

/** Matters for people. */
const alarms = {
  broken: gauge("order_service_invariant_breaks", "Whether a check of orders fsck finds offenders, by invariant", {
    check: invariantIds
  }),
  open: gauge("order_service_alarms_open", "Alarms that are open, of all tenants together", {
    kind: AlarmKind.literals
  })
} as const

/** How many alarms of the kind are open. */
export const setAlarmsOpen = (kind: AlarmKind, count: number): Effect.Effect<void> =>
  alarms.open.record(count, { kind })

/** Whether the invariant is broken. */
export const setInvariantBroken = (check: InvariantId, isBroken: boolean): Effect.Effect<void> =>
  alarms.broken.record(isBroken ? 1 : 0, { check })

/** Jobs that every replica runs. */
export const jobs = {
  rounds: counter("order_service_job_rounds_total", "Rounds of a job", {
    job: null,
    outcome: ["succeeded", "failed"]
  }),
  items: counter("order_service_job_items_total", "Orders, work or rows that a job has taken up", { job: null }),
  lastSuccess: gauge("order_service_job_last_success_timestamp_seconds", "When a job's last good round ended", {
    job: null
  })
} as const

/** Requests, by what was asked for. */
export const http = {
  requests: counter("order_service_http_requests_total", "Requests answered, by the template of their route", {
    route: null,
    method: methods,
    status: statusClasses
  }),
  refusals: counter(
    "order_service_http_refusals_total",
    "Requests refused for how they arrived: 408 too slow, 413 and 431 too long",
    {
      status: ["400", "408", "413", "417", "431"]
    }
  ),
  seconds: durations("order_service_http_request_duration_seconds", "Time to answer a request", {
    status: statusClasses
  }),
  inFlight: gauge("order_service_http_requests_in_flight", "Requests that are being answered now", {}),
  operationSeconds: durations("order_service_operation_duration_seconds", "Time to answer a request, by operation", {
    operation: operations
  })
} as const

/** Rate limits, as this replica has applied them. */
export const rateLimits = {
  decisions: counter("order_service_rate_limit_decisions_total", "Requests that a rate limit was asked about", {
    limit: limitNames,
    outcome: ["allowed", "refused"]
  })
} as const

/** What Redis is asked for. Each of them does without it, in its own way. */
const redisUses = ["rate_limits", "circuits", "locks"] as const
export type RedisUse = (typeof redisUses)[number]

export const redis = {
  away: gauge(
    "order_service_redis_away",
    "Whether Redis is away, 1 or 0: while it is, this replica counts rate limits alone at half the rate, knows its own circuits only, and takes no locks",
    { use: redisUses }
  )
} as const

/** The keys of the issuer of tokens, where it publishes them. */
export const keySet = {
  reads: counter("order_service_token_key_reads_total", "Readings of the keys that the issuer of tokens publishes", {
    outcome: ["read", "failed"]
  })
} as const

/** Calls to other services. */
export const downstream = {
  calls: counter("order_service_external_calls_total", "Calls to other services: `unavailable` is no answer in time", {
    service: services,
    outcome: ["accepted", "refused", "unavailable"]
  }),
  seconds: durations("order_service_external_call_duration_seconds", "Time until another service has answered", {
    service: services
  }),
  retries: counter(
    "order_service_external_retries_total",
    "Attempts repeated within a call: `over_budget` was not sent, too many others were",
    { service: services, outcome: ["sent", "over_budget"] }
  ),
  recalledEvents: counter(
    "order_service_events_recalled_total",
    "Events taken from memory because the event service gave no answer",
    {}
  )
} as const

/** Locks of orders, which save work. */
export const locks = {
  asked: counter(
    "order_service_order_locks_total",
    "Locks of orders asked for: `busy` and `away` went on without one",
    { outcome: ["taken", "busy", "away"] }
  )
} as const

/** By service and class of calls. */
const circuit: ReadonlyArray<CircuitName> = circuitNames

/** Circuit breakers towards other services. */
export const circuits = {
  open: gauge(
    "order_service_circuit_open",
    "Whether calls are turned away, by service and class: 1 while the circuit is open, 0.5 while a probe decides, else 0",
    { circuit }
  ),
  transitions: counter("order_service_circuit_transitions_total", "Circuits that this replica has moved", {
    circuit,
    to: ["open", "half_open", "closed"]
  }),
  turnedAway: counter("order_service_circuit_turned_away_total", "Requests that an open circuit has not sent", {
    circuit
  })
} as const

/** The database, by unit of work: one transaction each. */
export const database = {
  units: counter("order_service_database_units_total", "Transactions, by what became of them", {
    role: ["requests", "jobs"],
    outcome: ["done", "refused", "locked", "unavailable"]
  }),
  seconds: durations("order_service_database_unit_duration_seconds", "Time of a transaction, waiting included", {
    role: ["requests", "jobs"]
  }),
  inFlight: gauge("order_service_database_units_in_flight", "Transactions that have, or wait for, a connection", {}),
  poolMax: gauge("order_service_database_pool_max", "Connections that this replica may open", {})
} as const

/** The process itself. Read when somebody asks. */
export const processMetrics = {
  cpuSeconds: counter("order_service_process_cpu_seconds_total", "Processor time used", {}),
  residentBytes: gauge("order_service_process_resident_memory_bytes", "Memory in use", {}),
  heapBytes: gauge("order_service_process_heap_used_bytes", "Memory of JavaScript objects in use", {}),
  startedAt: gauge("order_service_process_start_time_seconds", "When the process started, since 1970", {}),
  eventLoopSeconds: gauge("order_service_event_loop_delay_seconds", "How late timers were since the last reading", {
    quantile: ["0.5", "0.99", "1"]
  })
} as const

const groups: ReadonlyArray<Readonly<Record<string, Pick<Instrument, "info" | "begin">>>> = [
  orders,
  work,
  sales,
  messages,
  alarms,
  jobs,
  http,
  rateLimits,
  redis,
  keySet,
  downstream,
  circuits,
  locks,
  database,
  processMetrics
]

const instruments = groups.flatMap((group) => Object.values(group))

/** The catalogue. */
export const catalogue: ReadonlyArray<MetricInfo> = instruments.map(({ info }) => info)

/** Shows what has not happened yet as 0. */
export const layerInitial = Layer.effectDiscard(Effect.forEach(instruments, ({ begin }) => begin, { discard: true }))
