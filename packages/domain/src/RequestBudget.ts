/**
 * How long a request waits for the work that it has started.
 */
import { Context, Duration, Effect, Option } from "effect"
import { ServiceUnavailable } from "./OrderErrors.ts"
import type { ClaimedWork } from "./Work.ts"
import { WorkExecutor } from "./WorkExecutor.ts"

/** The wait after which a request answers "not available, try again"; the work goes on without it. */
export const RequestBudget = Context.Reference<Duration.Duration>("@tickettoken/order-domain/RequestBudget", {
  defaultValue: () => Duration.seconds(8)
})

/** How soon a caller should come back for an answer that was not ready in time. */
export const RETRY_AFTER_SECONDS = 2

/** Runs the work and waits for it within the budget; says whether it has settled. */
export const runWithinBudget = Effect.fnUntraced(function* (work: ReadonlyArray<ClaimedWork>) {
  const executor = yield* WorkExecutor
  const budget = yield* RequestBudget
  return Option.isSome(yield* executor.run(work).pipe(Effect.timeoutOption(budget)))
})

/** The order is not ready yet; the same request with the same key joins what is running. */
export const notReady = (why: string): ServiceUnavailable =>
  new ServiceUnavailable({ service: "orders", why, retryAfterSeconds: RETRY_AFTER_SECONDS })
