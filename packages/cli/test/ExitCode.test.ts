/** Which exit code an error of the core, or of the database, comes to. */
import { assert, describe, it } from "@effect/vitest"
import { CommandFailed, deniedByDatabase, exitCodes, toCommandFailed } from "@tickettoken/order-cli/ExitCode"
import { EventId, OrderId, RefundId, TicketTypeId } from "@tickettoken/order-domain/Ids"
import * as OrderErrors from "@tickettoken/order-domain/OrderErrors"
import { Cents } from "@tickettoken/order-domain/Money"
import { RefundExceedsCaptured, RefundRequestInvalid } from "@tickettoken/order-domain/RefundQuote"
import { fixedId } from "@tickettoken/order-testing/TestOrders"
import { DateTime, Runtime } from "effect"

const id = fixedId(1)
const orderId = OrderId.make(id)
const eventId = EventId.make(id)
const refundId = RefundId.make(id)

const errors = {
  notFound: [
    new OrderErrors.OrderNotFound({ orderId: id }),
    new OrderErrors.EventNotFound({ eventId }),
    new OrderErrors.RefundNotFound({ refundId })
  ],
  denied: [new OrderErrors.Forbidden({ needs: "the role admin" })],
  usage: [new RefundRequestInvalid({ issues: [{ path: "amount", message: "at least 1" }] })],
  failure: [
    new OrderErrors.InvalidTransition({ orderId, from: "EXPIRED", command: "Cancel", why: null }),
    new OrderErrors.ReservationExpired({ orderId, expiredAt: DateTime.makeUnsafe(0) }),
    new OrderErrors.TicketsSoldOut({ ticketTypeId: TicketTypeId.make(id) }),
    new OrderErrors.ServiceUnavailable({ service: "payments", why: "away", retryAfterSeconds: 1 }),
    new OrderErrors.VersionConflict({ orderId, expected: 1, actual: 2 }),
    new RefundExceedsCaptured({ requested: Cents.make(2), refundable: Cents.make(1) })
  ]
} as const

describe("toCommandFailed", () => {
  it.each(["notFound", "denied", "usage", "failure"] as const)("gives %s its code and the error's words", (code) => {
    for (const error of errors[code]) {
      const failed = toCommandFailed(error)
      assert.deepStrictEqual([failed.code, failed.message], [code, error.message])
    }
  })

  it("leaves alone what knows its code", () => {
    const failed = new CommandFailed({ code: "partial", message: "some" })
    assert.strictEqual(toCommandFailed(failed), failed)
  })
})

describe("CommandFailed", () => {
  it("carries the documented number", () => {
    const numbers = (["failure", "usage", "notFound", "denied", "partial", "configuration"] as const).map((code) => {
      const failed = new CommandFailed({ code, message: code })
      assert.strictEqual(Runtime.getErrorReported(failed), false)
      return Runtime.getErrorExitCode(failed)
    })
    assert.deepStrictEqual(numbers, [1, 2, 3, 4, 5, 78])
    assert.deepStrictEqual([exitCodes.ok, exitCodes.interrupted], [0, 130])
  })
})

describe("deniedByDatabase", () => {
  const said = (code: string) => Object.assign(new Error("no"), { code })

  it("finds a refusal under what wraps it", () => {
    for (const code of ["42501", "28000", "28P01"]) {
      for (const failure of [said(code), { reason: { cause: said(code) } }, { cause: { reason: said(code) } }]) {
        assert.strictEqual(deniedByDatabase(failure)?.message, "the database does not allow it: no")
      }
    }
  })

  it("finds none elsewhere, not even in a circle", () => {
    const circle: { cause?: unknown } = {}
    circle.cause = circle
    for (const failure of [undefined, "42501", said("40001"), new Error("no"), { code: 42_501 }, circle]) {
      assert.isUndefined(deniedByDatabase(failure))
    }
  })
})
