/**
 * What an order's transaction leaves to be done, and what it counts: messages, work, idempotency keys, quotas and the
 * events that are closed.
 *
 * Work, messages and keys leave again when they are of no use any more (RetentionSql.ts); what makes a request take
 * effect once, the keys of orders and of refunds, stays with those for ever.
 *
 * Work and messages are claimed by due time under a lease. Their index holds open rows only, and they are vacuumed
 * early: every claim leaves a dead row behind, and a scan over dead rows is what makes such tables slow.
 */
import { KeyedOperation } from "@tickettoken/order-domain/Idempotency"
import { quoted } from "./quoted.ts"

/** Work.ts has them as the tags of a union. A test compares. */
export const workKinds: ReadonlyArray<string> = ["HOLD", "INTENT", "FINALIZE", "RELEASE", "VOID", "REFUND", "EXPIRE"]

const busy = `with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000)`

export const workTables: ReadonlyArray<string> = [
  `create table outbox (
    tenant_id uuid not null,
    order_id uuid not null,
    version integer not null,
    message_id uuid not null,
    type text not null,
    payload jsonb not null,
    state text not null default 'NEW' check (state in ('NEW', 'SENT')),
    attempts integer not null default 0,
    next_at timestamptz not null,
    lease_until timestamptz,
    lease_token bigint not null default 0,
    last_error text,
    created_at timestamptz not null,
    sent_at timestamptz,
    constraint outbox_pkey primary key (tenant_id, order_id, version),
    constraint outbox_event_fkey foreign key (tenant_id, order_id, version)
      references order_events (tenant_id, order_id, version)
  ) ${busy}`,
  `create index outbox_due on outbox ((coalesce(lease_until, next_at))) where state = 'NEW'`,
  `create index outbox_sent on outbox (sent_at) where state = 'SENT'`,

  // The id is the idempotency key of the call that the row asks for; it holds the order's id, so it is unique for all.
  `create table order_work (
    id text not null constraint order_work_pkey primary key,
    tenant_id uuid not null,
    order_id uuid not null,
    order_version integer not null,
    kind text not null constraint order_work_kind_known check (kind in ${quoted(workKinds)}),
    payload jsonb not null,
    state text not null check (state in ('TODO', 'DOING', 'DONE', 'FAILED')),
    attempts integer not null default 0,
    next_at timestamptz not null,
    lease_until timestamptz,
    lease_token bigint not null default 0,
    last_error text,
    created_at timestamptz not null,
    done_at timestamptz,
    constraint order_work_doing_is_leased check ((state = 'DOING') = (lease_until is not null)),
    constraint order_work_order_fkey foreign key (tenant_id, order_id) references orders (tenant_id, id)
  ) ${busy}`,
  `create index order_work_due on order_work ((coalesce(lease_until, next_at))) where state in ('TODO', 'DOING')`,
  `create index order_work_done on order_work (done_at) where state = 'DONE'`,
  `create index order_work_by_order on order_work (tenant_id, order_id)`,

  // The order may not exist yet when its key is claimed: both come with one commit.
  `create table idempotency (
    tenant_id uuid not null,
    principal text not null,
    operation text not null check (operation in ${quoted(KeyedOperation.literals)}),
    key text not null,
    fingerprint text not null,
    order_id uuid,
    answer_status integer,
    answer_body text,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    constraint idempotency_pkey primary key (tenant_id, principal, operation, key),
    constraint idempotency_answer_whole check ((answer_status is null) = (answer_body is null)),
    constraint idempotency_order_fkey foreign key (tenant_id, order_id) references orders (tenant_id, id)
      deferrable initially deferred
  )`,
  `create index idempotency_by_order on idempotency (tenant_id, order_id) where order_id is not null`,
  `create index idempotency_expiry on idempotency (expires_at)`,

  // A row to lock, so that a user's orders are counted one after the other (rule 2.2).
  `create table quota_user (
    tenant_id uuid not null,
    user_id uuid not null,
    constraint quota_user_pkey primary key (tenant_id, user_id)
  )`,
  `create table quota_event (
    tenant_id uuid not null,
    user_id uuid not null,
    event_id uuid not null,
    n integer not null,
    cap integer not null,
    constraint quota_event_pkey primary key (tenant_id, user_id, event_id),
    constraint quota_event_within_cap check (n between 0 and cap)
  )`,
  `create table cancelled_events (
    tenant_id uuid not null,
    event_id uuid not null,
    reason text not null,
    actor_kind text not null,
    actor_id text not null,
    ip text,
    closed_at timestamptz not null default clock_timestamp(),
    constraint cancelled_events_pkey primary key (tenant_id, event_id)
  )`
]
