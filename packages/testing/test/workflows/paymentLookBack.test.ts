/**
 * Money that is taken for an intent which the payment service has called cancelled, and that nobody tells of, as tables
 * over the workflows in memory: the look back finds it (rule 3.13), and nobody else does.
 *
 * Columns: step | answer | state with its deadline | money and refunds | tickets held + allocated. See
 * scenarioWorkflows.ts.
 */
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { layer } from "@tickettoken/order-testing/scenarioActors"
import { playWorkflows } from "@tickettoken/order-testing/scenarioWorkflows"

const plays = (table: string) => playWorkflows(table).pipe(Effect.provide(layer))

describe("a payment that comes after its intent was cancelled", () => {
  it.effect("3.13, 3.7 of an expired order is found five minutes after its end, and confirms it late", () =>
    plays(`
      buys 2 general | ok    | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 18 minutes
      expiry         | 1 due | EXPIRED                        | UNPAID | 0+0
      work           | 0 due | EXPIRED                        | UNPAID | 0+0
      pays           | ok    | EXPIRED                        | UNPAID | 0+0
      tick 4 minutes
      look back      | ok    | EXPIRED                        | UNPAID | 0+0
      tick 1 minute
      look back      | ok    | CONFIRMED late                 | PAID   | 0+2
    `)
  )

  it.effect("3.13, 4.7 of a cancelled order is found, and goes back as the policy says", () =>
    plays(`
      buys 2 general | ok    | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      cancels        | ok    | CANCELLED BUYER                | UNPAID | 0+0
      work           | 0 due | CANCELLED BUYER                | UNPAID | 0+0
      pays           | ok    | CANCELLED BUYER                | UNPAID | 0+0
      tick 5 minutes
      look back      | ok    | REFUNDED | REFUNDED, 1 COMPLETED 22808 | 0+0
    `)
  )

  it.effect("3.13 of money that comes hours later is found by a later look", () =>
    plays(`
      buys 2 general | ok    | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 18 minutes
      expiry         | 1 due | EXPIRED                        | UNPAID | 0+0
      tick 70 minutes
      look back      | ok    | EXPIRED                        | UNPAID | 0+0
      pays           | ok    | EXPIRED                        | UNPAID | 0+0
      look back      | ok    | EXPIRED                        | UNPAID | 0+0
      tick 1440 minutes
      look back      | ok    | CONFIRMED late                 | PAID   | 0+2
    `)
  )

  it.effect("3.13 a payment service that does not answer is asked again at the next round", () =>
    plays(`
      buys 2 general | ok    | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 18 minutes
      expiry         | 1 due | EXPIRED                        | UNPAID | 0+0
      pays           | ok    | EXPIRED                        | UNPAID | 0+0
      tick 6 minutes
      next payments.getIntent failBefore
      look back      | ok    | EXPIRED                        | UNPAID | 0+0
      look back      | ok    | CONFIRMED late                 | PAID   | 0+2
    `)
  )

  it.effect("3.13, 3.6 money that can not be the order's payment changes nothing, and is asked about once a look", () =>
    plays(`
      buys 2 general | ok    | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 18 minutes
      expiry         | 1 due | EXPIRED                        | UNPAID | 0+0
      pays 999       | ok    | EXPIRED                        | UNPAID | 0+0
      tick 6 minutes
      look back      | ok    | EXPIRED                        | UNPAID | 0+0
    `)
  )

  it.effect("3.13 twin: without the look back nobody finds it", () =>
    plays(`
      buys 2 general | ok    | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 18 minutes
      expiry         | 1 due | EXPIRED                        | UNPAID | 0+0
      pays           | ok    | EXPIRED                        | UNPAID | 0+0
      tick 120 minutes
      watch          | ok    | EXPIRED                        | UNPAID | 0+0
      expiry         | 0 due | EXPIRED                        | UNPAID | 0+0
      work           | 0 due | EXPIRED                        | UNPAID | 0+0
    `)
  )
})
