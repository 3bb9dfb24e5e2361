/** Whether a pool is whole again. */
import { inTenant } from "@tickettoken/order-server/sql/TenantTransaction"
import { freshBuyer } from "@tickettoken/order-testing/TestOrders"
import { Deferred, Effect, Ref } from "effect"
import { SqlClient } from "effect/sql"
import { POOL_SIZE } from "../../sql/database.ts"

/** As many units at once as the pool has sessions: all of them must be under way together. */
export const everySlotWorks = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const { tenantId } = yield* freshBuyer
  const begun = yield* Ref.make(0)
  const all = yield* Deferred.make<void>()
  const unit = inTenant(
    tenantId,
    Effect.gen(function* () {
      yield* sql`select 1`
      if ((yield* Ref.updateAndGet(begun, (n) => n + 1)) === POOL_SIZE) yield* Deferred.succeed(all, undefined)
      yield* Deferred.await(all)
    })
  )
  yield* Effect.all(
    Array.from({ length: POOL_SIZE }, () => unit),
    { concurrency: "unbounded" }
  )
})
