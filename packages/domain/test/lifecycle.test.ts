/**
 * From creation to expiry under the rules 3.1 to 3.5, each rule as a table of steps and exact outcomes.
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
