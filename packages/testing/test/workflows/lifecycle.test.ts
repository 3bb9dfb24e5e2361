/**
 * The rules as tables over the workflows, with every port in memory: what buyers, payments, organisers and sweepers do,
 * and what order, money and tickets have come to.
 *
 * Columns: step | answer | state with its deadline | money and refunds | tickets held + allocated. See
 * scenarioWorkflows.ts.
 */
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { layer, layerWith } from "@tickettoken/order-testing/scenarioActors"
import { playWorkflows } from "@tickettoken/order-testing/scenarioWorkflows"

const plays = (table: string) => playWorkflows(table).pipe(Effect.provide(layer))

describe("buying", () => {
  it.effect("3.1 creates a payable order and confirms it when it is paid", () =>
    plays(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      pays           | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      confirm        | ok | CONFIRMED                      | PAID   | 0+2
      confirm        | ok | CONFIRMED                      | PAID   | 0+2
    `)
  )

  it.effect("1.4 confirms free tickets at once", () =>
    plays(`
      buys 2 free    | ok | CONFIRMED | PAID | 0+2
    `)
  )

  it.effect("3.2 holds for 30 minutes when the buyer or a ticket is VIP", () =>
    plays(`
      buys 1 general, as vip  | ok | PENDING/AWAITING_PAYMENT 30:00 | UNPAID | 1+0
      buys 1 general + 1 vip  | ok | PENDING/AWAITING_PAYMENT 30:00 | UNPAID | 2+0
      buys 1 general          | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 3+0
    `)
  )

  it.effect("2.3 refuses a cancelled event, and one that has started", () =>
    plays(`
      buys 1 cancelled | ! EventCancelled
      tick 12 hours
      buys 1 soon      | ! EventNotOnSale
    `)
  )

  it.effect("2.2 lets a user have five active orders for an event, and any number of users", () =>
    plays(`
      buys 1 general       | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      buys 1 general       | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      buys 1 general       | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 3+0
      buys 1 general       | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 4+0
      buys 1 general       | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 5+0
      buys 1 general       | ! OrderLimitExceeded | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 5+0
      other buys 1 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 6+0
      cancels              | ok | CANCELLED BUYER | UNPAID | 5+0
    `)
  )

  it.effect("2.1 refuses eleven of a line, and tickets of another event", () =>
    plays(`
      buys 11 general          | ! QuantityRuleBroken
      buys 1 general + 1 soon  | ! PricingMismatch
    `)
  )

  it.effect("3.1 says sold out, and the last seat is had again when it is given back", () =>
    plays(`
      buys 1 last seat       | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      cancels                | ok | CANCELLED BUYER | UNPAID | 0+0
      other buys 1 last seat | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      buys 1 last seat       | ! TicketsSoldOut | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
    `)
  )

  it.effect("6 makes one order under one key, however often it is asked", () =>
    plays(`
      buys 1 general, key k | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      buys 1 general, key k | ! IdempotencyConflict | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      tick 31 minutes
      buys 1 general, key k | ! IdempotencyKeyUsed | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 0+0
    `)
  )
})

describe("holding", () => {
  it.effect("3.3 lengthens the ticket service's hold with the deadline", () =>
    plays(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00  | UNPAID | 2+0
      tick 14 minutes
      reserves       | ok | RESERVED/AWAITING_PAYMENT 29:00 | UNPAID | 2+0
      tick 16 minutes
      look           | ok | RESERVED/AWAITING_PAYMENT 29:00 | UNPAID | 2+0
      reserves       | ! ReservationExpired | RESERVED/AWAITING_PAYMENT 29:00 | UNPAID | 2+0
    `)
  )

  it.effect("3.4 confirms a payment inside grace", () =>
    plays(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 16 minutes 59 seconds
      expiry         | 0 due | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      pays           | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      confirm        | ok | CONFIRMED | PAID | 0+2
    `)
  )

  it.effect("3.5 expires after grace, closes the intent and gives the stock back", () =>
    plays(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 17 minutes
      expiry         | 1 due | EXPIRED | UNPAID | 0+0
      expiry         | 0 due | EXPIRED | UNPAID | 0+0
      confirm        | ! PaymentMismatch | EXPIRED | UNPAID | 0+0
    `)
  )

  it.effect("3.5 asks the payment service first: what it has taken confirms, and is not late", () =>
    plays(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      pays           | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 17 minutes
      expiry         | 1 due | CONFIRMED | PAID | 0+2
    `)
  )

  it.effect("3.5 waits once for a payment that is being processed", () =>
    plays(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      is processing  | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 17 minutes
      expiry         | 1 due | PENDING/AWAITING_PAYMENT 27:00 | UNPAID | 2+0
      tick 12 minutes
      expiry         | 1 due | EXPIRED | UNPAID | 0+0
      pays           | ok | EXPIRED | UNPAID | 0+0
      confirm        | ok | CONFIRMED late | PAID | 0+2
    `)
  )

  it.effect("3.5 goes on asking about a payment that could not be stopped, and takes its money as late", () =>
    plays(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      is processing  | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 17 minutes
      expiry         | 1 due | PENDING/AWAITING_PAYMENT 27:00 | UNPAID | 2+0
      tick 12 minutes
      expiry         | 1 due | EXPIRED | UNPAID | 0+0
      bank settles   | ok | EXPIRED | UNPAID | 0+0
      tick 1 minute
      work           | 1 due | CONFIRMED late | PAID | 0+2
    `)
  )

  it.effect("3.5 keeps asking a payment service that is away for ten minutes, and then expires anyway", () =>
    plays(`
      buys 2 general                    | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 17 minutes
      next payments.getIntent failBefore
      expiry                            | 1 due | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 2 minutes
      next payments.getIntent failBefore
      work                              | 1 due | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 9 minutes
      next payments.getIntent failBefore
      work                              | 1 due | EXPIRED | UNPAID | 0+0
      rest                              | ok | EXPIRED | UNPAID | 0+0
    `)
  )

  it.effect("3.5 does not keep an order open for money that can not be its payment", () =>
    plays(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      pays 999       | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      confirm        | ! PaymentMismatch | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      tick 17 minutes
      expiry         | 1 due | EXPIRED | UNPAID | 0+0
    `)
  )
})

