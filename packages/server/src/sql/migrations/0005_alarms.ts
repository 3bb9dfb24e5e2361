/**
 * Matters for people (alarms), the slots in which one replica does a chore for all, and the auditor: a role that reads
 * the orders of every tenant, writes nothing, and sees no secret.
 */

/** Tables of this migration that hold tenants' rows. */
export const alarmTables: ReadonlyArray<string> = ["alarms"]

/** As SQL, how long an alarm that is over stays: for the look back after an incident. */
export const ALARM_KEPT = `interval '90 days'`

/** What no role that only reads may see: it would let its reader pay, or answer, in a buyer's name. */
export const secretColumns: { readonly [table: string]: ReadonlyArray<string> } = {
  orders: ["payment_client_secret"],
  idempotency: ["answer_body"]
}

// After a transaction-local setting ends it reads as an empty text, which is no uuid.
const ownRows = `tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid`

const alarms = [
  // Without a tenant: a matter of the whole installation. Such a row is never a tenant's own.
  `create table alarms (
    id bigint generated always as identity constraint alarms_pkey primary key,
    tenant_id uuid,
    kind text not null check (length(kind) between 1 and 64),
    subject text not null check (length(subject) between 1 and 255),
    detail text not null check (length(detail) <= 2000),
    raised_at timestamptz not null default clock_timestamp(),
    seen_at timestamptz not null default clock_timestamp(),
    seen integer not null default 1 check (seen >= 1),
    cleared_at timestamptz
  )`,
  // One matter has one open alarm. The nil uuid stands for the installation: nulls are never equal in an index.
  `create unique index alarms_open on alarms
    ((coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'::uuid)), kind, subject) where cleared_at is null`,
  `create index alarms_by_tenant on alarms (tenant_id, id desc)`,
  `create index alarms_cleared on alarms (cleared_at) where cleared_at is not null`,
  `alter table alarms enable row level security`,
  `alter table alarms force row level security`,
  `create policy alarms_tenant on alarms to orders_app using (${ownRows}) with check (${ownRows})`,
  `grant select on alarms to orders_app`,
  // Raised and cleared across tenants, and never without its trace.
  `grant select, insert (tenant_id, kind, subject, detail), update (detail, seen_at, seen, cleared_at), delete
    on alarms to orders_jobs`,
  `create policy alarms_look on alarms for select to orders_jobs using (true)`,
  `create policy alarms_raise on alarms for insert to orders_jobs with check (true)`,
  `create policy alarms_move on alarms for update to orders_jobs using (true) with check (true)`,
  `create policy alarms_forget on alarms for delete to orders_jobs
    using (cleared_at <= statement_timestamp() - ${ALARM_KEPT})`
]

const slots = [
  `create table chore_slots (
    name text not null check (length(name) between 1 and 64),
    slot text not null check (length(slot) between 1 and 64),
    taken_at timestamptz not null default clock_timestamp(),
    constraint chore_slots_pkey primary key (name, slot)
  )`,
  `grant select, insert (name, slot), delete on chore_slots to orders_jobs`
]

/** What the auditor may read, table by table; the rest is secret, or what buyers wrote. */
const auditedColumns: { readonly [table: string]: string | null } = {
  orders: `tenant_id, id, version, order_number, user_id, event_id, event_starts_at, event_ends_at, status, stage,
    currency, subtotal_cents, platform_fee_cents, processing_fee_cents, tax_cents, total_cents, captured_cents,
    refund_committed_cents, terms, vip, idempotency_key, payment_intent_id, hold_expires_at, hold_limit_at,
    hold_grace_minutes, hold_extended, tickets, late, reacquiring, cancel_cause, reserved_at, confirmed_at,
    completed_at, cancelled_at, expired_at, refunded_at, created_at, updated_at`,
  order_items: null,
  payments: null,
  order_refunds: null,
  order_events: null,
  order_work: null,
  outbox: `tenant_id, order_id, version, message_id, type, state, attempts, next_at, lease_until, lease_token,
    last_error, created_at, sent_at`,
  idempotency: `tenant_id, principal, operation, key, order_id, answer_status, created_at, expires_at`,
  quota_user: null,
  quota_event: null,
  cancelled_events: null,
  alarms: null
}

const auditor = Object.entries(auditedColumns).flatMap(([table, columns]) => [
  `grant select ${columns === null ? "" : `(${columns})`} on ${table} to orders_auditor`,
  `create policy ${table}_audit on ${table} for select to orders_auditor using (true)`
])

/** What is looked for again and again, and is rare. */
const indexes = [
  `create index order_work_failed on order_work (tenant_id, order_id) where state = 'FAILED'`,
  `create index order_refunds_pending on order_refunds (requested_at) where state = 'PENDING'`
]

export const alarmStatements: ReadonlyArray<string> = [...alarms, ...slots, ...auditor, ...indexes]
