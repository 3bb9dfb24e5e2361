/**
 * Who may do what, and whose rows they see.
 *
 * `orders_app` does the work of one tenant and sees nothing while none is set; `orders_jobs` claims due work across
 * tenants, sees little more than due times, and deletes what has had its time. Neither owns anything, so neither can lift what is written here. The
 * owner is held to the policies too (FORCE) and has none: even the migration role reads no tenant's rows by accident.
 */

/** Every table that holds tenants' rows. A test compares with the catalogue. */
export const tenantTables: ReadonlyArray<string> = [
  "orders",
  "order_items",
  "payments",
  "order_refunds",
  "order_events",
  "outbox",
  "order_work",
  "idempotency",
  "quota_user",
  "quota_event",
  "cancelled_events"
]

// After a transaction-local setting ends it reads as an empty text, which is no uuid.
const ownRows = `tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid`

const perTable = tenantTables.flatMap((table) => [
  `alter table ${table} enable row level security`,
  `alter table ${table} force row level security`,
  `create policy ${table}_tenant on ${table} to orders_app using (${ownRows}) with check (${ownRows})`
])

/** What a decision may change of an order. Price, lines, terms, owner and event are written once. */
const orderChanges = `version, status, stage, captured_cents, refund_committed_cents, idempotency_key, payment_intent_id,
  payment_client_secret, hold_expires_at, hold_limit_at, hold_extended, tickets, late, reacquiring, cancel_cause,
  end_reason, reserved_at, confirmed_at, completed_at, cancelled_at, expired_at, refunded_at, updated_at`

const leaseChanges = `state, attempts, next_at, lease_until, lease_token, last_error`

const appGrants = [
  `grant select, insert, update (${orderChanges}) on orders to orders_app`,
  `grant select, insert, update (returned_quantity) on order_items to orders_app`,
  `grant select, insert on payments to orders_app`,
  `grant select, insert, update (state, attempt, failure_reason, settled_at) on order_refunds to orders_app`,
  // The history is insert only.
  `grant select, insert on order_events to orders_app`,
  `grant select, insert on outbox to orders_app`,
  `grant select, insert, update (${leaseChanges}, done_at) on order_work to orders_app`,
  `grant select, insert, update, delete on idempotency to orders_app`,
  `grant select, insert, update on quota_user, quota_event to orders_app`,
  `grant select, insert on cancelled_events to orders_app`
]

const jobGrants = [
  `grant select, update (${leaseChanges}, payload, created_at, done_at) on order_work to orders_jobs`,
  `grant insert on order_work to orders_jobs`,
  `create policy order_work_claim on order_work for select to orders_jobs using (true)`,
  `create policy order_work_lease on order_work for update to orders_jobs using (true) with check (true)`,
  `create policy order_work_expire on order_work for insert to orders_jobs with check (kind = 'EXPIRE')`,
  `grant select, update (${leaseChanges}, sent_at) on outbox to orders_jobs`,
  `create policy outbox_claim on outbox for select to orders_jobs using (true)`,
  `create policy outbox_lease on outbox for update to orders_jobs using (true) with check (true)`,
  // To find what is due, and to lock it while its work is written. A row lock needs the right to update some column;
  // the check refuses every real update.
  `grant select (tenant_id, id, version, status, stage, hold_expires_at, hold_grace_minutes, event_ends_at),
    update (updated_at) on orders to orders_jobs`,
  `create policy orders_due on orders for select to orders_jobs
    using (status in ('PENDING', 'RESERVED', 'CONFIRMED'))`,
  `create policy orders_due_lock on orders for update to orders_jobs
    using (status in ('PENDING', 'RESERVED')) with check (false)`
]

/** How long an expired key stays, as SQL: for a look into what was answered, and for a clock that is set back. */
export const KEY_KEPT = `interval '1 hour'`

/** How long work that is done and messages that are sent stay: for a look into an incident of the last week. */
export const WORK_KEPT = `interval '7 days'`

/**
 * What the jobs' role may delete, and of keys see: that which has been of no use for long enough. A statement of ours
 * with a mistake in it can not delete what is still needed.
 */
const retentionGrants = [
  `grant select (tenant_id, principal, operation, key, expires_at), delete on idempotency to orders_jobs`,
  ...["select", "delete"].map(
    (right) => `create policy idempotency_forget_${right} on idempotency for ${right} to orders_jobs
      using (expires_at <= statement_timestamp() - ${KEY_KEPT})`
  ),
  `grant delete on order_work, outbox to orders_jobs`,
  `create policy order_work_forget on order_work for delete to orders_jobs
    using (state = 'DONE' and done_at <= statement_timestamp() - ${WORK_KEPT})`,
  `create policy outbox_forget on outbox for delete to orders_jobs
    using (state = 'SENT' and sent_at <= statement_timestamp() - ${WORK_KEPT})`
]

/**
 * Nobody needs temporary tables, and nobody can hide a table of ours behind one. Everybody may make some until the
 * database's owner says otherwise; a migration that is run by somebody else can not say it.
 */
const noTemporaryTables = `do $$
begin
  if exists (
    select 1 from pg_database where datname = current_database() and pg_has_role(current_user, datdba, 'USAGE')
  ) then
    execute format('revoke temporary on database %I from public', current_database());
  end if;
end $$`

/** A replica that starts looks whether its migrations have run, with a login that owns nothing. */
const everyone = [`grant select on orders_migrations to public`]

export const rowSecurity: ReadonlyArray<string> = [
  ...perTable,
  ...appGrants,
  ...jobGrants,
  ...retentionGrants,
  ...everyone,
  noTemporaryTables
]
