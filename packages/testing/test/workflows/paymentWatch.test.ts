/**
 * Payments that nobody tells of (K1), as tables over the workflows in memory: found by the watch, by expiry, or by the
 * work that closes an intent, within a minute of the capture.
 *
 * Columns: step | answer | state with its deadline | money and refunds | tickets held + allocated. See
 * scenarioWorkflows.ts.
 */
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { holdPolicy } from "@tickettoken/order-domain/Hold"
import { layer, layerWith } from "@tickettoken/order-testing/scenarioActors"
import { playWorkflows } from "@tickettoken/order-testing/scenarioWorkflows"

const plays = (table: string) => playWorkflows(table).pipe(Effect.provide(layer))

/** The work that closes an intent has been tried until its tries are as far apart as they get. */
const patiently = `
      tick 1 minute
      work | 1 due | EXPIRED | UNPAID | 0+0
`.repeat(8)

describe("a payment that nobody tells of", () => {
  it.effect("3.13 before the deadline is confirmed by the watch, once the order is five minutes old", () =>
    plays(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      pays           | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 4 minutes
      watch          | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 1 minute
      watch          | ok | CONFIRMED                      | PAID   | 0+2
      watch          | ok | CONFIRMED                      | PAID   | 0+2
      rest           | ok | CONFIRMED                      | PAID   | 0+2
    `)
  )

  it.effect("3.13 of an older order is confirmed at the next round, 20 seconds after the capture at the latest", () =>
    plays(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 8 minutes
      watch          | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      pays           | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 20 seconds
      watch          | ok | CONFIRMED                      | PAID   | 0+2
    `)
  )

  it.effect("3.13, 3.4 within grace is confirmed by the watch, and is not late", () =>
    plays(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 16 minutes
      watch          | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      pays           | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 20 seconds
      watch          | ok | CONFIRMED                      | PAID   | 0+2
    `)
  )

  it.effect("3.13, 3.5 at the very end of grace is left to expiry, and is not late", () =>
    plays(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 16 minutes
      pays           | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 1 minute
      watch          | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      expiry         | 1 due | CONFIRMED                   | PAID   | 0+2
    `)
  )

  it.effect("3.13, 3.7 after expiry is found within a minute by the work that closes the intent: stock free", () =>
    plays(`
      buys 1 last seat                  | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      is processing                     | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      tick 17 minutes
      expiry                            | 1 due | PENDING/AWAITING_PAYMENT 27:00 | UNPAID | 1+0
      tick 12 minutes
      expiry                            | 1 due | EXPIRED | UNPAID | 0+0
      ${patiently}
      pays                              | ok | EXPIRED | UNPAID | 0+0
      tick 30 seconds
      work                              | 1 due | CONFIRMED late | PAID | 0+1
    `)
  )

  it.effect("3.8, 3.13 a payment that has failed for good ends its order", () =>
    plays(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 6 minutes
      fails          | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      watch          | ok | CANCELLED PAYMENT_FAILED       | UNPAID | 0+0
      rest           | ok | CANCELLED PAYMENT_FAILED       | UNPAID | 0+0
    `)
  )

  it.effect("3.13 a payment under way is left alone, and no deadline moves", () =>
    plays(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 14 minutes
      watch          | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      is processing  | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      watch          | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
    `)
  )

  it.effect("3.13, 3.6 money that can not be the order's payment changes nothing", () =>
    plays(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      pays 999       | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 6 minutes
      watch          | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
    `)
  )

  it.effect("3.13 a payment service that does not answer about one order is asked about the next", () =>
    plays(`
      buys 1 general       | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      tick 1 minute
      other buys 1 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      pays                 | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 6 minutes
      next payments.getIntent failBefore
      watch                | ok | CONFIRMED | PAID | 1+1
    `)
  )

  it.effect("3.13 a payment that is not shown to us keeps no other from being asked about", () =>
    plays(`
      buys 1 general       | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      tick 1 minute
      other buys 1 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      pays                 | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 6 minutes
      next payments.getIntent refuse
      watch                | ok | CONFIRMED | PAID | 1+1
    `)
  )

  it.effect("3.6 a payment that is not shown to us confirms nothing, and is no outage", () =>
    plays(`
      buys 1 general       | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      pays                 | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      next payments.getIntent refuse
      confirm              | ! PaymentMismatch | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      confirm              | ok | CONFIRMED | PAID | 0+1
    `)
  )

  it.effect("3.13 a hold that is shorter than five minutes is asked about before it ends", () =>
    playWorkflows(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 3:00 |  UNPAID | 2+0
      pays           | ok | PENDING/AWAITING_PAYMENT 3:00 |  UNPAID | 2+0
      watch          | ok | PENDING/AWAITING_PAYMENT 3:00 |  UNPAID | 2+0
      tick 1 minute
      watch          | ok | CONFIRMED                      | PAID   | 0+2
    `).pipe(Effect.provide(layerWith({ policies: { hold: { ...holdPolicy, standardMinutes: 3 } } })))
  )
})
