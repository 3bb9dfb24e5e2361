/**
 * What there is to judge a run by, once it has come to rest: the database, the journals of the other services, and what
 * clients were told.
 */
import { Duration, Effect, Option, Schedule, Schema } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { PaymentFact } from "../sandbox/PaymentFacts.ts"
import { TicketFact } from "../sandbox/TicketFacts.ts"
import type { ClientLog } from "./ClientLog.ts"
import type { ChaosDatabase, Targets } from "./Injector.ts"
import type { Evidence } from "./Verdict.ts"

const OpenCounts = Schema.Struct({
  work: Schema.Int,
  orders: Schema.Int,
  refunds: Schema.Int,
  messages: Schema.Int,
  jobs: Schema.Int
})

/** What is still under way, as the database sees it. */
const openStatement = `select
  (select count(*)::int from order_work where state in ('TODO', 'DOING')) as work,
  (select count(*)::int from orders where status in ('PENDING', 'RESERVED')) as orders,
  (select count(*)::int from order_refunds where state in ('APPROVED', 'PROCESSING')) as refunds,
  (select count(*)::int from outbox where state = 'NEW') as messages,
  (select count(*)::int from bulk_jobs where state = 'RUNNING') as jobs`

const Changes = Schema.Struct({ count: Schema.Int })
const changesStatement = `select coalesce(sum(version), 0)::int as count from orders`

const Payment = Schema.Struct({ intent: Schema.String })
const paymentsStatement = `select payment_intent_id as intent from payments`

const FinalOrder = Schema.Struct({
  tenantId: Schema.String,
  id: Schema.String,
  userId: Schema.String,
  key: Schema.NullOr(Schema.String)
})
const ordersStatement = `select tenant_id as "tenantId", id, user_id as "userId", idempotency_key as key
  from orders`

const FinalRefund = Schema.Struct({ orderId: Schema.String, id: Schema.String, amount: Schema.Int })
const refundsStatement = `select order_id as "orderId", id, amount_cents::int as amount from order_refunds`

const read = <A>({ rows }: ChaosDatabase, schema: Schema.Codec<A, object>, statement: string) =>
  Effect.orDie(Effect.flatMap(rows(statement), Schema.decodeUnknownEffect(Schema.Array(schema))))

const JournalPage = <Fact>(fact: Schema.Codec<Fact, object>) => Schema.Struct({ entries: Schema.Array(fact) })

/** A service may still be starting again. */
const patiently = { schedule: Schedule.spaced("500 millis"), times: 120 }

const journalOf = <Fact>(url: string, fact: Schema.Codec<Fact, object>, query = "") =>
  Effect.gen(function* () {
    const client = yield* HttpClient.HttpClient
    const response = yield* client.execute(HttpClientRequest.get(`${url}/sandbox/journal${query}`))
    const { entries } = yield* Schema.decodeUnknownEffect(JournalPage(fact))(yield* response.json)
    return entries
  }).pipe(Effect.retry(patiently), Effect.orDie)

/** Money that was taken and is on no order: it is found, or the run has not come to rest. */
const untoldCaptures = Effect.fnUntraced(function* ({ database, services }: Targets) {
  const captures = yield* journalOf(services.payment.url, PaymentFact, "?kind=intent.captured")
  const known = new Set((yield* read(database, Payment, paymentsStatement)).map(({ intent }) => intent))
  return captures.filter(({ paymentIntentId }) => !known.has(paymentIntentId)).length
})

/** Longer than a request that nobody waits for any more can go on: none of them changes anything after that. */
const STILL_FOR = Duration.seconds(10)

/** How a run came to rest. */
export interface Rest {
  /** `null`: it did not within the limit. */
  readonly seconds: number | null
  /** What was under way at the end. */
  readonly open: string
}

/** Waits until nothing is under way, every payment that was taken is on its order, and all of it stays so. */
export const rest = Effect.fn("Evidence.rest")(function* (targets: Targets, limit: Duration.Duration) {
  const open = Effect.map(read(targets.database, OpenCounts, openStatement), ([counts]) => ({ ...counts }))
  const changes = Effect.map(read(targets.database, Changes, changesStatement), ([row]) => row?.count)
  const isQuiet = Effect.gen(function* () {
    const isDone = Object.values(yield* open).every((count) => count === 0)
    return isDone && (yield* untoldCaptures(targets)) === 0
  })
  const isAtRest = Effect.gen(function* () {
    const before = yield* changes
    if (!(yield* isQuiet)) return false
    yield* Effect.sleep(STILL_FOR)
    return (yield* isQuiet) && (yield* changes) === before
  })
  const [took, quiet] = yield* Effect.repeat(isAtRest, {
    until: (done) => done,
    schedule: Schedule.spaced("500 millis")
  }).pipe(Effect.timeoutOption(Duration.sum(limit, STILL_FOR)), Effect.timed)
  const left = { ...(yield* open), "payments that were taken and are on no order": yield* untoldCaptures(targets) }
  const how: Rest = {
    seconds: Option.isSome(quiet) ? Duration.toSeconds(Duration.subtract(took, STILL_FOR)) : null,
    open: Object.entries(left)
      .map(([what, count]) => `${count} ${what}`)
      .join(", ")
  }
  return how
})

/** Everything that the verdict looks at. */
export const gather = Effect.fn("Evidence.gather")(function* (
  { database, services: { payment, ticket } }: Targets,
  log: ClientLog
) {
  const evidence: Evidence = {
    log: yield* log.entries,
    payments: yield* journalOf(payment.url, PaymentFact),
    tickets: yield* journalOf(ticket.url, TicketFact),
    orders: yield* read(database, FinalOrder, ordersStatement),
    refunds: yield* read(database, FinalRefund, refundsStatement)
  }
  return evidence
})
