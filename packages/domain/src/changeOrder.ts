/**
 * The one way to change an order: load it, decide, commit; and decide again when somebody else was faster.
 */
import { Duration, Effect, type Result, Schedule } from "effect"
import { Outcome, orderAfter } from "./Decision.ts"
import type { IdempotencyClaim, StoredAnswer } from "./Idempotency.ts"
import type { OrderId, TenantId } from "./Ids.ts"
import type { InboxLease } from "./InboundMessage.ts"
import type { Order } from "./Order.ts"
import type { Signed } from "./OrderCommand.ts"
import { decide } from "./OrderDecision.ts"
import { ServiceUnavailable, VersionConflict } from "./OrderErrors.ts"
import { OrderStore, type StoredOrder } from "./ports/OrderStore.ts"
import type { ClaimedWork, WorkLease } from "./Work.ts"

/**
 * How often a change is decided anew after losing a race. Each round lost means that another change has won, so as many
 * rounds are lost as there are others: more than any crowd on one order.
 */
const ROUNDS_MAX = 100

/** The pause between rounds grows up to this, so that a crowd thins out. */
const PAUSE_MILLIS_MAX = 50

/** How soon to try again after as many rounds as that. */
const RETRY_AFTER_SECONDS = 1

/** A request's idempotency key and the way its final answer is written down, in the same transaction. */
export interface Keyed<A> {
  readonly claim: IdempotencyClaim
  readonly render: (result: A) => StoredAnswer
}

export interface Change<E, R> {
  readonly tenantId: TenantId
  readonly orderId: OrderId
  /** Builds the command for the order as it now stands; may refuse, and may ask a port. */
  readonly command: (stored: StoredOrder) => Effect.Effect<Signed, E, R>
  /** Only this version may be changed: a lost race is an error then. */
  readonly expectedVersion?: number | undefined
  readonly settles?: WorkLease
  /** The message that asks for it. */
  readonly handles?: InboxLease
  readonly keyed?: Keyed<Order> | undefined
}

/** What a change leaves: the order, whether it moved, and the work that this process may run at once. */
export interface Changed {
  readonly order: Order
  readonly moved: boolean
  readonly work: ReadonlyArray<ClaimedWork>
}

/** Fails with `VersionConflict` unless the order is at the version that the caller has seen, if it named one. */
export const requireVersion = (order: Order, expected: number | undefined): Effect.Effect<void, VersionConflict> =>
  expected === undefined || expected === order.version
    ? Effect.void
    : Effect.fail(new VersionConflict({ orderId: order.id, expected, actual: order.version }))

const attempt = Effect.fnUntraced(function* <E, R>(change: Change<E, R>) {
  const store = yield* OrderStore
  const stored = yield* store.load(change.tenantId, change.orderId)
  const { order } = stored
  yield* requireVersion(order, change.expectedVersion)
  const signed = yield* change.command(stored)
  const outcome = yield* Effect.fromResult(decide(order, signed, stored.now))
  if (Outcome.$is("Unchanged")(outcome)) return { order: orderAfter(outcome), moved: false, work: [] } satisfies Changed
  const { decision } = outcome
  const { handles, keyed, settles } = change
  const committed = yield* store.commit({
    decision,
    ...(settles === undefined ? {} : { settles }),
    ...(handles === undefined ? {} : { handles }),
    ...(keyed === undefined ? {} : { claim: keyed.claim, answer: keyed.render(decision.order) })
  })
  return { order: committed.order, moved: true, work: committed.work } satisfies Changed
})

const isLostRace = (error: unknown): error is VersionConflict => error instanceof VersionConflict

const again = Schedule.exponential("2 millis", 1.3).pipe(
  Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.millis(PAUSE_MILLIS_MAX)))),
  Schedule.jittered,
  Schedule.upTo({ times: ROUNDS_MAX })
)

/**
 * Changes an order. A lost race is decided again on the new state, at most {@link ROUNDS_MAX} times; it is an error only
 * to whoever named a version. Fails with what the command builder, `decide` and `OrderStore` fail with, and with
 * `ServiceUnavailable` when all rounds were lost.
 */
export const changeOrder = <E, R>(change: Change<E, R>) =>
  attempt(change).pipe(
    Effect.retry({ schedule: again, while: (error) => change.expectedVersion === undefined && isLostRace(error) }),
    Effect.catchIf(
      (error) => change.expectedVersion === undefined && isLostRace(error),
      () => Effect.fail(inUse)
    )
  )

const inUse = new ServiceUnavailable({
  service: "orders",
  why: "the order is being changed by too many at once",
  retryAfterSeconds: RETRY_AFTER_SECONDS
})

/** The decision alone, without writing it: what `changeOrder` would do now. */
export const dryRun = (
  { now, order }: StoredOrder,
  signed: Signed
): Effect.Effect<Order, Result.Result.Failure<ReturnType<typeof decide>>> =>
  Effect.map(Effect.fromResult(decide(order, signed, now)), orderAfter)
