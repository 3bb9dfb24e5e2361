/**
 * Which refusal of the domain is which problem on the wire: the one place that knows both (rule 8).
 *
 * A new error of the domain is a compile error here until it has a problem, and a compile error in its handler until the
 * contract declares it. Details are sentences for people; they never hold what another service or the database said.
 */
import type { ConfirmationRequired, ConfirmationStale } from "@tickettoken/order-domain/BulkConfirmation"
import type { CurrencyNotSupported } from "@tickettoken/order-domain/Currency"
import type {
  IdempotencyInProgress,
  IdempotencyKeyUsed,
  IdempotencyMismatch
} from "@tickettoken/order-domain/Idempotency"
import type { AmountOutOfRange } from "@tickettoken/order-domain/Money"
import type * as Errors from "@tickettoken/order-domain/OrderErrors"
import type {
  OrderLimitExceeded,
  OrderValueOutOfRange,
  QuantityRuleBroken
} from "@tickettoken/order-domain/OrderLimits"
import type { BulkJobNotFound } from "@tickettoken/order-domain/ports/BulkJobReads"
import type { RefundExceedsCaptured, RefundRequestInvalid } from "@tickettoken/order-domain/RefundQuote"
import type { SalesRangeInvalid } from "@tickettoken/order-domain/workflows/ReadSales"
import { Effect } from "effect"
import { HttpEffect, HttpServerResponse } from "effect/http"
import * as Problems from "../contract/Problems.ts"
import { CurrentRequest } from "./CurrentRequest.ts"
import type { StaleVersion } from "./IfMatch.ts"

/** Everything that an operation can be refused with. */
export type DomainError =
  | AmountOutOfRange
  | BulkJobNotFound
  | ConfirmationRequired
  | ConfirmationStale
  | CurrencyNotSupported
  | Errors.CancellationWindowClosed
  | Errors.CurrencyMismatch
  | Errors.EventCancelled
  | Errors.EventNotFound
  | Errors.EventNotOnSale
  | Errors.Forbidden
  | Errors.InvalidTransition
  | Errors.OrderAlreadyConfirmed
  | Errors.OrderNotFound
  | Errors.PaymentMismatch
  | Errors.PricingMismatch
  | Errors.RefundNotFound
  | Errors.RefundStateConflict
  | Errors.ReservationExpired
  | Errors.ServiceUnavailable
  | Errors.TicketsSoldOut
  | Errors.VersionConflict
  | IdempotencyInProgress
  | IdempotencyKeyUsed
  | IdempotencyMismatch
  | OrderLimitExceeded
  | OrderValueOutOfRange
  | QuantityRuleBroken
  | RefundExceedsCaptured
  | RefundRequestInvalid
  | SalesRangeInvalid
  | StaleVersion

/** When to try again after running into a limit of orders: the window slides, so an hour frees what it frees. */
const LIMIT_RETRY_SECONDS = 3600

interface Said {
  readonly detail: string
  readonly requestId: string
}

