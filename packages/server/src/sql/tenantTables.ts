/**
 * Every table of the schema, by what guards it. A migration that makes one adds it here; tests compare with the
 * catalogue.
 */
import { tenantTables as tablesOf0004 } from "./migrations/0004_row_security.ts"
import { alarmTables } from "./migrations/0005_alarms.ts"
import { bulkTables } from "./migrations/0008_bulk_jobs.ts"
import { paymentLookTables } from "./migrations/0012_payment_looks.ts"
import { salesTables } from "./migrations/0013_sales_figures.ts"
import { searchTables } from "./migrations/0015_order_search.ts"

/** Those that hold tenants' rows: row security is on, forced, and has a policy for the tenant's own rows. */
export const tenantTables: ReadonlyArray<string> = [
  ...tablesOf0004,
  ...alarmTables,
  ...bulkTables,
  "inbox",
  ...salesTables,
  ...searchTables
]

/** Those that hold nothing of any tenant. */
export const sharedTables: ReadonlyArray<string> = ["orders_migrations", "chore_slots", ...paymentLookTables]

/** Tables of tenants whose key does not begin with the tenant. */
export const keyedOtherwise: ReadonlyArray<string> = [
  // The key of a call, which holds the order's own id: unique for everybody.
  "order_work",
  // A number that nobody is told: an alarm may be of no tenant.
  "alarms"
]
