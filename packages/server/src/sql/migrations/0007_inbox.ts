/**
 * The messages that other services have sent us; and of each of ours the trace in which it was written, and when it was
 * asked for once more.
 *
 * A message is known by tenant, source and id, so two deliveries of it are one row. Its row is claimed by due time under
 * a lease, and ends in the transaction of its effect. One that names no tenant belongs to the nil tenant, which nobody is.
 */
const ownRows = `tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid`

/** How long a message that has had its effect is known, as SQL: longer than any service sends one again (3 days). */
export const MESSAGE_KEPT = `interval '7 days'`

/** How long one that was set aside waits for a person. */
export const DEAD_KEPT = `interval '30 days'`

const leaseChanges = `state, attempts, next_at, lease_until, lease_token, last_error, outcome, settled_at`

export const inbox: ReadonlyArray<string> = [
  `create table inbox (
    tenant_id uuid not null,
    source text not null,
    message_id text not null,
    type text not null,
    body text not null,
    bytes integer not null check (bytes >= 0),
    state text not null check (state in ('NEW', 'DONE', 'DEAD')),
    outcome text check (outcome in ('CHANGED', 'UNCHANGED')),
    attempts integer not null default 0,
    next_at timestamptz not null,
    lease_until timestamptz,
    lease_token bigint not null default 0,
    last_error text,
    received_at timestamptz not null,
    settled_at timestamptz,
    constraint inbox_pkey primary key (tenant_id, source, message_id),
    constraint inbox_outcome_when_done check ((state = 'DONE') = (outcome is not null)),
    constraint inbox_settled_when_over check ((state = 'NEW') = (settled_at is null))
  ) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000)`,
  `create index inbox_due on inbox ((coalesce(lease_until, next_at))) where state = 'NEW'`,
  `create index inbox_done on inbox (settled_at) where state = 'DONE'`,
  `create index inbox_dead on inbox (tenant_id, received_at) where state = 'DEAD'`,
  `create index inbox_dead_age on inbox (settled_at) where state = 'DEAD'`,

  `alter table inbox enable row level security`,
  `alter table inbox force row level security`,
  `create policy inbox_tenant on inbox to orders_app using (${ownRows}) with check (${ownRows})`,
  // What a message says is written once.
  `grant select, insert, update (${leaseChanges}) on inbox to orders_app`,
  `grant select, update (${leaseChanges}), delete on inbox to orders_jobs`,
  `create policy inbox_claim on inbox for select to orders_jobs using (true)`,
  `create policy inbox_lease on inbox for update to orders_jobs using (true) with check (true)`,
  `create policy inbox_forget on inbox for delete to orders_jobs using (
    (state = 'DONE' and settled_at <= statement_timestamp() - ${MESSAGE_KEPT})
    or (state = 'DEAD' and settled_at <= statement_timestamp() - ${DEAD_KEPT})
  )`,

  // What it says is its sender's, and may be anything.
  `grant select (tenant_id, source, message_id, type, bytes, state, outcome, attempts, next_at, lease_until, lease_token,
    last_error, received_at, settled_at) on inbox to orders_auditor`,
  `create policy inbox_audit on inbox for select to orders_auditor using (true)`,

  `alter table outbox add column traceparent text, add column replayed_at timestamptz`,
  `grant update (replayed_at) on outbox to orders_jobs`,
  `grant select (traceparent, replayed_at) on outbox to orders_auditor`
]
