/**
 * What orders are searched by, besides what lists are filtered by: the total, and entries of their metadata.
 *
 * An entry is a key at the top with a value that holds no others. Each is a row, named by a digest of both: no index on
 * the metadata itself could be used, because row security lets only such comparisons near one as can tell nothing of
 * other tenants' rows. Metadata is written once, with its order, and so are these.
 */
import { quoted } from "./quoted.ts"

/** The tables of this migration that hold tenants' rows. A test compares with the catalogue. */
export const searchTables: ReadonlyArray<string> = ["order_metadata"]

/** Functions of this migration. A test compares with the catalogue. */
export const searchFunctions: ReadonlyArray<string> = ["orders_note_metadata"]

/** The entries of an order, for a row or alias. */
const entriesOf = (o: string): string => `select ${o}.tenant_id,
    md5(jsonb_build_array(e.key, e.value)::text)::uuid, ${o}.created_at, ${o}.id`
const scalars = `jsonb_typeof(e.value) in ('string', 'number', 'boolean', 'null')`

// After a transaction-local setting ends it reads as an empty text, which is no uuid.
const ownRows = `tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid`

export const orderSearch: ReadonlyArray<string> = [
  `create index orders_by_total on orders (tenant_id, total_cents, created_at desc, id desc)`,

  `create table order_metadata (
    tenant_id uuid not null,
    entry uuid not null,
    created_at timestamptz not null,
    order_id uuid not null,
    constraint order_metadata_pkey primary key (tenant_id, entry, created_at, order_id)
  )`,
  `alter table order_metadata enable row level security`,
  `alter table order_metadata force row level security`,
  `create policy order_metadata_tenant on order_metadata to orders_app using (${ownRows}) with check (${ownRows})`,
  `grant select, insert on order_metadata to orders_app`,
  `grant select on order_metadata to orders_auditor`,
  `create policy order_metadata_audit on order_metadata for select to orders_auditor using (true)`,

  `create function orders_note_metadata() returns trigger language plpgsql as $$
  begin
    insert into order_metadata (tenant_id, entry, created_at, order_id)
      ${entriesOf("new")} from jsonb_each(new.metadata::jsonb) e where ${scalars};
    return null;
  end $$`,
  `create trigger orders_note_metadata after insert on orders
    for each row when (new.metadata::text <> '{}') execute function orders_note_metadata()`,
  // As in 0003: what a name in a function means is settled here, and by no session.
  `do $$
  declare
    fn regprocedure;
  begin
    for fn in select oid from pg_proc where pronamespace = current_schema()::regnamespace
      and proname in ${quoted(searchFunctions)}
    loop
      execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', fn, current_schema());
    end loop;
  end $$`,

  // What is there already. As in 0006, the owner steps out of row security for this.
  ...["orders", "order_metadata"].map((table) => `alter table ${table} no force row level security`),
  `insert into order_metadata (tenant_id, entry, created_at, order_id)
    ${entriesOf("o")} from orders o, jsonb_each(o.metadata::jsonb) e where o.metadata::text <> '{}' and ${scalars}`,
  ...["orders", "order_metadata"].map((table) => `alter table ${table} force row level security`)
]
