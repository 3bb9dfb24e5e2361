/**
 * The life of an order under the rules 3.1 to 3.10, each rule as a table of steps and exact outcomes.
 *
 * Columns: step | state with its deadline since the creation | money and refunds | fact | work. See scenarioDecide.ts.
 */
import { describe, it } from "@effect/vitest"
import { playDecide } from "@tickettoken/order-testing/scenarioDecide"

describe("a new order", () => {
  it.effect("3.1 holds stock while PENDING, through hold and intent, and is confirmed from there", () =>
    playDecide(`
      created        | PENDING/HOLDING 15:00           | UNPAID | ORDER_CREATED         | HOLD
      hold granted   | PENDING/OPENING_INTENT 15:00    | UNPAID | HOLD_GRANTED          | INTENT 23338
      intent opened  | PENDING/AWAITING_PAYMENT 15:00  | UNPAID | PAYMENT_INTENT_OPENED |
      paid           | PENDING/ALLOCATING 15:00        | PAID   | PAYMENT_CAPTURED      | FINALIZE
      allocated      | CONFIRMED                       | PAID   | ORDER_CONFIRMED       |
    `)
  )

  it.effect("3.1 is RESERVED once its buyer has renewed it, and is confirmed from there too", () =>
    playDecide(`
      payable        | PENDING/AWAITING_PAYMENT 15:00  | UNPAID
      tick 10 minutes
      reserve        | RESERVED/AWAITING_PAYMENT 25:00 | UNPAID | ORDER_RESERVED        |
      paid           | RESERVED/ALLOCATING 25:00       | PAID   | PAYMENT_CAPTURED      | FINALIZE
      allocated      | CONFIRMED                       | PAID   | ORDER_CONFIRMED       |
    `)
  )

  it.effect("3.1 may be cancelled from both, and its intent is closed and its stock given back", () =>
    playDecide(`
      payable        | PENDING/AWAITING_PAYMENT 15:00  | UNPAID
      buyer cancels  | CANCELLED BUYER                 | UNPAID | ORDER_CANCELLED       | VOID, RELEASE
      reserved       | RESERVED/AWAITING_PAYMENT 15:00 | UNPAID
      buyer cancels  | CANCELLED BUYER                 | UNPAID | ORDER_CANCELLED       | VOID, RELEASE
      created        | PENDING/HOLDING 15:00           | UNPAID | ORDER_CREATED         | HOLD
      buyer cancels  | CANCELLED BUYER                 | UNPAID | ORDER_CANCELLED       | RELEASE
      held           | PENDING/OPENING_INTENT 15:00    | UNPAID
      buyer cancels  | CANCELLED BUYER                 | UNPAID | ORDER_CANCELLED       | VOID, RELEASE
    `)
  )

  it.effect("3.1 may expire from both, and in every stage before it is paid", () =>
    playDecide(`
      created        | PENDING/HOLDING 15:00           | UNPAID | ORDER_CREATED         | HOLD
      tick 17 minutes
      expire         | EXPIRED                         | UNPAID | RESERVATION_EXPIRED   | RELEASE
      payable        | PENDING/AWAITING_PAYMENT 15:00  | UNPAID
      tick 17 minutes
      expire         | EXPIRED                         | UNPAID | RESERVATION_EXPIRED   | RELEASE
      reserved       | RESERVED/AWAITING_PAYMENT 15:00 | UNPAID
      tick 17 minutes
      expire         | EXPIRED                         | UNPAID | RESERVATION_EXPIRED   | RELEASE
    `)
  )

  it.effect("3.1 is cancelled when it can not be set up, and gives back what it may have got", () =>
    playDecide(`
      created          | PENDING/HOLDING 15:00         | UNPAID | ORDER_CREATED         | HOLD
      hold refused     | CANCELLED SOLD_OUT            | UNPAID | ORDER_CANCELLED       | RELEASE
      hold granted     | =
      held             | PENDING/OPENING_INTENT 15:00  | UNPAID
      setup failed     | CANCELLED CREATE_FAILED       | UNPAID | ORDER_CANCELLED       | VOID, RELEASE
      intent opened    | =
      created          | PENDING/HOLDING 15:00         | UNPAID | ORDER_CREATED         | HOLD
      setup timed out  | CANCELLED CREATE_TIMEOUT      | UNPAID | ORDER_CANCELLED       | RELEASE
      payable          | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      setup timed out  | =
      hold refused     | =
    `)
  )

  it.effect("1.4 costs nothing and needs no payment when its tickets are free", () =>
    playDecide(`
      created, free  | PENDING/HOLDING 15:00           | PAID   | ORDER_CREATED         | HOLD
      hold granted   | PENDING/ALLOCATING 15:00        | PAID   | HOLD_GRANTED          | FINALIZE
      allocated      | CONFIRMED                       | PAID   | ORDER_CONFIRMED       |
      buyer cancels  | CANCELLED BUYER                 | PAID   | ORDER_CANCELLED       | RELEASE
      held, free     | PENDING/ALLOCATING 15:00        | PAID
      allocation refused | CANCELLED STOCK_LOST        | PAID   | ORDER_CANCELLED       | RELEASE
    `)
  )
})

