/**
 * From the payment to the end under the rules 3.6 to 3.10, each rule as a table of steps and exact outcomes.
 *
 * Columns: step | state with its deadline since the creation | money and refunds | fact | work. See scenarioDecide.ts.
 */
import { describe, it } from "@effect/vitest"
import { playDecide } from "@tickettoken/order-testing/scenarioDecide"

describe("confirming", () => {
  it.effect("3.6 happens once, with the tickets, and the same payment again is no news", () =>
    playDecide(`
      payable        | PENDING/AWAITING_PAYMENT 15:00  | UNPAID
      allocated      | =
      paid           | PENDING/ALLOCATING 15:00        | PAID   | PAYMENT_CAPTURED      | FINALIZE
      paid           | =
      allocated      | CONFIRMED                       | PAID   | ORDER_CONFIRMED       |
      allocated      | =
      paid           | =
    `)
  )

  it.effect("3.6 takes no other intent, amount or currency, and the order stays as it is", () =>
    playDecide(`
      payable        | PENDING/AWAITING_PAYMENT 15:00  | UNPAID
      stray capture  | ! PaymentMismatch
      paid, 23337    | ! PaymentMismatch
      paid, in EUR   | ! PaymentMismatch
      paid           | PENDING/ALLOCATING 15:00        | PAID   | PAYMENT_CAPTURED      | FINALIZE
      allocated      | CONFIRMED                       | PAID   | ORDER_CONFIRMED       |
      stray capture  | ! OrderAlreadyConfirmed
    `)
  )

  it.effect("3.6 records a second payment once and returns it whole, without review and without ending the order", () =>
    playDecide(`
      confirmed            | CONFIRMED | PAID
      stray payment 5, in EUR | ! PaymentMismatch
      stray payment 60000  | CONFIRMED | OVERPAID, 1 APPROVED 60000  | UNEXPECTED_PAYMENT | REFUND 60000
      stray payment 60000  | =
      refund 1 is pending  | CONFIRMED | OVERPAID, 1 PROCESSING 60000 | REFUND_PROCESSING |
      refund 1 arrives     | CONFIRMED | PAID, 1 COMPLETED 60000      | REFUND_COMPLETED |
    `)
  )
})

