/** A process that dies at a point: the call does not happen or is not answered, and nothing that it does counts afterwards. */
import { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { BulkJobs } from "@tickettoken/order-domain/ports/BulkJobs"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { Effect } from "effect"

/** A call, by its operation: one of `BulkJobs`, or an order's commit. */
export type Call = "open" | "renew" | "meet" | "due" | "record" | "leave" | "commit"

export interface Death {
  readonly at: Call
  readonly when: "before" | "after"
  /** Of these calls, which one. */
  readonly nth: number
}

const dead = new ServiceUnavailable({ service: "database", why: "the process is dead", retryAfterSeconds: 1 })

/** A life to run something in. `died` says whether its death has come. */
export const mortal = Effect.fnUntraced(function* (death: Death) {
  const jobs = yield* BulkJobs
  const store = yield* OrderStore
  let calls = 0
  let hasDied = false
  const lived = <A, E>(at: Call, call: Effect.Effect<A, E>): Effect.Effect<A, E | ServiceUnavailable> =>
    Effect.suspend((): Effect.Effect<A, E | ServiceUnavailable> => {
      if (hasDied) return Effect.fail(dead)
      if (at !== death.at) return call
      calls += 1
      if (calls !== death.nth) return call
      hasDied = true
      return death.when === "before" ? Effect.fail(dead) : Effect.andThen(Effect.exit(call), Effect.fail(dead))
    })
  const mortalJobs = BulkJobs.of({
    open: (job) => lived("open", jobs.open(job)),
    claim: jobs.claim,
    renew: (lease) => lived("renew", jobs.renew(lease)),
    meet: (lease, page) => lived("meet", jobs.meet(lease, page)),
    due: (lease, limit) => lived("due", jobs.due(lease, limit)),
    record: (lease, outcomes) => lived("record", jobs.record(lease, outcomes)),
    leave: (lease) => lived("leave", jobs.leave(lease))
  })
  const mortalStore = OrderStore.of({ ...store, commit: (commit) => lived("commit", store.commit(commit)) })
  return {
    died: () => hasDied,
    live: <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.exit(
        effect.pipe(Effect.provideService(BulkJobs, mortalJobs), Effect.provideService(OrderStore, mortalStore))
      )
  }
})