describe("paying", () => {
  it.effect("3.6 believes the payment service alone", () =>
    plays(`
      buys 2 general    | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      confirm           | ! PaymentMismatch | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      pays in EUR       | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      confirm           | ! PaymentMismatch | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
    `)
  )

  it.effect("3.6 records a second payment and returns it", () =>
    plays(`
      buys 2 general    | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      pays              | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      confirm           | ok | CONFIRMED | PAID | 0+2
      pays twice        | ok | CONFIRMED | PAID | 0+2
      confirm the other | ! OrderAlreadyConfirmed | CONFIRMED | PAID, 1 COMPLETED 23338 | 0+2
      confirm the other | ! OrderAlreadyConfirmed | CONFIRMED | PAID, 1 COMPLETED 23338 | 0+2
    `)
  )

  it.effect("3.7 takes stock again for late money, or returns it whole", () =>
    plays(`
      buys 1 last seat | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      tick 17 minutes
      expiry           | 1 due | EXPIRED | UNPAID | 0+0
      pays             | ok | EXPIRED | UNPAID | 0+0
      confirm          | ok | CONFIRMED late | PAID | 0+1
      buys 1 free      | ok | CONFIRMED | PAID | 0+1
      other buys 1 vip | ok | PENDING/AWAITING_PAYMENT 30:00 | UNPAID | 1+0
      tick 32 minutes
      expiry           | 1 due | EXPIRED | UNPAID | 0+0
      stock is gone    | ok | EXPIRED | UNPAID | 100+0
      pays             | ok | EXPIRED | UNPAID | 100+0
      confirm          | ! ReservationExpired | EXPIRED | REFUNDED, 1 COMPLETED 29165 | 100+0
    `)
  )

  it.effect("3.7 returns late money of a cancelled event whole", () =>
    plays(`
      buys 1 general     | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      tick 17 minutes
      expiry             | 1 due | EXPIRED | UNPAID | 0+0
      event is cancelled | ok | EXPIRED | UNPAID | 0+0
      pays               | ok | EXPIRED | UNPAID | 0+0
      confirm            | ! ReservationExpired | EXPIRED | REFUNDED, 1 COMPLETED 11685 | 0+0
    `)
  )

  it.effect("3.8 keeps the hold after a decline, and ends the order after a final failure", () =>
    plays(`
      buys 2 general        | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      is declined           | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      is declined for good  | ok | CANCELLED PAYMENT_FAILED | UNPAID | 0+0
    `)
  )

  it.effect("3.8 ends the order at the first decline where the tenant wants it so", () =>
    playWorkflows(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      is declined    | ok | CANCELLED PAYMENT_FAILED | UNPAID | 0+0
    `).pipe(Effect.provide(layerWith({ policies: { declines: "cancel" } })))
  )
})

describe("going back", () => {
  it.effect("4.3 cancelling returns 22808 of 23338 and gives the tickets back", () =>
    plays(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      pays           | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      confirm        | ok | CONFIRMED | PAID | 0+2
      cancels        | ok | REFUNDED | REFUNDED, 1 COMPLETED 22808 | 0+0
      cancels        | ! InvalidTransition | REFUNDED | REFUNDED, 1 COMPLETED 22808 | 0+0
    `)
  )

  it.effect("4.1 is the buyer's until 24 hours before, and an admin's at any time", () =>
    plays(`
      buys 1 soon     | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      pays            | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      confirm         | ok | CONFIRMED | PAID | 0+1
      cancels         | ! CancellationWindowClosed | CONFIRMED | PAID | 0+1
      asks everything | ! CancellationWindowClosed | CONFIRMED | PAID | 0+1
      admin asks 1000 | ok | CONFIRMED | PARTIALLY_REFUNDED, 1 COMPLETED 1000 | 0+1
      admin cancels   | ok | REFUNDED | REFUNDED, 1 COMPLETED 1000, 2 COMPLETED 10405 | 0+0
    `)
  )

  it.effect("4.7 money that has won against the cancellation is returned by the policy", () =>
    plays(`
      buys 2 general | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      pays           | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      cancels        | ok | REFUNDED | REFUNDED, 1 COMPLETED 22808 | 0+0
      confirm        | ! InvalidTransition | REFUNDED | REFUNDED, 1 COMPLETED 22808 | 0+0
    `)
  )

  it.effect("4.7 a line that is back as a whole frees its tickets", () =>
    plays(`
      buys 2 general + 1 vip | ok | PENDING/AWAITING_PAYMENT 30:00 | UNPAID | 2+0
      pays                   | ok | PENDING/AWAITING_PAYMENT 30:00 | UNPAID | 2+0
      confirm                | ok | CONFIRMED | PAID | 0+2
      asks 1 of line 1       | ok | CONFIRMED | PARTIALLY_REFUNDED, 1 COMPLETED 11380 | 0+2
      asks 1 of line 1       | ok | CONFIRMED | PARTIALLY_REFUNDED, 1 COMPLETED 11380, 2 COMPLETED 11410 | 0+0
    `)
  )

  it.effect("4.5 a refund of 500.00 waits for a person", () =>
    plays(`
      buys 5 general   | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 5+0
      pays             | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 5+0
      confirm          | ok | CONFIRMED | PAID | 0+5
      asks 50000       | ok | CONFIRMED | PAID, 1 PENDING 50000 | 0+5
      rest             | ok | CONFIRMED | PAID, 1 PENDING 50000 | 0+5
      admin approves 1 | ok | CONFIRMED | PARTIALLY_REFUNDED, 1 COMPLETED 50000 | 0+5
      admin rejects 1  | ! RefundStateConflict | CONFIRMED | PARTIALLY_REFUNDED, 1 COMPLETED 50000 | 0+5
    `)
  )

  it.effect("4.6 a refund that is pending is asked about until it has arrived", () =>
    plays(`
      buys 2 general         | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      pays                   | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      confirm                | ok | CONFIRMED | PAID | 0+2
      refund will wait | ok | CONFIRMED | PAID | 0+2
      cancels                | ok | CANCELLED BUYER | PAID, 1 PROCESSING 22808 | 0+0
      tick 31 seconds
      work                   | 1 due | CANCELLED BUYER | PAID, 1 PROCESSING 22808 | 0+0
      bank settles           | ok | CANCELLED BUYER | PAID, 1 PROCESSING 22808 | 0+0
      tick 31 seconds
      work                   | 1 due | REFUNDED | REFUNDED, 1 COMPLETED 22808 | 0+0
    `)
  )

  it.effect("4.6 a refund that failed is tried again under a new key", () =>
    plays(`
      buys 2 general    | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      pays              | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      confirm           | ok | CONFIRMED | PAID | 0+2
      refund will fail | ok | CONFIRMED | PAID | 0+2
      cancels           | ok | CANCELLED BUYER | PAID, 1 FAILED 22808 | 0+0
      rest              | ok | CANCELLED BUYER | PAID, 1 FAILED 22808 | 0+0
      admin retries 1   | ok | REFUNDED | REFUNDED, 1 COMPLETED 22808 (attempt 2) | 0+0
    `)
  )

  it.effect("5 a cancelled event returns everything of every order and makes no new one", () =>
    plays(`
      buys 2 general       | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      pays                 | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 2+0
      confirm              | ok | CONFIRMED | PAID | 0+2
      event is cancelled   | ok | REFUNDED | REFUNDED, 1 COMPLETED 23338 | 0+0
      other buys 1 general | ! EventCancelled | REFUNDED | REFUNDED, 1 COMPLETED 23338 | 0+0
      event is cancelled   | ok | REFUNDED | REFUNDED, 1 COMPLETED 23338 | 0+0
    `)
  )

  it.effect("3.9 completes a confirmed order after its event, and refunds it for an admin only", () =>
    plays(`
      buys 1 soon     | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      pays            | ok | PENDING/AWAITING_PAYMENT 15:00 | UNPAID | 1+0
      confirm         | ok | CONFIRMED | PAID | 0+1
      completion      | 0 due | CONFIRMED | PAID | 0+1
      tick 15 hours
      completion      | 1 due | COMPLETED | PAID | 0+1
      cancels         | ! InvalidTransition | COMPLETED | PAID | 0+1
      admin asks 1000 | ok | COMPLETED | PARTIALLY_REFUNDED, 1 COMPLETED 1000 | 0+1
    `)
  )
})
