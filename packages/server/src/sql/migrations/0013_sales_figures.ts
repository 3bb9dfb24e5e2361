/**
 * Sales figures kept beside the orders: sums by the hour and by the day, sums of each event by the day, and what has
 * changed since they were brought up to date.
 *
 * **Details**
 *
 * A change of an order that can change a figure leaves two rows in `sales_changes`, in the same transaction: the order as
 * it was, to be taken off, and as it is, to be added. A refund that has settled leaves one. Folding deletes changes and
 * adds them to the sums in one statement (SalesRollupSql.ts), so each is counted once, whoever commits or dies when, and
 * sums and waiting changes together are always what a recount of the orders comes to. Rows of one order have rising ids.
 *
 * Buckets are UTC: a `timestamp` or `date` without a zone, because they are no instants of anybody.
 */
import { causesOfRefusal } from "@tickettoken/order-domain/Order"
import { causesOutsideSales, measures } from "@tickettoken/order-domain/SalesMeasures"
import { quoted } from "./quoted.ts"

/** The tables of this migration that hold tenants' rows. A test compares with the catalogue. */
export const salesTables: ReadonlyArray<string> = ["sales_changes", "sales_rollup", "sales_by_event"]

/** Functions of this migration. A test compares with the catalogue. */
export const salesFunctions: ReadonlyArray<string> = ["orders_note_sales", "order_refunds_note_sales"]

/** The column of each measure. */
export const measureColumns: ReadonlyArray<string> = measures.map((measure) =>
  measure.replaceAll(/([a-z])([A-Z0-9])/g, "$1_$2").toLowerCase()
)

/** What of each event is summed. */
export const eventColumns: ReadonlyArray<string> = ["sales", "tickets", "revenue", "refunded_cents"]

/** The columns of an order as it was or is. */
export const orderImageColumns = `tenant_id, sign, event_id, currency, created_at, status, refused, renewed, confirmed_at,
  called_off, given_back, tickets, pay_millis, subtotal_cents, platform_fee_cents, processing_fee_cents, tax_cents,
  total_cents`

/** The columns of a settled refund. */
const refundImageColumns = `tenant_id, sign, event_id, currency, settled_at, amount_cents, retained_cents, of_sale`

const refusals = quoted(causesOfRefusal)
const isRefused = (o: string): string =>
  `(${o}.status = 'CANCELLED' and coalesce(${o}.cancel_cause in ${refusals}, false))`

/** An order's columns as those of its image, for a row or alias. */
export const orderImage = (o: string, sign: string): string => `${o}.tenant_id, ${sign}, ${o}.event_id, ${o}.currency,
  ${o}.created_at, ${o}.status, ${isRefused(o)}, ${o}.reserved_at is not null, ${o}.confirmed_at,
  ${o}.cancelled_at is not null and not ${isRefused(o)},
  ${o}.confirmed_at is not null and ${o}.refund_committed_cents > 0,
  case when ${o}.confirmed_at is not null then (
    select coalesce(sum(i.quantity), 0)::int from order_items i where i.tenant_id = ${o}.tenant_id and i.order_id = ${o}.id
  ) end,
  case when ${o}.confirmed_at is not null then (
    select greatest(0, floor(extract(epoch from p.captured_at - ${o}.created_at) * 1000))::bigint
    from payments p where p.tenant_id = ${o}.tenant_id and p.order_id = ${o}.id and p.position = 0
  ) end,
  ${o}.subtotal_cents, ${o}.platform_fee_cents, ${o}.processing_fee_cents, ${o}.tax_cents, ${o}.total_cents`

/** A settled refund's columns as those of its image, with those of its order. */
export const refundImage = (r: string, o: string, sign: string): string => `${r}.tenant_id, ${sign}, ${o}.event_id,
  ${o}.currency, ${r}.settled_at, ${r}.amount_cents, ${r}.retained_cents,
  ${o}.confirmed_at is not null and ${r}.cause not in ${quoted(causesOutsideSales)}`

/** Which columns of an order its image is made of, of those that change. */
const watched = (o: string): string => `(${o}.status, ${o}.cancel_cause, ${o}.reserved_at is null, ${o}.confirmed_at,
  ${o}.cancelled_at is null, ${o}.refund_committed_cents > 0)`

const sums = (columns: ReadonlyArray<string>): string =>
  columns.map((column) => `${column} bigint not null default 0`).join(", ")

