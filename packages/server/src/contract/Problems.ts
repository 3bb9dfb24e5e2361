/**
 * Every refusal on the wire, as RFC 9457 problems (rule 8): `type`, `title`, `status`, `detail`, `code`, `requestId`.
 *
 * In code a problem is an error class, in a client too: `Effect.catchTag("OrderNotFoundProblem", ...)`. Which error of the
 * domain becomes which problem is decided in http/toProblem.ts and nowhere else.
 */
import { Schema } from "effect"
import { HttpApiError } from "effect/http-api"

/** The documentation of a code: a relative reference, so that it works under any host name. */
const typeOf = (code: string): string => `/problems/${code.toLowerCase().replaceAll("_", "-")}`

/** Whole seconds to wait before sending the same request again; also the header `Retry-After`. */
const RetryAfterSeconds = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 86_400 }))

const problem =
  <Self>() =>
  <const Tag extends string, const Code extends string, const Status extends number, const Fields extends Extension>(
    tag: Tag,
    code: Code,
    status: Status,
    title: string,
    fields: Fields
  ) =>
    HttpApiError.Problem<Self>()(
      tag,
      { type: typeOf(code), status, title },
      { detail: Schema.String, code: Schema.tag(code), requestId: Schema.String, ...fields }
    )

type Extension = HttpApiError.ProblemExtensionFields & {
  readonly detail?: never
  readonly code?: never
  readonly requestId?: never
}

/** One fault of a request: where it is, such as `items[0].quantity` or `query.limit`, and what is wrong. */
export const FieldIssue = Schema.Struct({ path: Schema.String, message: Schema.String }).annotate({
  identifier: "FieldIssue"
})
export type FieldIssue = typeof FieldIssue.Type

export class ValidationProblem extends problem<ValidationProblem>()(
  "ValidationProblem",
  "VALIDATION_ERROR",
  400,
  "The request is not valid",
  { errors: Schema.Array(FieldIssue) }
) {}

export class UnauthorizedProblem extends problem<UnauthorizedProblem>()(
  "UnauthorizedProblem",
  "UNAUTHORIZED",
  401,
  "Missing or invalid credentials",
  {}
) {}

export class ForbiddenProblem extends problem<ForbiddenProblem>()(
  "ForbiddenProblem",
  "FORBIDDEN",
  403,
  "Not allowed",
  {}
) {}

export class OrderNotFoundProblem extends problem<OrderNotFoundProblem>()(
  "OrderNotFoundProblem",
  "ORDER_NOT_FOUND",
  404,
  "No such order",
  {}
) {}

export class RefundNotFoundProblem extends problem<RefundNotFoundProblem>()(
  "RefundNotFoundProblem",
  "REFUND_NOT_FOUND",
  404,
  "No such refund",
  {}
) {}

export class EventNotFoundProblem extends problem<EventNotFoundProblem>()(
  "EventNotFoundProblem",
  "EVENT_NOT_FOUND",
  404,
  "No such event",
  {}
) {}

export class BulkJobNotFoundProblem extends problem<BulkJobNotFoundProblem>()(
  "BulkJobNotFoundProblem",
  "BULK_JOB_NOT_FOUND",
  404,
  "No such bulk job",
  {}
) {}

export class RouteNotFoundProblem extends problem<RouteNotFoundProblem>()(
  "RouteNotFoundProblem",
  "ROUTE_NOT_FOUND",
  404,
  "No such route",
  {}
) {}

export class InvalidTransitionProblem extends problem<InvalidTransitionProblem>()(
  "InvalidTransitionProblem",
  "INVALID_TRANSITION",
  409,
  "The state does not allow this",
  {}
) {}

export class ReservationExpiredProblem extends problem<ReservationExpiredProblem>()(
  "ReservationExpiredProblem",
  "RESERVATION_EXPIRED",
  409,
  "The reservation has expired",
  { expiredAt: Schema.DateTimeUtcFromString }
) {}

export class OrderAlreadyConfirmedProblem extends problem<OrderAlreadyConfirmedProblem>()(
  "OrderAlreadyConfirmedProblem",
  "ORDER_ALREADY_CONFIRMED",
  409,
  "The order is already confirmed",
  {}
) {}

export class PaymentMismatchProblem extends problem<PaymentMismatchProblem>()(
  "PaymentMismatchProblem",
  "PAYMENT_MISMATCH",
  409,
  "The payment does not fit the order",
  {}
) {}

export class CancellationWindowClosedProblem extends problem<CancellationWindowClosedProblem>()(
  "CancellationWindowClosedProblem",
  "CANCELLATION_WINDOW_CLOSED",
  409,
  "The time to cancel has passed",
  { deadline: Schema.DateTimeUtcFromString }
) {}

export class EventCancelledProblem extends problem<EventCancelledProblem>()(
  "EventCancelledProblem",
  "EVENT_CANCELLED",
  409,
  "The event has been cancelled",
  {}
) {}

export class EventNotOnSaleProblem extends problem<EventNotOnSaleProblem>()(
  "EventNotOnSaleProblem",
  "EVENT_NOT_ON_SALE",
  409,
  "The event is not on sale",
  {}
) {}

export class RefundExceedsCapturedProblem extends problem<RefundExceedsCapturedProblem>()(
  "RefundExceedsCapturedProblem",
  "REFUND_EXCEEDS_CAPTURED",
  409,
  "More than can be refunded",
  { refundable: Schema.Int }
) {}

export class ConfirmationStaleProblem extends problem<ConfirmationStaleProblem>()(
  "ConfirmationStaleProblem",
  "CONFIRMATION_STALE",
  409,
  "The dry run does not cover this any more",
  {}
) {}

