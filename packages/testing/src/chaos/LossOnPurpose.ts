/**
 * Whether the verdict of a run can be believed: at its end the guard is taken away that keeps what was acknowledged, and
 * an order is lost on purpose. A verdict that does not name it would not have named any other.
 */
import { Effect } from "effect"
import type { HttpClient } from "effect/http"
import type { Callers } from "./Callers.ts"
import { buyerAt, tenants } from "./ChaosCatalogue.ts"
import type { ClientLog } from "./ClientLog.ts"
import type { ChaosDatabase, OwnDatabase } from "./Injector.ts"
import { purchase } from "./Purchase.ts"
import type { Verdict } from "./Verdict.ts"

/** A setting takes effect at a session's next command: the first order may still be kept. */
const TRIES_MAX = 10
/** Behind all visitors of a run. */
const FIRST_BUYER = 900_000

export interface LossOptions {
  readonly callers: Callers
  readonly log: ClientLog
  readonly database: ChaosDatabase
  readonly own: OwnDatabase
  /** The servers take requests again. */
  readonly ready: Effect.Effect<void, never, HttpClient.HttpClient>
  readonly verdict: Effect.Effect<Verdict, never, HttpClient.HttpClient>
}

const isThere = ({ rows }: ChaosDatabase, orderId: string) =>
  Effect.map(rows(`select 1 from orders where id = '${orderId}'`), ([row]) => row !== undefined)

/** Loses an acknowledged order; answers why the verdict can not be believed, or `null` when it has named the order. */
export const loseOnPurpose = Effect.fn("LossOnPurpose.loseOnPurpose")(function* (options: LossOptions) {
  const { callers, database, log, own, ready, verdict } = options
  const [tenant] = tenants
  if (tenant === undefined) return "nothing is on sale"
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    yield* ready
    yield* own.forget
    const userId = buyerAt(FIRST_BUYER + tries)
    const key = `lost-${tries}`
    const order = yield* purchase(
      { log, untilAnswered: callers.untilAnswered },
      { tenant, userId, offer: tenant.general, quantity: 1, key }
    )
    yield* own.restart
    if (order === undefined || (yield* isThere(database, order.id))) continue
    const { lost } = yield* verdict
    return lost.some((line) => line.includes(order.id))
      ? null
      : `order ${order.id} was acknowledged and lost on purpose, and the verdict did not see it`
  }
  return `${TRIES_MAX} orders were acknowledged without waiting for the log, and a crash has lost none of them`
})
