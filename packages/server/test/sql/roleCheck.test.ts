/** A database that does not keep tenants apart is refused at boot, with every fault in one sentence. */
import { assert, layer } from "@effect/vitest"
import * as RoleCheck from "@tickettoken/order-server/sql/RoleCheck"
import { randomUuid } from "@tickettoken/order-testing/TestOrders"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { layerMigrated } from "./database.ts"

/** A role for one test; the cluster is shared. */
const role = Effect.fnUntraced(function* (attributes: string) {
  const sql = yield* SqlClient.SqlClient
  const name = `role_${(yield* randomUuid).replaceAll("-", "")}`
  const run = (text: string) => Effect.orDie(sql.unsafe(text).unprepared)
  yield* Effect.acquireRelease(run(`create role ${name} ${attributes}`), () =>
    Effect.andThen(run(`drop owned by ${name}`), run(`drop role ${name}`))
  )
  return name
})

const faultsOf = (roles?: Partial<RoleCheck.Roles>) =>
  Effect.match(RoleCheck.check(roles), {
    onSuccess: (): ReadonlyArray<string> => [],
    onFailure: (error) => (error._tag === "UnsafeDatabase" ? error.faults : [error.message])
  })

/** What a change of the schema makes of the check; undone afterwards. */
const faultsAfter = Effect.fnUntraced(function* (change: string, undo: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(change).unprepared
  return yield* Effect.ensuring(faultsOf(), Effect.orDie(sql.unsafe(undo).unprepared))
})

layer(layerMigrated, { excludeTestServices: true, timeout: "300 seconds" })("the check of roles", (it) => {
  it.effect("passes what the migrations have made", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* faultsOf(), [])
    })
  )

  it.effect("refuses a superuser", () =>
    Effect.gen(function* () {
      const app = yield* role("superuser")
      assert.include(yield* faultsOf({ app, jobs: "orders_jobs" }), `${app} is a superuser`)
      const jobs = yield* role("superuser")
      const error = yield* Effect.flip(RoleCheck.check({ app: "orders_app", jobs }))
      assert.strictEqual(error.message, `the database does not keep tenants apart: ${jobs} is a superuser`)
    }).pipe(Effect.scoped)
  )

  it.effect("refuses a role that bypasses row security", () =>
    Effect.gen(function* () {
      const jobs = yield* role("bypassrls")
      assert.deepStrictEqual(yield* faultsOf({ app: "orders_app", jobs }), [`${jobs} bypasses row security`])
    }).pipe(Effect.scoped)
  )

  it.effect("refuses the owner of a table, and whoever may become the owner", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const owner = yield* role("")
      const friend = yield* role("")
      yield* sql.unsafe(`grant ${owner} to ${friend}`).unprepared
      yield* sql.unsafe(`alter table quota_user owner to ${owner}`).unprepared
      const [me] = yield* sql<{ name: string }>`select current_user as name`
      const undo = Effect.orDie(sql.unsafe(`alter table quota_user owner to ${me?.name ?? ""}`).unprepared)
      yield* Effect.gen(function* () {
        assert.deepStrictEqual(yield* faultsOf({ app: "orders_app", jobs: owner }), [`${owner} owns quota_user`])
        assert.deepStrictEqual(yield* faultsOf({ app: "orders_app", jobs: friend }), [`${friend} owns quota_user`])
      }).pipe(Effect.ensuring(undo))
    }).pipe(Effect.scoped)
  )

  it.effect("refuses a role that is not there, and one that may act as the other", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(yield* faultsOf({ app: "orders_app", jobs: "nobody_at_all" }), [
        "the role nobody_at_all does not exist"
      ])
      const jobs = yield* role("")
      const app = yield* role("")
      yield* sql.unsafe(`grant ${jobs} to ${app}`).unprepared
      assert.include(yield* faultsOf({ app, jobs }), `${app} may act as ${jobs}`)
    }).pipe(Effect.scoped)
  )

  it.effect("refuses a table without row security, without force, or without a policy", () =>
    Effect.gen(function* () {
      const table = "create table forgotten (tenant_id uuid not null)"
      assert.deepStrictEqual(yield* faultsAfter(table, "drop table forgotten"), [
        "row security is off on forgotten",
        "row security does not bind the owner of forgotten",
        "forgotten has no policy for orders_app"
      ])
      assert.deepStrictEqual(
        yield* faultsAfter(
          "alter table orders disable row level security",
          "alter table orders enable row level security"
        ),
        ["row security is off on orders"]
      )
      assert.deepStrictEqual(
        yield* faultsAfter(
          "alter table orders no force row level security",
          "alter table orders force row level security"
        ),
        ["row security does not bind the owner of orders"]
      )
    })
  )

  it.effect("refuses a policy that shows other tenants' rows", () =>
    Effect.gen(function* () {
      const drop = "drop policy open on payments"
      const fault = ["a policy of payments shows or takes other tenants' rows"]
      for (const policy of [
        "for select to orders_app using (true)",
        "for select using (true)",
        "for insert to orders_app with check (true)",
        "to orders_app using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid) with check (true)"
      ]) {
        assert.deepStrictEqual(yield* faultsAfter(`create policy open on payments ${policy}`, drop), fault, policy)
      }
      const narrow = "create policy open on payments as restrictive to orders_app using (true)"
      assert.deepStrictEqual(yield* faultsAfter(narrow, drop), [])
    })
  )

  it.effect("refuses a role that may change the audit history", () =>
    Effect.gen(function* () {
      const fault = ["orders_app may change the audit history"]
      for (const right of ["update", "update (data)", "delete", "truncate"]) {
        const granted = yield* faultsAfter(
          `grant ${right} on order_events to orders_app`,
          `revoke ${right} on order_events from orders_app`
        )
        assert.deepStrictEqual(granted, fault, right)
      }
    })
  )

  it.effect("refuses an auditor that may write, or that sees a secret", () =>
    Effect.gen(function* () {
      const written = yield* faultsAfter(
        "grant update (status) on orders to orders_auditor",
        "revoke update (status) on orders from orders_auditor"
      )
      assert.deepStrictEqual(written, ["orders_auditor may write orders"])
      for (const [table, column] of [
        ["orders", "payment_client_secret"],
        ["idempotency", "answer_body"]
      ]) {
        const seen = yield* faultsAfter(
          `grant select (${column}) on ${table} to orders_auditor`,
          `revoke select (${column}) on ${table} from orders_auditor`
        )
        assert.deepStrictEqual(seen, [`orders_auditor may read the secrets of ${table}`])
      }
    })
  )
})
