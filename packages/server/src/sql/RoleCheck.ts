/**
 * Refuses a database in which one tenant could see another's rows, before the first request is served.
 *
 * Row security is silently off for superusers, for roles that bypass it and, unless it is forced, for owners; a table
 * that somebody adds later has none at all. Nothing of that is an error to PostgreSQL, so it is looked up here.
 */
import type { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { orUnavailable } from "./sqlFailures.ts"
import { appRole, auditorRole, jobsRole } from "./TenantTransaction.ts"
import { secretColumns } from "./migrations/0005_alarms.ts"

/** The database does not keep tenants apart. */
export class UnsafeDatabase extends Schema.TaggedError<UnsafeDatabase>()("UnsafeDatabase", {
  faults: Schema.NonEmptyArray(Schema.String)
}) {
  override get message(): string {
    return `the database does not keep tenants apart: ${this.faults.join("; ")}`
  }
}

/** The roles that units of work take. */
export interface Roles {
  readonly app: string
  readonly jobs: string
  readonly auditor: string
}

const serviceRoles: Roles = { app: appRole, jobs: jobsRole, auditor: auditorRole }

/** Each column that the auditor must not see, as `table.column`. */
const secrets = Object.entries(secretColumns).flatMap(([table, columns]) => columns.map((name) => `${table}.${name}`))

// Membership counts as ownership: a member can become the owner. From version 16 on, being a member and being allowed
// to take the role are two things.
const findFaults = (sql: SqlClient.SqlClient, { app, auditor, jobs }: Roles) => sql<{ readonly fault: string }>`
  with wanted (name) as (values (${app}::text), (${jobs}::text), (${auditor}::text)),
  taken as (select r.oid, r.rolname, r.rolsuper, r.rolbypassrls from pg_roles r join wanted w on w.name = r.rolname),
  app as (select oid, rolname from taken where rolname = ${app}),
  auditor as (select oid, rolname from taken where rolname = ${auditor} and not rolsuper),
  tenant_tables as (
    select c.oid, c.relname, c.relowner, c.relrowsecurity, c.relforcerowsecurity
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
      and a.attname = 'tenant_id' and not a.attisdropped
  ),
  policies as (
    select p.polrelid, coalesce(pg_get_expr(p.polqual, p.polrelid), '') as shown,
      coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') as written, p.polcmd
    from pg_policy p, app
    where p.polpermissive and (0 = any (p.polroles) or exists (
      select 1 from unnest(p.polroles) member (oid)
      where member.oid <> 0 and pg_has_role(app.oid, member.oid, 'MEMBER')
    ))
  )
  select format('the role %s does not exist', w.name) as fault
    from wanted w where not exists (select 1 from taken t where t.rolname = w.name)
  union all select format('%s is a superuser', rolname) from taken where rolsuper
  union all select format('%s bypasses row security', rolname) from taken where rolbypassrls and not rolsuper
  union all select format('%s owns %s', t.rolname, string_agg(c.relname, ', ' order by c.relname))
    from taken t join tenant_tables c on pg_has_role(t.oid, c.relowner, 'MEMBER')
    where not t.rolsuper group by t.rolname
  union all select format('%s may not take the role %s', current_user, t.rolname)
    from taken t
    where not pg_has_role(current_user, t.oid,
      case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end)
  union all select format('%s may act as %s', a.rolname, t.rolname)
    from (select * from app union select * from auditor) a join taken t on t.oid <> a.oid and pg_has_role(a.oid, t.oid, 'MEMBER')
    where not exists (select 1 from taken s where s.oid = a.oid and s.rolsuper)
  union all select 'there is no table with a tenant_id' where not exists (select 1 from tenant_tables)
  union all select format('row security is off on %s', relname) from tenant_tables where not relrowsecurity
  union all select format('row security does not bind the owner of %s', relname)
    from tenant_tables where not relforcerowsecurity
  union all select format('%s has no policy for %s', c.relname, a.rolname)
    from tenant_tables c, app a
    where not exists (select 1 from policies p where p.polrelid = c.oid and p.polcmd = '*' and p.written <> '')
  union all select format('a policy of %s shows or takes other tenants'' rows', c.relname)
    from tenant_tables c join policies p on p.polrelid = c.oid
    where (p.polcmd <> 'a' and p.shown not like '%app.tenant_id%')
      or (p.written <> '' and p.written not like '%app.tenant_id%')
  union all select format('%s may change the audit history', a.rolname)
    from app a join tenant_tables c on c.relname = 'order_events'
    where has_table_privilege(a.oid, c.oid, 'DELETE') or has_table_privilege(a.oid, c.oid, 'TRUNCATE')
      or has_any_column_privilege(a.oid, c.oid, 'UPDATE')
  union all select format('%s may write %s', a.rolname, c.relname)
    from auditor a join tenant_tables c on true
    where has_table_privilege(a.oid, c.oid, 'DELETE') or has_table_privilege(a.oid, c.oid, 'TRUNCATE')
      or has_any_column_privilege(a.oid, c.oid, 'INSERT') or has_any_column_privilege(a.oid, c.oid, 'UPDATE')
  union all select format('%s may read the secrets of %s', a.rolname, c.relname)
    from auditor a join tenant_tables c on true
      join pg_attribute s on s.attrelid = c.oid and c.relname || '.' || s.attname in ${sql.in(secrets)}
    where has_column_privilege(a.oid, c.oid, s.attnum, 'SELECT')`

/** Fails with every fault that is found, in one sentence. The roles are an argument for tests alone. */
export const check = Effect.fn("RoleCheck.check")(function* (
  roles: Partial<Roles> = {}
): Effect.fn.Return<void, UnsafeDatabase | ServiceUnavailable, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const [first, ...rest] = yield* orUnavailable(findFaults(sql, { ...serviceRoles, ...roles }))
  if (first !== undefined) {
    return yield* new UnsafeDatabase({ faults: [first.fault, ...rest.map(({ fault }) => fault)] })
  }
})