describe("late money", () => {
  it.effect("3.7 takes stock again and confirms the order as late", () =>
    playDecide(`
      payable        | PENDING/AWAITING_PAYMENT 15:00  | UNPAID
      tick 17 minutes
      expire         | EXPIRED                         | UNPAID | RESERVATION_EXPIRED   | RELEASE
      paid           | EXPIRED/REACQUIRING             | PAID   | LATE_PAYMENT_CAPTURED | FINALIZE
      paid           | =
      allocated      | CONFIRMED late                  | PAID   | ORDER_CONFIRMED       |
    `)
  )

  it.effect("3.7 goes back whole when the stock is gone, and the order stays EXPIRED", () =>
    playDecide(`
      payable            | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      tick 17 minutes
      expire             | EXPIRED             | UNPAID | RESERVATION_EXPIRED   | RELEASE
      paid               | EXPIRED/REACQUIRING | PAID   | LATE_PAYMENT_CAPTURED | FINALIZE
      allocation refused | EXPIRED             | PAID, 1 APPROVED 23338      | LATE_PAYMENT_REFUNDED | RELEASE, REFUND 23338
      allocation refused | =
      refund 1 arrives   | EXPIRED             | REFUNDED, 1 COMPLETED 23338 | REFUND_COMPLETED      |
    `)
  )

  it.effect("3.7 goes back whole when the event is cancelled, also while the stock is being taken again", () =>
    playDecide(`
      payable                    | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      tick 17 minutes
      expire                     | EXPIRED             | UNPAID | RESERVATION_EXPIRED | RELEASE
      paid, event cancelled      | EXPIRED             | PAID, 1 APPROVED 23338 | LATE_PAYMENT_REFUNDED | RELEASE, REFUND 23338
      payable                    | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      tick 17 minutes
      expire                     | EXPIRED             | UNPAID | RESERVATION_EXPIRED   | RELEASE
      paid                       | EXPIRED/REACQUIRING | PAID   | LATE_PAYMENT_CAPTURED | FINALIZE
      allocated, event cancelled | EXPIRED             | PAID, 1 APPROVED 23338 | LATE_PAYMENT_REFUNDED | RELEASE, REFUND 23338
    `)
  )

  it.effect("3.7 goes back under the policy refund, and waits for a person under the policy review", () =>
    playDecide(`
      payable, late refund | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      tick 17 minutes
      expire               | EXPIRED | UNPAID                 | RESERVATION_EXPIRED   | RELEASE
      paid                 | EXPIRED | PAID, 1 APPROVED 23338 | LATE_PAYMENT_REFUNDED | RELEASE, REFUND 23338
      payable, late review | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      tick 17 minutes
      expire               | EXPIRED | UNPAID                 | RESERVATION_EXPIRED   | RELEASE
      paid                 | EXPIRED | PAID, 1 PENDING 23338  | LATE_PAYMENT_REFUNDED | RELEASE
      approve 1            | EXPIRED | PAID, 1 APPROVED 23338 | REFUND_APPROVED       | REFUND 23338
    `)
  )

  it.effect("3.7 buys its tickets after all when the reviewer does not return it", () =>
    playDecide(`
      payable, late review | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      tick 17 minutes
      expire               | EXPIRED             | UNPAID                 | RESERVATION_EXPIRED   | RELEASE
      paid                 | EXPIRED             | PAID, 1 PENDING 23338  | LATE_PAYMENT_REFUNDED | RELEASE
      reject 1             | EXPIRED/REACQUIRING | PAID, 1 REJECTED 23338 | REFUND_REJECTED       | FINALIZE
      allocated            | CONFIRMED late      | PAID, 1 REJECTED 23338 | ORDER_CONFIRMED       |
    `)
  )

  it.effect("3.7 is judged by the end of grace, even before expiry has come by", () =>
    playDecide(`
      payable              | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      tick 17 minutes
      paid                 | PENDING/ALLOCATING 15:00 | PAID | LATE_PAYMENT_CAPTURED | FINALIZE
      allocated            | CONFIRMED late           | PAID | ORDER_CONFIRMED       |
      payable              | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      tick 17 minutes
      paid                 | PENDING/ALLOCATING 15:00 | PAID | LATE_PAYMENT_CAPTURED | FINALIZE
      allocation refused   | EXPIRED | PAID, 1 APPROVED 23338 | LATE_PAYMENT_REFUNDED | RELEASE, REFUND 23338
      payable, late refund | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      tick 17 minutes
      paid                 | EXPIRED | PAID, 1 APPROVED 23338 | LATE_PAYMENT_REFUNDED | RELEASE, REFUND 23338
    `)
  )
})

describe("a failed payment", () => {
  it.effect("3.8 ends the order when it is final, and keeps the hold when another card may do", () =>
    playDecide(`
      payable           | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      declined          | =
      declined          | =
      declined for good | CANCELLED PAYMENT_FAILED | UNPAID | ORDER_CANCELLED | VOID, RELEASE
      declined for good | =
      payable           | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      declined          | =
      paid              | PENDING/ALLOCATING 15:00 | PAID | PAYMENT_CAPTURED | FINALIZE
    `)
  )

  it.effect("3.8 ends the order in any case where the tenant wants it so", () =>
    playDecide(`
      payable, declines cancel | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      declined                 | CANCELLED PAYMENT_FAILED       | UNPAID | ORDER_CANCELLED | VOID, RELEASE
    `)
  )

  it.effect("3.8 that arrives after the success is no news, and one of another intent is refused", () =>
    playDecide(`
      payable           | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      declined stray    | ! PaymentMismatch
      paid              | PENDING/ALLOCATING 15:00 | PAID | PAYMENT_CAPTURED | FINALIZE
      declined for good | =
      allocated         | CONFIRMED                | PAID | ORDER_CONFIRMED  |
      declined for good | =
    `)
  )

  it.effect("3.8 followed by a success all the same gives the money back whole", () =>
    playDecide(`
      payable           | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      declined for good | CANCELLED PAYMENT_FAILED | UNPAID | ORDER_CANCELLED | VOID, RELEASE
      paid              | CANCELLED PAYMENT_FAILED | PAID, 1 APPROVED 23338 | PAYMENT_CAPTURED | REFUND 23338
      refund 1 arrives  | REFUNDED                 | REFUNDED, 1 COMPLETED 23338 | ORDER_REFUNDED |
    `)
  )
})