describe("the hold", () => {
  it.effect("3.2 lasts 15 minutes, and 30 for VIPs", () =>
    playDecide(`
      created        | PENDING/HOLDING 15:00           | UNPAID | ORDER_CREATED         | HOLD
      created, vip   | PENDING/HOLDING 30:00           | UNPAID | ORDER_CREATED         | HOLD
    `)
  )

  it.effect("3.3 is renewed for its class length from now, never past three lengths from the creation", () =>
    playDecide(`
      payable        | PENDING/AWAITING_PAYMENT 15:00     | UNPAID
      reserve        | RESERVED/AWAITING_PAYMENT 15:00    | UNPAID | ORDER_RESERVED
      tick 14 minutes
      reserve        | RESERVED/AWAITING_PAYMENT 29:00    | UNPAID | ORDER_RESERVED
      tick 14 minutes
      reserve        | RESERVED/AWAITING_PAYMENT 43:00    | UNPAID | ORDER_RESERVED
      tick 14 minutes
      reserve        | RESERVED/AWAITING_PAYMENT 45:00    | UNPAID | ORDER_RESERVED
      tick 2 minutes
      reserve        | RESERVED/AWAITING_PAYMENT 45:00    | UNPAID | ORDER_RESERVED
      payable, vip   | PENDING/AWAITING_PAYMENT 30:00     | UNPAID
      tick 29 minutes
      reserve        | RESERVED/AWAITING_PAYMENT 59:00    | UNPAID | ORDER_RESERVED
      tick 29 minutes
      reserve        | RESERVED/AWAITING_PAYMENT 1:28:00  | UNPAID | ORDER_RESERVED
      tick 29 minutes
      reserve        | RESERVED/AWAITING_PAYMENT 1:30:00  | UNPAID | ORDER_RESERVED
    `)
  )

  it.effect("3.3 is not renewed at its deadline, nor before it is set up, nor once it is paid", () =>
    playDecide(`
      payable        | PENDING/AWAITING_PAYMENT 15:00  | UNPAID
      tick 14 minutes 59 seconds 999 millis
      reserve        | RESERVED/AWAITING_PAYMENT 29:59.999 | UNPAID | ORDER_RESERVED
      tick 15 minutes
      reserve        | ! ReservationExpired
      created        | PENDING/HOLDING 15:00           | UNPAID | ORDER_CREATED         | HOLD
      reserve        | ! InvalidTransition
      paid order     | PENDING/ALLOCATING 15:00        | PAID
      reserve        | ! InvalidTransition
    `)
  )

  it.effect("3.4 keeps stock through the grace of two minutes: a success confirms, a renewal does not", () =>
    playDecide(`
      payable        | PENDING/AWAITING_PAYMENT 15:00  | UNPAID
      tick 15 minutes
      reserve        | ! ReservationExpired
      expire         | ! InvalidTransition
      tick 1 minute 59 seconds 999 millis
      expire         | ! InvalidTransition
      paid           | PENDING/ALLOCATING 15:00        | PAID   | PAYMENT_CAPTURED      | FINALIZE
      allocated      | CONFIRMED                       | PAID   | ORDER_CONFIRMED       |
    `)
  )
})

describe("expiry", () => {
  it.effect("3.5 acts from the end of grace on, and not a millisecond before", () =>
    playDecide(`
      payable        | PENDING/AWAITING_PAYMENT 15:00  | UNPAID
      tick 16 minutes 59 seconds 999 millis
      expire         | ! InvalidTransition
      tick 1 millis
      expire         | EXPIRED                         | UNPAID | RESERVATION_EXPIRED   | RELEASE
      expire         | ! InvalidTransition
    `)
  )

  it.effect("3.5 waits once, for ten minutes, for a payment that is being processed", () =>
    playDecide(`
      payable        | PENDING/AWAITING_PAYMENT 15:00  | UNPAID
      tick 17 minutes
      processing     | PENDING/AWAITING_PAYMENT 27:00  | UNPAID | HOLD_EXTENDED         | HOLD
      expire         | ! InvalidTransition
      hold granted   | =
      tick 12 minutes
      processing     | =
      expire         | EXPIRED                         | UNPAID | RESERVATION_EXPIRED   | RELEASE
      payable        | PENDING/AWAITING_PAYMENT 15:00  | UNPAID
      tick 17 minutes
      processing     | PENDING/AWAITING_PAYMENT 27:00  | UNPAID | HOLD_EXTENDED         | HOLD
      tick 11 minutes 59 seconds
      paid           | PENDING/ALLOCATING 27:00        | PAID   | PAYMENT_CAPTURED      | FINALIZE
    `)
  )

  it.effect("3.5 confirms an order whose payment it finds, however late it asks: the money is not late", () =>
    playDecide(`
      payable               | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      tick 25 minutes
      paid, found by expiry | PENDING/ALLOCATING 15:00       | PAID | PAYMENT_CAPTURED      | FINALIZE
      allocated             | CONFIRMED                      | PAID | ORDER_CONFIRMED       |
      payable, late refund  | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      tick 25 minutes
      paid, found by expiry | PENDING/ALLOCATING 15:00       | PAID | PAYMENT_CAPTURED      | FINALIZE
      allocation refused    | CANCELLED STOCK_LOST           | PAID, 1 APPROVED 23338 | ORDER_CANCELLED | RELEASE, REFUND 23338
    `)
  )

  it.effect("3.5 closes the intent itself when the payment service has not answered", () =>
    playDecide(`
      payable               | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      tick 27 minutes
      expire without a word | EXPIRED                        | UNPAID | RESERVATION_EXPIRED | VOID, RELEASE
      held                  | PENDING/OPENING_INTENT 15:00   | UNPAID
      tick 17 minutes
      expire without a word | EXPIRED                        | UNPAID | RESERVATION_EXPIRED | VOID, RELEASE
    `)
  )

  it.effect("3.5 leaves an order alone that is paid and being confirmed", () =>
    playDecide(`
      paid order     | PENDING/ALLOCATING 15:00        | PAID
      tick 1 hour
      expire         | ! InvalidTransition
      processing     | =
      allocated      | CONFIRMED                       | PAID   | ORDER_CONFIRMED       |
      expire         | ! InvalidTransition
    `)
  )
})

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