const tables = [
  `create table sales_changes (
    tenant_id uuid not null,
    id bigint generated always as identity,
    sign smallint not null check (sign in (-1, 1)),
    event_id uuid not null,
    currency text not null,
    created_at timestamptz,
    status text,
    refused boolean,
    renewed boolean,
    confirmed_at timestamptz,
    called_off boolean,
    given_back boolean,
    tickets integer,
    pay_millis bigint,
    subtotal_cents bigint,
    platform_fee_cents bigint,
    processing_fee_cents bigint,
    tax_cents bigint,
    total_cents bigint,
    settled_at timestamptz,
    amount_cents bigint,
    retained_cents bigint,
    of_sale boolean,
    noted_at timestamptz not null default clock_timestamp(),
    constraint sales_changes_pkey primary key (tenant_id, id),
    constraint sales_changes_of_one check ((created_at is null) <> (settled_at is null))
  ) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000)`,

  `create table sales_rollup (
    tenant_id uuid not null,
    grain text not null check (grain in ('hour', 'day')),
    starts_at timestamp not null,
    currency text not null,
    ${sums(measureColumns)},
    constraint sales_rollup_pkey primary key (tenant_id, grain, starts_at, currency),
    constraint sales_rollup_starts_with_its_grain check (starts_at = date_trunc(grain, starts_at))
  )`,

  `create table sales_by_event (
    tenant_id uuid not null,
    day date not null,
    currency text not null,
    event_id uuid not null,
    ${sums(eventColumns)},
    constraint sales_by_event_pkey primary key (tenant_id, day, currency, event_id)
  )`,

  // For monitoring, which looks at the last hours of all tenants together.
  `create index sales_rollup_hours on sales_rollup (starts_at) where grain = 'hour'`,

  // The last minutes are read from the orders themselves, and from nothing but this index.
  `create index orders_by_confirmation on orders (tenant_id, confirmed_at desc) include (currency, total_cents)
    where confirmed_at is not null`
]

const triggers = [
  `create function orders_note_sales() returns trigger language plpgsql as $$
  begin
    if tg_op = 'UPDATE' then
      insert into sales_changes (${orderImageColumns}) select ${orderImage("old", "-1")};
    end if;
    insert into sales_changes (${orderImageColumns}) select ${orderImage("new", "1")};
    return null;
  end $$`,
  `create trigger orders_note_sales_new after insert on orders
    for each row execute function orders_note_sales()`,
  `create trigger orders_note_sales_moved after update on orders
    for each row when (${watched("old")} is distinct from ${watched("new")}) execute function orders_note_sales()`,

  `create function order_refunds_note_sales() returns trigger language plpgsql as $$
  begin
    insert into sales_changes (${refundImageColumns})
      select ${refundImage("new", "o", "1")}
      from orders o where o.tenant_id = new.tenant_id and o.id = new.order_id;
    return null;
  end $$`,
  `create trigger order_refunds_note_sales_new after insert on order_refunds
    for each row when (new.state = 'COMPLETED') execute function order_refunds_note_sales()`,
  `create trigger order_refunds_note_sales_settled after update of state on order_refunds
    for each row when (new.state = 'COMPLETED' and old.state <> 'COMPLETED')
    execute function order_refunds_note_sales()`,

  // As in 0003: what a name in a function means is settled here, and by no session.
  `do $$
  declare
    fn regprocedure;
  begin
    for fn in select oid from pg_proc where pronamespace = current_schema()::regnamespace
      and proname in ${quoted(salesFunctions)}
    loop
      execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', fn, current_schema());
    end loop;
  end $$`
]

// After a transaction-local setting ends it reads as an empty text, which is no uuid.
const ownRows = `tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid`

const access = [
  ...salesTables.flatMap((table) => [
    `alter table ${table} enable row level security`,
    `alter table ${table} force row level security`,
    `create policy ${table}_tenant on ${table} to orders_app using (${ownRows}) with check (${ownRows})`,
    `grant select on ${table} to orders_auditor`,
    `create policy ${table}_audit on ${table} for select to orders_auditor using (true)`
  ]),
  `grant select, insert on sales_changes to orders_app`,
  // For a recount, which is a matter of one tenant.
  `grant select, insert, update on sales_rollup, sales_by_event to orders_app`,
  // Folding is done for all tenants together. It sees sums, and what an order adds to them; no person is in either.
  `grant select, delete on sales_changes to orders_jobs`,
  `create policy sales_changes_fold on sales_changes for select to orders_jobs using (true)`,
  `create policy sales_changes_folded on sales_changes for delete to orders_jobs using (true)`,
  ...["sales_rollup", "sales_by_event"].flatMap((table) => [
    `grant select, insert, update on ${table} to orders_jobs`,
    `create policy ${table}_read on ${table} for select to orders_jobs using (true)`,
    `create policy ${table}_add on ${table} for insert to orders_jobs with check (true)`,
    `create policy ${table}_sum on ${table} for update to orders_jobs using (true) with check (true)`
  ])
]

const read = ["orders", "order_items", "payments", "order_refunds"]

/** Every order and refund that there is, as changes to be folded. */
const allAsChanges: ReadonlyArray<string> = [
  `insert into sales_changes (${orderImageColumns}) select ${orderImage("o", "1")} from orders o`,
  `insert into sales_changes (${refundImageColumns}) select ${refundImage("r", "o", "1")}
    from order_refunds r join orders o on o.tenant_id = r.tenant_id and o.id = r.order_id where r.state = 'COMPLETED'`
]

// What is there already is a change too, to be folded like any other. As in 0006, the owner steps out of row security for
// this, inside the migration's transaction.
const backfill = [
  ...[...read, "sales_changes"].map((table) => `alter table ${table} no force row level security`),
  ...allAsChanges,
  ...[...read, "sales_changes"].map((table) => `alter table ${table} force row level security`)
]

export const salesFigures: ReadonlyArray<string> = [...tables, ...triggers, ...access, ...backfill]