describe("the end", () => {
  it.effect("3.9 is COMPLETED at the event's end, from CONFIRMED alone, and can not be cancelled any more", () =>
    playDecide(`
      payable, starts in 20 hours   | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      tick 23 hours
      complete                      | ! InvalidTransition
      confirmed, starts in 20 hours | CONFIRMED | PAID
      tick 22 hours 59 minutes 59 seconds 999 millis
      complete                      | ! InvalidTransition
      tick 1 millis
      complete                      | COMPLETED | PAID | ORDER_COMPLETED |
      complete                      | ! InvalidTransition
      buyer cancels                 | ! InvalidTransition
      organiser cancels             | ! InvalidTransition
    `)
  )

  it.effect("3.9 leaves an admin the way to refund, and the buyer none", () =>
    playDecide(`
      confirmed, starts in 20 hours | CONFIRMED | PAID
      tick 23 hours
      complete                      | COMPLETED | PAID | ORDER_COMPLETED |
      buyer asks everything         | ! InvalidTransition
      admin asks 1000               | COMPLETED | PAID, 1 APPROVED 1000 | REFUND_REQUESTED | REFUND 1000
      refund 1 arrives              | COMPLETED | PARTIALLY_REFUNDED, 1 COMPLETED 1000 | REFUND_COMPLETED |
      admin asks everything         | COMPLETED | PARTIALLY_REFUNDED, 1 COMPLETED 1000, 2 APPROVED 21808 | REFUND_REQUESTED | REFUND 21808
      refund 2 arrives              | REFUNDED | REFUNDED, 1 COMPLETED 1000, 2 COMPLETED 21808 | ORDER_REFUNDED | RELEASE
    `)
  )

  it.effect("3.10 stays CONFIRMED after a partial refund, and is REFUNDED when all that is due has come back", () =>
    playDecide(`
      confirmed             | CONFIRMED | PAID
      buyer asks 1 of line 1 | CONFIRMED | PAID, 1 APPROVED 11389 | REFUND_REQUESTED | REFUND 11389
      refund 1 arrives      | CONFIRMED | PARTIALLY_REFUNDED, 1 COMPLETED 11389 | REFUND_COMPLETED |
      buyer asks 1 of line 1 | CONFIRMED | PARTIALLY_REFUNDED, 1 COMPLETED 11389, 2 APPROVED 11419 | REFUND_REQUESTED | REFUND 11419
      refund 2 arrives      | REFUNDED  | REFUNDED, 1 COMPLETED 11389, 2 COMPLETED 11419 | ORDER_REFUNDED | RELEASE
    `)
  )

  it.effect("3.10 is REFUNDED from CANCELLED when all money due has been returned", () =>
    playDecide(`
      confirmed         | CONFIRMED           | PAID
      organiser cancels | CANCELLED ORGANISER | PAID, 1 APPROVED 23338      | ORDER_CANCELLED | RELEASE, REFUND 23338
      refund 1 arrives  | REFUNDED            | REFUNDED, 1 COMPLETED 23338 | ORDER_REFUNDED  |
      refund 1 arrives  | =
    `)
  )
})
