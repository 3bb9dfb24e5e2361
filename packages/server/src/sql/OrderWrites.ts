/**
 * The two statements that write an order: its first version, and its next.
 *
 * **Details**
 *
 * Each is one statement with one JSON parameter, so a decision costs one round trip and one prepared plan however many
 * rows it writes: the order, its lines, captures and refunds, the audit row, the message, the work (already leased to
 * this process), the request's key, and the end of the work item or message that led here. What the statement wrote is counted;
 * whoever runs it rolls back when a count is not as it must be.
 *
 * All parts of a statement see the database as it was before it. The triggers run after all of them.
 */
import { Duration, Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { type changeColumns, type commitRows, type factColumns, storableJson } from "./OrderColumns.ts"

/** How many rows of each kind that can be refused were written. */
const Counts = Schema.Tuple([
  Schema.Struct({ written: Schema.Int, claimed: Schema.Int, settled: Schema.Int, handled: Schema.Int })
])

const facts = [
  "tenant_id",
  "id",
  "order_number",
  "user_id",
  "event_id",
  "event_starts_at",
  "event_ends_at",
  "currency",
  "subtotal_cents",
  "platform_fee_cents",
  "processing_fee_cents",
  "tax_cents",
  "total_cents",
  "terms",
  "vip",
  "metadata",
  "hold_grace_minutes",
  "created_at"
] as const satisfies ReadonlyArray<keyof ReturnType<typeof factColumns>>

const changes = [
  "version",
  "status",
  "stage",
  "captured_cents",
  "idempotency_key",
  "payment_intent_id",
  "payment_client_secret",
  "hold_expires_at",
  "hold_limit_at",
  "hold_extended",
  "updated_at",
  "tickets",
  "late",
  "reacquiring",
  "cancel_cause",
  "end_reason",
  "reserved_at",
  "confirmed_at",
  "completed_at",
  "cancelled_at",
  "expired_at",
  "refunded_at"
] as const satisfies ReadonlyArray<keyof ReturnType<typeof changeColumns>>

const list = (columns: ReadonlyArray<string>, prefix = ""): string =>
  columns.map((column) => `${prefix}${column}`).join(", ")

/** Inserts the children of this kind for the order that was written, with more columns of the order if asked for. */
const children = (
  table: string,
  key: string,
  columns: ReadonlyArray<string>,
  more: ReadonlyArray<string> = []
): string =>
  `insert into ${table} (${list(["tenant_id", "order_id", ...more, ...columns])})
    select ${list(["tenant_id", "id", ...more], "w.")}, ${list(columns, "r.")}
    from written w, input, json_populate_recordset(null::${table}, input.${key}) r`

const itemColumns = [
  "id",
  "position",
  "ticket_type_id",
  "ticket_pricing_id",
  "quantity",
  "unit_price_cents",
  "subtotal_cents",
  "returned_quantity"
]

const refundColumns = [
  "id",
  "position",
  "amount_cents",
  "cause",
  "reason",
  "state",
  "payment_intent_id",
  "items",
  "retained_cents",
  "fixed_retention",
  "attempt",
  "failure_reason",
  "requested_by",
  "requested_at",
  "estimated_arrival_at",
  "settled_at",
  "idempotency_key"
]

// What every decision leaves, besides the order's own rows. $1 is the JSON, $2 the lease of new work in milliseconds.
// A key is claimed whether or not the order can be written: a repeated request must learn of its twin first. A claim
// that this order's own request has made before may be given its answer; any other live one is a conflict.
const recording = `
recorded as (
  insert into order_events (tenant_id, order_id, version, type, actor_kind, actor_id, ip, data, at)
  select w.tenant_id, w.id, w.version, r.type, r.actor_kind, r.actor_id, r.ip, r.data, r.at
  from written w, input, json_populate_record(null::order_events, input.event) r
  returning tenant_id, order_id, version, id
),
announced as (
  insert into outbox (tenant_id, order_id, version, message_id, type, payload, traceparent, next_at, created_at)
  select e.tenant_id, e.order_id, e.version, e.id, r.type, r.payload, r.traceparent, statement_timestamp(),
    statement_timestamp()
  from recorded e, input, json_populate_record(null::outbox, input.message) r
),
asked as (
  insert into order_work (id, tenant_id, order_id, order_version, kind, payload, state, attempts, next_at,
    lease_until, lease_token, created_at)
  select r.id, w.tenant_id, w.id, w.version, r.kind, r.payload, 'DOING', 1, clock_timestamp(),
    clock_timestamp() + $2::int * interval '1 millisecond', 1, r.created_at
  from written w, input, json_populate_recordset(null::order_work, input.work) r
),
claimed as (
  insert into idempotency as known
    (tenant_id, principal, operation, key, fingerprint, order_id, answer_status, answer_body, expires_at)
  select input.tenant_id, r.principal, r.operation, r.key, r.fingerprint,
    input.order_id, r.answer_status, r.answer_body,
    clock_timestamp() + r.ttl_millis * interval '1 millisecond'
  from input, json_to_recordset(input.claims) as r(principal text, operation text, key text, fingerprint text,
    answer_status int, answer_body text, ttl_millis double precision)
  on conflict (tenant_id, principal, operation, key) do update set
    fingerprint = excluded.fingerprint, order_id = excluded.order_id, answer_status = excluded.answer_status,
    answer_body = excluded.answer_body,
    expires_at = case when known.expires_at <= statement_timestamp() then excluded.expires_at else known.expires_at end
  where known.expires_at <= statement_timestamp()
    or (known.answer_status is null and excluded.answer_status is not null
      and known.order_id = excluded.order_id and known.fingerprint = excluded.fingerprint)
  returning 1
),
settled as (
  update order_work k set state = 'DONE', done_at = clock_timestamp(), lease_until = null
  where exists (select 1 from written) and k.id = (select settles_id from input)
    and k.lease_token = (select settles_token from input) and k.state = 'DOING'
  returning 1
),
handled as (
  update inbox m set state = 'DONE', outcome = 'CHANGED', settled_at = clock_timestamp(), lease_until = null
  where exists (select 1 from written) and m.tenant_id = (select tenant_id from input)
    and m.source = (select handles_source from input) and m.message_id = (select handles_id from input)
    and m.lease_token = (select handles_token from input) and m.state = 'NEW' and m.lease_until is not null
  returning 1
)`

const counts = `select (select count(*)::int from written) as written, (select count(*)::int from claimed) as claimed,
  (select count(*)::int from settled) as settled, (select count(*)::int from handled) as handled`

// The outer keys are parsed once; scalars come by subquery, so that rows are found by their key and nothing else.
const input = `with input as materialized (
  select * from json_to_record($1::json) as parts (tenant_id uuid, order_id uuid, expected_version int, "order" json,
    items json, payments json, refunds json, event json, message json, work json, claims json, settles_id text,
    settles_token bigint, handles_source text, handles_id text, handles_token bigint, key_returned boolean)
)`

const createStatement = `${input},
written as (
  insert into orders (${list(facts)}, ${list(changes)})
  select ${list(facts, "r.")}, ${list(changes, "r.")}
  from input, json_populate_record(null::orders, input."order") r
  returning tenant_id, id, user_id, version
),
lines as (${children("order_items", "items", itemColumns)}),
captured as (${children("payments", "payments", ["payment_intent_id", "position", "amount_cents", "captured_at"])}),
refunds as (${children("order_refunds", "refunds", refundColumns, ["user_id"])}),
${recording}
${counts}`

const commitStatement = `${input},
written as (
  update orders o set ${changes.map((column) => `${column} = r.${column}`).join(", ")}
  from input, json_populate_record(null::orders, input."order") r
  where o.tenant_id = (select tenant_id from input) and o.id = (select order_id from input)
    and o.version = (select expected_version from input)
  returning o.tenant_id, o.id, o.user_id, o.version
),
lines as (
  update order_items i set returned_quantity = r.returned_quantity
  from written, input, json_populate_recordset(null::order_items, input.items) r
  where i.tenant_id = (select tenant_id from input) and i.order_id = (select order_id from input) and i.id = r.id
),
captured as (${children("payments", "payments", ["payment_intent_id", "position", "amount_cents", "captured_at"])}),
refunds as (
  ${children("order_refunds", "refunds", refundColumns, ["user_id"])}
  on conflict (tenant_id, id) do update set state = excluded.state, attempt = excluded.attempt,
    failure_reason = excluded.failure_reason, settled_at = excluded.settled_at
),
key_returned as (
  delete from idempotency i
  where exists (select 1 from written, input where key_returned) and i.tenant_id = (select tenant_id from input)
    and i.order_id = (select order_id from input) and i.operation = 'create' and i.answer_status is null
),
${recording}
${counts}`

/** Writes all rows of a decision; run it in a unit of work of the order's tenant. */
export const writeDecision = Effect.fnUntraced(function* (
  rows: ReturnType<typeof commitRows>,
  workLease: Duration.Duration
) {
  const sql = yield* SqlClient.SqlClient
  const statement = rows.expected_version === null ? createStatement : commitStatement
  const answer = yield* sql.unsafe(statement, [storableJson(rows), Duration.toMillis(workLease)])
  const [written] = yield* Effect.orDie(Schema.decodeUnknownEffect(Counts)(answer))
  return written
})
