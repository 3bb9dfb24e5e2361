/**
 * Bulk jobs and the orders that each has met, so that a job goes on where its process died (rule 5).
 *
 * A job is claimed by due time under a lease, as work is, and runs under it; its index holds open rows only. Of an order
 * there is one row a job. One job of a kind and event runs at a time: who asks for a second one joins the first.
 */
import { BulkItemState, BulkJobKind, BulkJobState } from "@tickettoken/order-domain/BulkJob"
import { Currency } from "@tickettoken/order-domain/Currency"
import { quoted } from "./quoted.ts"

/** The tables of this migration that hold tenants' rows. A test compares with the catalogue. */
export const bulkTables: ReadonlyArray<string> = ["bulk_jobs", "bulk_items"]

const tables = [
  `create table bulk_jobs (
    tenant_id uuid not null,
    id uuid not null,
    kind text not null constraint bulk_jobs_kind_known check (kind in ${quoted(BulkJobKind.literals)}),
    event_id uuid not null,
    reason text not null,
    actor_kind text not null,
    actor_id text not null,
    ip text,
    state text not null default 'RUNNING' check (state in ${quoted(BulkJobState.literals)}),
    met_up_to uuid,
    met_all boolean not null default false,
    total integer,
    succeeded integer,
    failed integer,
    refund_cents jsonb,
    attempts integer not null default 0,
    next_at timestamptz not null default clock_timestamp(),
    lease_until timestamptz,
    lease_token bigint not null default 0,
    created_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    constraint bulk_jobs_pkey primary key (tenant_id, id),
    constraint bulk_jobs_done_is_summed check (
      (state = 'DONE') = (finished_at is not null and total is not null and refund_cents is not null)
      and (total is null or total = succeeded + failed)
    ),
    constraint bulk_jobs_done_is_free check (state = 'RUNNING' or (met_all and lease_until is null))
  )`,
  `create unique index bulk_jobs_running on bulk_jobs (tenant_id, kind, event_id) where state = 'RUNNING'`,
  `create index bulk_jobs_due on bulk_jobs ((coalesce(lease_until, next_at))) where state = 'RUNNING'`,
  `create index bulk_jobs_newest on bulk_jobs (tenant_id, created_at desc, id desc)`,

  `create table bulk_items (
    tenant_id uuid not null,
    job_id uuid not null,
    order_id uuid not null,
    order_number text not null,
    state text not null check (state in ${quoted(BulkItemState.literals)}),
    attempts integer not null default 0,
    error text,
    amount_cents bigint not null default 0 check (amount_cents between 0 and 10000000000),
    currency text check (currency in ${quoted(Currency.literals)}),
    next_at timestamptz not null default clock_timestamp(),
    done_at timestamptz,
    constraint bulk_items_pkey primary key (tenant_id, job_id, order_id),
    constraint bulk_items_job_fkey foreign key (tenant_id, job_id) references bulk_jobs (tenant_id, id),
    constraint bulk_items_order_fkey foreign key (tenant_id, order_id) references orders (tenant_id, id),
    constraint bulk_items_done_has_time check ((state = 'OPEN') = (done_at is null)),
    constraint bulk_items_failed_says_why check (state <> 'FAILED' or error is not null),
    constraint bulk_items_amount_has_currency check (amount_cents = 0 or currency is not null)
  ) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000)`,
  `create index bulk_items_due on bulk_items (tenant_id, job_id, next_at) where state = 'OPEN'`,
  `create index bulk_items_troubled on bulk_items (tenant_id, job_id, order_id) where error is not null`
]

// After a transaction-local setting ends it reads as an empty text, which is no uuid.
const ownRows = `tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid`

const perTable = bulkTables.flatMap((table) => [
  `alter table ${table} enable row level security`,
  `alter table ${table} force row level security`,
  `create policy ${table}_tenant on ${table} to orders_app using (${ownRows}) with check (${ownRows})`,
  `grant select on ${table} to orders_auditor`,
  `create policy ${table}_audit on ${table} for select to orders_auditor using (true)`
])

const grants = [
  `grant select, insert, update (state, met_up_to, met_all, total, succeeded, failed, refund_cents, next_at, lease_until,
    finished_at) on bulk_jobs to orders_app`,
  `grant select, insert, update (state, attempts, error, amount_cents, next_at, done_at) on bulk_items to orders_app`,
  // Claiming is all that the jobs' role does: what a job is about is read and written for its tenant.
  `grant select (tenant_id, id, state, attempts, next_at, lease_until, lease_token),
    update (state, attempts, lease_until, lease_token) on bulk_jobs to orders_jobs`,
  `create policy bulk_jobs_claim on bulk_jobs for select to orders_jobs using (state = 'RUNNING')`,
  `create policy bulk_jobs_lease on bulk_jobs for update to orders_jobs
    using (state = 'RUNNING') with check (state = 'RUNNING')`
]

export const bulkJobs: ReadonlyArray<string> = [...tables, ...perTable, ...grants]
