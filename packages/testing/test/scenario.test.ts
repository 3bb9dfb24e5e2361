/**
 * The table runner itself: it moves the clock, compares every cell, and does not take a wrong table for a right one.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit } from "effect"
import { clockOf, play, type Stage } from "@tickettoken/order-testing/scenario"
import { playDecide } from "@tickettoken/order-testing/scenarioDecide"

/** Says what time it is. */
const clockStage: Stage = {
  perform: () => Effect.map(Clock.currentTimeMillis, (millis) => [clockOf(millis)])
}

const fails = (table: string) =>
  Effect.map(Effect.exit(playDecide(table)), (exit) => assert.isTrue(Exit.isFailure(exit), table))

describe("a table", () => {
  it.effect("moves the clock by its tick rows, and leaves remarks and blank lines to the reader", () =>
    play(
      `
      look | 0:00
      tick 15 minutes

      -- a remark
      look | 15:00
      tick 1 hour 2 minutes 3 seconds 4 millis
      look | 1:17:03.004
      tick 1 day
      look | 25:17:03.004
      `,
      clockStage
    )
  )

  it.effect("fails where a cell differs, is missing or is too much", () =>
    Effect.gen(function* () {
      yield* playDecide("payable | PENDING/AWAITING_PAYMENT 15:00 | UNPAID")
      yield* fails("payable | PENDING/AWAITING_PAYMENT 15:01 | UNPAID")
      yield* fails("payable | PENDING/AWAITING_PAYMENT 15:00")
      yield* fails("payable | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | ORDER_CREATED")
    })
  )

  it.effect("fails on words that no stage knows", () =>
    Effect.gen(function* () {
      yield* fails("payable, with cream | PENDING/AWAITING_PAYMENT 15:00 | UNPAID")
      yield* fails("payable | PENDING/AWAITING_PAYMENT 15:00 | UNPAID\ntick some minutes")
      yield* fails("paid | CONFIRMED | PAID")
    })
  )
})
