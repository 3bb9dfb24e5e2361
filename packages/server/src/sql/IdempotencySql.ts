/**
 * `IdempotencyKeys` on PostgreSQL. The rows are claimed by OrderWrites.ts, in the transaction of their effect; here they
 * are looked up and given their final answer.
 */
import {
  type IdempotencyClaim,
  IdempotencyKeyUsed,
  type IdempotencyRecord,
  keyVerdict,
  type StoredAnswer
} from "@tickettoken/order-domain/Idempotency"
import { OrderId, UserId } from "@tickettoken/order-domain/Ids"
import { IdempotencyKeys } from "@tickettoken/order-domain/ports/IdempotencyKeys"
import { DateTime, Duration, Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { orUnavailable } from "./sqlFailures.ts"
import { type StoreOptions, storeOptions } from "./StoreOptions.ts"
import { requesterId } from "./migrations/0010_refund_keys.ts"
import { inTenant } from "./TenantTransaction.ts"

interface KeyRow {
  readonly fingerprint: string
  readonly order_id: string | null
  readonly answer_status: number | null
  readonly answer_body: string | null
  readonly expires_at: Date
  readonly live: boolean
}

const answerOf = (row: KeyRow): StoredAnswer | null =>
  row.answer_status === null || row.answer_body === null ? null : { status: row.answer_status, body: row.answer_body }

const recordOf = (row: KeyRow): IdempotencyRecord => ({
  fingerprint: row.fingerprint,
  orderId: row.order_id === null ? null : OrderId.make(row.order_id),
  answer: answerOf(row),
  expiresAt: DateTime.fromDateUnsafe(row.expires_at)
})

const findKey = Effect.fnUntraced(function* ({ key, operation, principal, tenantId }: IdempotencyClaim) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<KeyRow>`
    select fingerprint, order_id, answer_status, answer_body, expires_at, expires_at > clock_timestamp() as live
    from idempotency
    where tenant_id = ${tenantId} and principal = ${principal} and operation = ${operation} and key = ${key}`
  return row ?? null
})

const isUserId = Schema.is(UserId)

/**
 * The order that a permanent key has made; `null` for the operations that have none. Such keys belong to users: a
 * principal that is no user's id has none either.
 */
const findPermanent = Effect.fnUntraced(function* ({ key, operation, principal, tenantId }: IdempotencyClaim) {
  const sql = yield* SqlClient.SqlClient
  if (!isUserId(principal) || (operation !== "create" && operation !== "refund")) return null
  const [made] = yield* operation === "create"
    ? sql<{ order_id: string }>`select id as order_id from orders
        where tenant_id = ${tenantId} and user_id = ${principal} and idempotency_key = ${key}`
    : sql<{ order_id: string }>`select order_id from order_refunds
        where tenant_id = ${tenantId} and ${sql.literal(requesterId)} = ${principal} and idempotency_key = ${key}`
  return made?.order_id ?? null
})

const lookup = Effect.fnUntraced(function* (claim: IdempotencyClaim) {
  return yield* inTenant(
    claim.tenantId,
    Effect.gen(function* () {
      const row = yield* findKey(claim)
      const verdict = keyVerdict(row === null ? null : recordOf(row), claim.fingerprint, row?.live ?? false)
      if (verdict._tag !== "Fresh") return verdict
      const made = yield* findPermanent(claim)
      return made === null ? verdict : yield* new IdempotencyKeyUsed({ orderId: OrderId.make(made) })
    })
  )
})

// An answer is written where there is none: in the row of this very request, or in place of one that has expired.
const finish = Effect.fnUntraced(function* (claim: IdempotencyClaim, answer: StoredAnswer, options: StoreOptions) {
  const sql = yield* SqlClient.SqlClient
  const { fingerprint, key, operation, principal, tenantId } = claim
  return yield* inTenant(
    tenantId,
    Effect.gen(function* () {
      const written = yield* sql`
        insert into idempotency as known
          (tenant_id, principal, operation, key, fingerprint, answer_status, answer_body, expires_at)
        values (${tenantId}, ${principal}, ${operation}, ${key}, ${fingerprint}, ${answer.status}, ${answer.body},
          clock_timestamp() + ${Duration.toMillis(options.idempotencyTimeToLive)}::double precision * interval '1 millisecond')
        on conflict (tenant_id, principal, operation, key) do update set
          fingerprint = excluded.fingerprint, answer_status = excluded.answer_status,
          answer_body = excluded.answer_body, expires_at = excluded.expires_at,
          order_id = case when known.expires_at <= statement_timestamp() then null else known.order_id end
        where known.expires_at <= statement_timestamp()
          or (known.answer_status is null and known.fingerprint = excluded.fingerprint)
        returning 1`
      if (written.length > 0) return answer
      const row = yield* findKey(claim)
      // The key belongs to another request: this one's answer is its own, and is not kept.
      return row !== null && row.fingerprint === fingerprint ? (answerOf(row) ?? answer) : answer
    })
  )
})

export const layer = (given: Partial<StoreOptions> = {}): Layer.Layer<IdempotencyKeys, never, SqlClient.SqlClient> =>
  Layer.effect(
    IdempotencyKeys,
    Effect.gen(function* () {
      const options = storeOptions(given)
      const sql = yield* SqlClient.SqlClient
      const withSql = Effect.provideService(SqlClient.SqlClient, sql)
      return IdempotencyKeys.of({
        lookup: Effect.fn("IdempotencyKeys.lookup")(lookup, orUnavailable, withSql),
        finish: Effect.fn("IdempotencyKeys.finish")(
          (claim: IdempotencyClaim, answer: StoredAnswer) => finish(claim, answer, options),
          orUnavailable,
          withSql
        )
      })
    })
  )
