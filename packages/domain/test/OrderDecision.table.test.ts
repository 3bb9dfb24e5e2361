/**
 * What `decide` answers to every command in every state and stage, as one table.
 */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Result } from "effect"
import { decide } from "@tickettoken/order-domain/OrderDecision"
import { everyVariant, type Variant } from "@tickettoken/order-testing/TestOrdersCommands"
import { jobActor } from "@tickettoken/order-testing/TestOrders"
import { pointOf, sampleCreatedAt, samples, type StatePoint } from "@tickettoken/order-testing/TestOrdersByState"

/** The columns, and the words for where a command leads. */
const columns: { readonly [P in StatePoint]: string } = {
  "PENDING/HOLDING": "hold",
  "PENDING/OPENING_INTENT": "intent",
  "PENDING/AWAITING_PAYMENT": "pay",
  "PENDING/ALLOCATING": "alloc",
  "RESERVED/AWAITING_PAYMENT": "r-pay",
  "RESERVED/ALLOCATING": "r-alloc",
  CONFIRMED: "conf",
  COMPLETED: "compl",
  CANCELLED: "canc",
  EXPIRED: "exp",
  "EXPIRED/REACQUIRING": "reacq",
  REFUNDED: "refd"
}

const points: ReadonlyArray<StatePoint> = Object.values(samples).map(pointOf)

const cell = (point: StatePoint, { command, minute }: Variant): string => {
  const order = samples[point]
  const now = DateTime.add(sampleCreatedAt, { minutes: minute })
  return Result.match(decide(order, { actor: jobActor, command: command(order) }, now), {
    onFailure: ({ _tag }) => refusals[_tag],
    onSuccess: (outcome) => (outcome._tag === "Changed" ? columns[pointOf(outcome.decision.order)] : "=")
  })
}

/** `!` is a refusal: of the state if nothing else is said. */
const refusals = {
  InvalidTransition: "!",
  ReservationExpired: "!time",
  OrderAlreadyConfirmed: "!conf",
  PaymentMismatch: "!pay",
  CancellationWindowClosed: "!window",
  RefundNotFound: "!none",
  RefundStateConflict: "!state",
  AmountOutOfRange: "!amount",
  RefundRequestInvalid: "!request",
  RefundExceedsCaptured: "!excess"
} as const

const row = (name: string, cells: ReadonlyArray<string>): string =>
  [name.padEnd(21), ...cells.map((text) => text.padEnd(7))].join(" ").trimEnd()

const table = `
                      hold    intent  pay     alloc   r-pay   r-alloc conf    compl   canc    exp     reacq   refd
HoldGranted           intent  =       =       =       =       =       =       =       =       =       =       =
HoldRefused           canc    =       =       =       =       =       =       =       =       =       =       =
IntentOpened          =       pay     =       =       =       =       =       =       =       =       =       =
SetupAbandoned        canc    canc    =       =       =       =       =       =       =       =       =       =
TicketsAllocated      =       =       =       conf    =       conf    =       =       canc    exp     conf    refd
TicketsAll. no event  =       =       =       conf    =       conf    =       =       canc    exp     exp     refd
AllocationRefused     =       =       =       canc    =       canc    =       =       =       =       exp     =
RefundSettled         !none   !none   !none   !none   !none   !none   !none   !none   refd    !none   !none   =
CaptureSeen           !pay    !pay    alloc   =       r-alloc =       =       =       =       reacq   =       =
CaptureSeen late      !pay    !pay    alloc   =       r-alloc =       =       =       =       reacq   =       =
CaptureSeen at expiry !pay    !pay    alloc   =       r-alloc =       =       =       =       reacq   =       =
CaptureSeen no event  !pay    !pay    canc    =       canc    =       =       =       =       exp     =       =
CaptureSeen cheaper   !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay
CaptureSeen in EUR    !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay
CaptureSeen stray     !pay    !pay    !pay    !pay    !pay    !pay    !conf   !conf   !pay    !pay    !pay    !pay
UnexpectedPayment     hold    intent  pay     alloc   r-pay   r-alloc conf    compl   canc    exp     reacq   refd
UnexpectedPayment own hold    intent  !pay    =       !pay    =       =       =       =       !pay    =       =
UnexpectedPay. in EUR !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay
PaymentFailed         !pay    !pay    canc    =       canc    =       =       =       =       =       =       =
PaymentFailed retry   !pay    !pay    =       =       =       =       =       =       =       =       =       =
PaymentFailed stray   !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay    !pay
PaymentProcessing     =       =       pay     =       r-pay   =       =       =       =       =       =       =
Reserve               !       !       r-pay   !       r-pay   !       !       !       !       !       !       !
Reserve late          !       !       !time   !       !time   !       !       !       !       !       !       !
Cancel buyer          canc    canc    canc    canc    canc    canc    canc    !       !       !       !       !
Cancel buyer late     !window !window !window !window !window !window !window !       !       !       !       !
Cancel admin late     canc    canc    canc    canc    canc    canc    canc    !       !       !       !       !
Cancel organiser late canc    canc    canc    canc    canc    canc    canc    !       !       !       !       !
Expire early          !       !       !       !       !       !       !       !       !       !       !       !
Expire                exp     exp     exp     !       exp     !       !       !       !       !       !       !
Complete early        !       !       !       !       !       !       !       !       !       !       !       !
Complete              !       !       !       !       !       !       compl   !       !       !       !       !
RequestRefund         !       !       !       !       !       !       conf    !       !       !       !       !
RequestRefund late    !       !       !       !       !       !       !window !       !       !       !       !
RequestRefund admin   !       !       !       !       !       !       conf    compl   !excess !       !       !
ApproveRefund         !none   !none   !none   !none   !none   !none   !none   !none   !state  !none   !none   !state
RejectRefund          !none   !none   !none   !none   !none   !none   !none   !none   !state  !none   !none   !state
RetryRefund           !none   !none   !none   !none   !none   !none   !none   !none   !state  !none   !none   !state
`

describe("decide", () => {
  it("answers every command in every state and stage as the table says", () => {
    const rows = everyVariant.map((variant) =>
      row(
        variant.name,
        points.map((point) => cell(point, variant))
      )
    )
    const head = row(
      "",
      points.map((point) => columns[point])
    )
    assert.strictEqual(`\n${[head, ...rows].join("\n")}\n`, table)
  })
})