export class IdempotencyInProgressProblem extends problem<IdempotencyInProgressProblem>()(
  "IdempotencyInProgressProblem",
  "IDEMPOTENCY_IN_PROGRESS",
  409,
  "A request with this key is still running",
  { retryAfterSeconds: RetryAfterSeconds }
) {}

export class IdempotencyKeyUsedProblem extends problem<IdempotencyKeyUsedProblem>()(
  "IdempotencyKeyUsedProblem",
  "IDEMPOTENCY_KEY_USED",
  409,
  "The key has been used",
  { orderId: Schema.String }
) {}

export class TicketsSoldOutProblem extends problem<TicketsSoldOutProblem>()(
  "TicketsSoldOutProblem",
  "TICKETS_SOLD_OUT",
  409,
  "Not enough tickets are left",
  { ticketTypeId: Schema.NullOr(Schema.String) }
) {}

export class VersionConflictProblem extends problem<VersionConflictProblem>()(
  "VersionConflictProblem",
  "VERSION_CONFLICT",
  409,
  "Somebody else changed the order",
  {}
) {}

/** The same code as a 412, for a request that named a version in `If-Match`. */
export class PreconditionFailedProblem extends problem<PreconditionFailedProblem>()(
  "PreconditionFailedProblem",
  "VERSION_CONFLICT",
  412,
  "The order is not at this version",
  {}
) {}

export class BodyTooLargeProblem extends problem<BodyTooLargeProblem>()(
  "BodyTooLargeProblem",
  "BODY_TOO_LARGE",
  413,
  "The body is too large",
  {}
) {}

export class UnsupportedMediaTypeProblem extends problem<UnsupportedMediaTypeProblem>()(
  "UnsupportedMediaTypeProblem",
  "UNSUPPORTED_MEDIA_TYPE",
  415,
  "The body is not JSON",
  {}
) {}

export class IdempotencyMismatchProblem extends problem<IdempotencyMismatchProblem>()(
  "IdempotencyMismatchProblem",
  "IDEMPOTENCY_MISMATCH",
  422,
  "The key was used with a different request",
  {}
) {}

export class ConfirmationRequiredProblem extends problem<ConfirmationRequiredProblem>()(
  "ConfirmationRequiredProblem",
  "CONFIRMATION_REQUIRED",
  422,
  "A dry run must be confirmed first",
  {}
) {}

export class CurrencyMismatchProblem extends problem<CurrencyMismatchProblem>()(
  "CurrencyMismatchProblem",
  "CURRENCY_MISMATCH",
  422,
  "The event does not sell in this currency",
  {}
) {}

export class PricingMismatchProblem extends problem<PricingMismatchProblem>()(
  "PricingMismatchProblem",
  "PRICING_MISMATCH",
  422,
  "The ticket type or price does not belong here",
  { path: Schema.String }
) {}

export class OrderValueOutOfRangeProblem extends problem<OrderValueOutOfRangeProblem>()(
  "OrderValueOutOfRangeProblem",
  "ORDER_VALUE_OUT_OF_RANGE",
  422,
  "The order's value is out of range",
  {}
) {}

export class OrderLimitExceededProblem extends problem<OrderLimitExceededProblem>()(
  "OrderLimitExceededProblem",
  "ORDER_LIMIT_EXCEEDED",
  429,
  "Too many orders",
  { retryAfterSeconds: RetryAfterSeconds }
) {}

/** More requests than the rate limits let through (rule 7.4); nothing has been done. */
export class RateLimitExceededProblem extends problem<RateLimitExceededProblem>()(
  "RateLimitExceededProblem",
  "RATE_LIMIT_EXCEEDED",
  429,
  "Too many requests",
  { retryAfterSeconds: RetryAfterSeconds }
) {}

/** Nothing but the request id: what went wrong is in our log. */
export class InternalErrorProblem extends problem<InternalErrorProblem>()(
  "InternalErrorProblem",
  "INTERNAL_ERROR",
  500,
  "Something went wrong on our side",
  {}
) {}

export class ServiceUnavailableProblem extends problem<ServiceUnavailableProblem>()(
  "ServiceUnavailableProblem",
  "SERVICE_UNAVAILABLE",
  503,
  "Not available now",
  { retryAfterSeconds: RetryAfterSeconds }
) {}

/** Any problem of this service, for whoever writes one down as text. */
export const AnyProblem = Schema.Union([
  ValidationProblem,
  UnauthorizedProblem,
  ForbiddenProblem,
  OrderNotFoundProblem,
  RefundNotFoundProblem,
  EventNotFoundProblem,
  BulkJobNotFoundProblem,
  RouteNotFoundProblem,
  InvalidTransitionProblem,
  ReservationExpiredProblem,
  OrderAlreadyConfirmedProblem,
  PaymentMismatchProblem,
  CancellationWindowClosedProblem,
  EventCancelledProblem,
  EventNotOnSaleProblem,
  RefundExceedsCapturedProblem,
  ConfirmationStaleProblem,
  IdempotencyInProgressProblem,
  IdempotencyKeyUsedProblem,
  TicketsSoldOutProblem,
  VersionConflictProblem,
  PreconditionFailedProblem,
  BodyTooLargeProblem,
  UnsupportedMediaTypeProblem,
  IdempotencyMismatchProblem,
  ConfirmationRequiredProblem,
  CurrencyMismatchProblem,
  PricingMismatchProblem,
  OrderValueOutOfRangeProblem,
  OrderLimitExceededProblem,
  RateLimitExceededProblem,
  InternalErrorProblem,
  ServiceUnavailableProblem
])
export type AnyProblem = typeof AnyProblem.Type
