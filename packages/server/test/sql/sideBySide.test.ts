/** F43: a build of yesterday goes on working on the schema of today, while replicas of both are there. */
import { assert, describe, it, layer } from "@effect/vitest"
import { migrationTexts } from "@tickettoken/order-server/sql/Migrations"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { readdirSync, readFileSync } from "node:fs"
import * as path from "node:path"
import { layerMigrated } from "./database.ts"

/** What an older build may still need, or still do. */
const takesAway = [
  /\bdrop (?:table|column|index|constraint|policy|trigger|function|type|view|role|schema)\b/,
  /\brename (?:column|constraint|to)\b/,
  /\balter column \w+ (?:set data )?type\b/,
  /\bset not null\b/,
  /\badd constraint\b/,
  /\brevoke\b/,
  /\btruncate\b/
]

/** Migrations that do more than add, and why no older build minds. */
const excepted: { readonly [name: string]: string } = {
  "0003_guards": "no build has served without them",
  "0004_row_security": "takes temporary tables from everybody: no build makes any",
  "0006_audit_chain": "a trigger fills the columns that it requires",
  "0010_refund_keys": "before the first release: no older build was in service",
  "0011_grace_fractions": "before the first release: no older build was in service",
  "0013_sales_figures": "a trigger notes in a table of its own what builds of any age write",
  "0015_order_search": "a trigger notes in a table of its own what builds of any age write"
}

const oneLine = (text: string): string => text.toLowerCase().replaceAll(/\s+/g, " ")

/** Tables that a migration makes: nobody has used them before. */
const madeBy = (texts: ReadonlyArray<string>): ReadonlySet<string> =>
  new Set(texts.flatMap((text) => /^create table (\w+)/.exec(oneLine(text))?.[1] ?? []))

/** What a migration does to what others use, and is no addition. */
const changes = (texts: ReadonlyArray<string>): ReadonlyArray<string> => {
  const own = madeBy(texts)
  return texts.map(oneLine).filter((text) => {
    const narrowed = /^create (?:unique index|(?:constraint )?trigger) \w+ .*?\bon (\w+)/.exec(text)?.[1]
    const altered = /^alter table (\w+)/.exec(text)?.[1]
    if (own.has(narrowed ?? altered ?? "")) return false
    return narrowed !== undefined || takesAway.some((pattern) => pattern.test(text))
  })
}

describe("a migration", () => {
  it("F43 only adds, but for those that are named with a reason", () => {
    const found = Object.entries(migrationTexts).flatMap(([name, texts]) => (changes(texts).length > 0 ? [name] : []))
    assert.deepStrictEqual(found, Object.keys(excepted))
  })

  it.each([
    "alter table orders drop column vip",
    "alter table orders rename column vip to important",
    "alter table orders alter column vip type text",
    "alter table orders add constraint orders_vip check (vip)",
    "create unique index orders_one on orders (event_id)",
    "revoke select on orders from orders_app"
  ])("F43 would be refused with: %s", (text) => {
    assert.deepStrictEqual(changes([text]), [text])
  })
})

const folder = path.join(import.meta.dirname, "statements")
const Statements = Schema.fromJsonString(
  Schema.Array(Schema.Struct({ role: Schema.String, types: Schema.Array(Schema.Int), text: Schema.String }))
)
type Statement = (typeof Statements.Type)[number]

const builds = readdirSync(folder).map((file) => ({
  build: file.replace(".json", ""),
  statements: Schema.decodeUnknownSync(Statements)(readFileSync(path.join(folder, file), "utf8"))
}))

/** The names of the types that builds have given their parameters. */
const typeNames = Effect.fnUntraced(function* (statements: ReadonlyArray<Statement>) {
  const sql = yield* SqlClient.SqlClient
  const oids = [...new Set(statements.flatMap(({ types }) => types))].filter((oid) => oid !== 0)
  const rows = yield* sql.unsafe<{ oid: number; name: string }>(
    `select oid::int4 as oid, format_type(oid, null) as name from unnest(array[${oids.join(",")}]::oid[]) oid`
  ).unprepared
  return new Map(rows.map(({ name, oid }) => [oid, name]))
})

/** A statement as PostgreSQL is to look at it: planned for any values, and not run. */
const looked = ({ role, text, types }: Statement, names: ReadonlyMap<number, string>) => {
  const count = Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map(([, nth]) => Number(nth)))
  const given = Array.from({ length: count }, (_, nth) => names.get(types[nth] ?? 0) ?? "unknown")
  const parameters = count === 0 ? "" : ` (${given.join(", ")})`
  const values = count === 0 ? "" : ` (${given.map(() => "null").join(", ")})`
  return { role, made: `prepare looked_at${parameters} as ${text}`, run: `explain execute looked_at${values}` }
}

/** Looks up names, types and rights of each as its role would need them, in one go. */
const lookAt = (statements: ReadonlyArray<ReturnType<typeof looked>>) => `do $do$
declare
  one record;
  faults jsonb := '[]';
begin
  set local plan_cache_mode = force_generic_plan;
  for one in select * from jsonb_to_recordset($json$${JSON.stringify(statements)}$json$) x (role text, made text, run text) loop
    begin
      execute format('set local role %I', one.role);
      execute one.made;
      execute one.run;
    exception when others then
      faults := faults || to_jsonb(format('%s: %s: %s', one.role, sqlerrm, one.made));
    end;
    reset role;
    if exists (select 1 from pg_prepared_statements where name = 'looked_at') then
      deallocate looked_at;
    end if;
  end loop;
  perform set_config('looked.at', faults::text, true);
end $do$`

const Faults = Schema.fromJsonString(Schema.Array(Schema.String))

/** The statements that can not be planned, each with PostgreSQL's word. */
const faultsOf = Effect.fnUntraced(function* (statements: ReadonlyArray<Statement>) {
  const sql = yield* SqlClient.SqlClient
  const names = yield* typeNames(statements)
  const [row] = yield* Effect.andThen(
    sql.unsafe(lookAt(statements.map((statement) => looked(statement, names)))).unprepared,
    sql<{ faults: string }>`select current_setting('looked.at') as faults`
  ).pipe(sql.withTransaction)
  return yield* Schema.decodeUnknownEffect(Faults)(row?.faults)
})

const slow = 60_000

layer(layerMigrated, { excludeTestServices: true, timeout: slow })("the schema", (it) => {
  it.effect.each(builds)(
    "F43 still takes every statement of the build of $build",
    ({ statements }) =>
      Effect.gen(function* () {
        assert.isAbove(statements.length, 50)
        assert.deepStrictEqual(yield* faultsOf(statements), [])
      }),
    slow
  )

  it.effect(
    "F43 would be seen to lack a column or a right",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`alter table order_work rename column last_error to gone`
        yield* sql`revoke insert on order_events from orders_app`
        const faults = yield* faultsOf(builds.flatMap(({ statements }) => statements))
        for (const word of ["last_error", "permission denied for table order_events"]) {
          assert.isTrue(
            faults.some((fault) => fault.includes(word)),
            word
          )
        }
      }),
    slow
  )
})