const problems = {
  AmountOutOfRange: (_: AmountOutOfRange, said: Said) => new Problems.OrderValueOutOfRangeProblem(said),
  BulkJobNotFound: (_: BulkJobNotFound, said: Said) => new Problems.BulkJobNotFoundProblem(said),
  ConfirmationRequired: (_: ConfirmationRequired, said: Said) => new Problems.ConfirmationRequiredProblem(said),
  ConfirmationStale: (_: ConfirmationStale, said: Said) => new Problems.ConfirmationStaleProblem(said),
  CurrencyNotSupported: (_: CurrencyNotSupported, said: Said) => new Problems.CurrencyMismatchProblem(said),
  CancellationWindowClosed: ({ deadline }: Errors.CancellationWindowClosed, said: Said) =>
    new Problems.CancellationWindowClosedProblem({ ...said, deadline }),
  CurrencyMismatch: (_: Errors.CurrencyMismatch, said: Said) => new Problems.CurrencyMismatchProblem(said),
  EventCancelled: (_: Errors.EventCancelled, said: Said) => new Problems.EventCancelledProblem(said),
  EventNotFound: (_: Errors.EventNotFound, said: Said) => new Problems.EventNotFoundProblem(said),
  EventNotOnSale: (_: Errors.EventNotOnSale, said: Said) => new Problems.EventNotOnSaleProblem(said),
  Forbidden: (_: Errors.Forbidden, said: Said) => new Problems.ForbiddenProblem(said),
  InvalidTransition: (_: Errors.InvalidTransition, said: Said) => new Problems.InvalidTransitionProblem(said),
  OrderAlreadyConfirmed: (_: Errors.OrderAlreadyConfirmed, said: Said) =>
    new Problems.OrderAlreadyConfirmedProblem(said),
  OrderNotFound: (_: Errors.OrderNotFound, said: Said) => new Problems.OrderNotFoundProblem(said),
  PaymentMismatch: (_: Errors.PaymentMismatch, said: Said) => new Problems.PaymentMismatchProblem(said),
  PricingMismatch: ({ path }: Errors.PricingMismatch, said: Said) =>
    new Problems.PricingMismatchProblem({ ...said, path }),
  RefundNotFound: (_: Errors.RefundNotFound, said: Said) => new Problems.RefundNotFoundProblem(said),
  RefundStateConflict: (_: Errors.RefundStateConflict, said: Said) => new Problems.InvalidTransitionProblem(said),
  ReservationExpired: ({ expiredAt }: Errors.ReservationExpired, said: Said) =>
    new Problems.ReservationExpiredProblem({ ...said, expiredAt }),
  ServiceUnavailable: ({ retryAfterSeconds, service }: Errors.ServiceUnavailable, { requestId }: Said) =>
    new Problems.ServiceUnavailableProblem({ requestId, detail: outage[service], retryAfterSeconds }),
  TicketsSoldOut: ({ ticketTypeId }: Errors.TicketsSoldOut, said: Said) =>
    new Problems.TicketsSoldOutProblem({ ...said, ticketTypeId }),
  VersionConflict: (_: Errors.VersionConflict, said: Said) => new Problems.VersionConflictProblem(said),
  IdempotencyInProgress: ({ retryAfterSeconds }: IdempotencyInProgress, said: Said) =>
    new Problems.IdempotencyInProgressProblem({ ...said, retryAfterSeconds }),
  IdempotencyKeyUsed: ({ orderId }: IdempotencyKeyUsed, said: Said) =>
    new Problems.IdempotencyKeyUsedProblem({ ...said, orderId }),
  IdempotencyMismatch: (_: IdempotencyMismatch, said: Said) => new Problems.IdempotencyMismatchProblem(said),
  OrderLimitExceeded: (_: OrderLimitExceeded, said: Said) =>
    new Problems.OrderLimitExceededProblem({ ...said, retryAfterSeconds: LIMIT_RETRY_SECONDS }),
  OrderValueOutOfRange: (_: OrderValueOutOfRange, said: Said) => new Problems.OrderValueOutOfRangeProblem(said),
  QuantityRuleBroken: ({ issues }: QuantityRuleBroken, { requestId }: Said) => notValid(issues, requestId),
  RefundExceedsCaptured: ({ refundable }: RefundExceedsCaptured, said: Said) =>
    new Problems.RefundExceedsCapturedProblem({ ...said, refundable }),
  RefundRequestInvalid: ({ issues }: RefundRequestInvalid, { requestId }: Said) => notValid(issues, requestId),
  SalesRangeInvalid: ({ issues }: SalesRangeInvalid, { requestId }: Said) =>
    notValid(
      issues.map(({ message, path }) => ({ path: `query.${path}`, message })),
      requestId
    ),
  StaleVersion: (_: StaleVersion, said: Said) => new Problems.PreconditionFailedProblem(said)
} satisfies {
  readonly [Tag in DomainError["_tag"]]: (
    error: Extract<DomainError, { readonly _tag: Tag }>,
    said: Said
  ) => Problems.AnyProblem
}

// Which of our dependencies is away helps nobody outside; what the buyer can do does.
const again = "send the same request again, with the same Idempotency-Key"

const outage: { readonly [Service in Errors.ServiceUnavailable["service"]]: string } = {
  orders: `the order is still being worked on: ${again}`,
  database: `the service can not be reached now: ${again}`,
  tickets: `tickets can not be asked for now: ${again}`,
  payments: `payments can not be asked for now: ${again}`,
  events: `events can not be asked for now: ${again}`
}

/** The problem of a request that breaks the rules of its shape: every fault with its place. */
export const notValid = (errors: ReadonlyArray<Problems.FieldIssue>, requestId: string): Problems.ValidationProblem =>
  new Problems.ValidationProblem({ detail: "see errors for what is wrong with the request", errors, requestId })

/** The problem that an error of the domain becomes. */
export type ProblemOf<E extends DomainError> = E extends DomainError ? ReturnType<(typeof problems)[E["_tag"]]> : never

export const toProblem = <E extends DomainError>(error: E, requestId: string): ProblemOf<E> => {
  // oxlint-disable-next-line typescript/consistent-type-assertions -- `satisfies` above pairs every tag with its own function; the compiler can not follow a tag into a table
  const table = problems as unknown as { readonly [Tag in E["_tag"]]: (error: E, said: Said) => ProblemOf<E> }
  const tag: E["_tag"] = error._tag
  return table[tag](error, { detail: error.message, requestId })
}

/**
 * Fails with a problem. Where it says how long to wait, the answer says so in its header too: an endpoint can not declare
 * a header on one of several problems of the same status.
 */
export const raise = Effect.fnUntraced(function* <P extends Problems.AnyProblem>(problem: P) {
  if ("retryAfterSeconds" in problem) {
    const seconds = String(problem.retryAfterSeconds)
    yield* HttpEffect.appendPreResponseHandler((_, response) =>
      Effect.succeed(HttpServerResponse.setHeader(response, "retry-after", seconds))
    )
  }
  return yield* Effect.fail(problem)
})

/** Lets an operation fail with problems in place of the domain's errors. */
export const answering = <A, E extends DomainError, R>(operation: Effect.Effect<A, E, R>) =>
  Effect.catch(operation, (error) =>
    Effect.gen(function* () {
      const { requestId } = yield* CurrentRequest
      if (error._tag === "ServiceUnavailable") yield* Effect.logWarning(error.message)
      return yield* raise(toProblem(error, requestId))
    })
  )
