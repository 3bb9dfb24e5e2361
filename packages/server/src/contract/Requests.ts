/**
 * What the service accepts: bodies, paths, queries and headers, each with its bounds.
 *
 * A field that is not named here is refused, above all a price (rule 1.8). How many lines and tickets an order may have
 * is policy (rule 2.1) and checked behind these bounds, which only keep nonsense out.
 */
import { Currency } from "@tickettoken/order-domain/Currency"
import { IdempotencyKey } from "@tickettoken/order-domain/Idempotency"
import {
  BulkJobId,
  EventId,
  OrderId,
  OrderItemId,
  PaymentIntentId,
  RefundId,
  TenantId,
  TicketPricingId,
  TicketTypeId,
  UserId
} from "@tickettoken/order-domain/Ids"
import { Metadata } from "@tickettoken/order-domain/Metadata"
import { AMOUNT_CEILING, Cents } from "@tickettoken/order-domain/Money"
import { OrderStatus } from "@tickettoken/order-domain/Order"
import { OrderNumber } from "@tickettoken/order-domain/OrderNumber"
import { DateTime, Effect, Option, Schema, SchemaTransformation } from "effect"

const REASON_CHARS_MAX = 500
/** More lines than any policy allows. */
const LINES_MAX = 100
const QUANTITY_MAX = 10_000
const PAGE_MAX = 100
/** Deeper pages are reached with the cursor. */
const OFFSET_MAX = 10_000
const LOOK_AHEAD_MINUTES_MAX = 24 * 60
/** Longer than any cursor that we make. */
const CURSOR_CHARS_MAX = 256
/** What is searched for in metadata. */
const METADATA_QUERY_CHARS_MAX = 1024
const METADATA_QUERY_KEYS_MAX = 5

/** Text that a person writes: something visible in it, and nothing that PostgreSQL can not store. */
const Reason = Schema.String.check(
  Schema.isMaxLength(REASON_CHARS_MAX),
  Schema.isPattern(/\S/u, { expected: "some text" }),
  Schema.makeFilter((text) => !text.includes("\u0000") && text.isWellFormed(), {
    expected: "text without NUL and without half a surrogate pair"
  })
)

const dayOf = (text: string): Option.Option<DateTime.Utc> => DateTime.make(`${text}T00:00:00Z`)

const ISO_DAY_CHARS = 10

/** The 30th of February is read as a day of March: one that is written otherwise than it is read is none. */
const isDay = (text: string): boolean => Option.exists(dayOf(text), (day) => DateTime.formatIsoDateUtc(day) === text)

const Quantity = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: QUANTITY_MAX }))

/** A whole number in a query, in plain digits: no sign, no exponent, no spaces. */
const queryInt = (minimum: number, maximum: number, byDefault: number) =>
  Schema.String.check(Schema.isPattern(/^(?:0|[1-9][0-9]{0,6})$/, { expected: "a whole number in plain digits" })).pipe(
    Schema.decodeTo(Schema.Int.check(Schema.isBetween({ minimum, maximum })), SchemaTransformation.numberFromString),
    Schema.withDecodingDefaultTypeKey(Effect.succeed(byDefault))
  )

const LineBody = Schema.Struct({
  ticketTypeId: TicketTypeId,
  ticketPricingId: TicketPricingId,
  quantity: Quantity
}).annotate({ identifier: "OrderLine" })

const newOrderFields = {
  eventId: EventId,
  items: Schema.Array(LineBody).check(Schema.isMinLength(1), Schema.isMaxLength(LINES_MAX)),
  /** The tenant's default currency if absent. */
  currency: Schema.optionalKey(Currency)
}

export const CreateOrderBody = Schema.Struct({
  ...newOrderFields,
  metadata: Schema.optionalKey(Metadata)
}).annotate({ identifier: "CreateOrder" })
export type CreateOrderBody = typeof CreateOrderBody.Type

/** Nothing to say: the body may be left out, or be `{}`. */
export const ReserveOrderBody = [Schema.Struct({}).annotate({ identifier: "ReserveOrder" }), Schema.Null] as const

/** The body may be left out. */
export const CancelOrderBody = [
  Schema.Struct({ reason: Schema.optionalKey(Reason) }).annotate({ identifier: "CancelOrder" }),
  Schema.Null
] as const

const ItemsToReturn = Schema.Array(Schema.Struct({ itemId: OrderItemId, quantity: Quantity })).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(LINES_MAX)
)

const refundFields = {
  /** Minor units. Without it and without `items`: the policy's amount. */
  amount: Schema.optionalKey(Cents.check(Schema.isGreaterThanOrEqualTo(1))),
  /** The tickets to return, for their price less what the policy keeps. */
  items: Schema.optionalKey(ItemsToReturn)
}

const eitherAmountOrItems = Schema.makeFilter(
  ({ amount, items }: { readonly amount?: number; readonly items?: ReadonlyArray<unknown> }) =>
    amount === undefined || items === undefined,
  { expected: "either amount or items, not both" }
)

export const RefundOrderBody = Schema.Struct({ reason: Reason, ...refundFields })
  .check(eitherAmountOrItems)
  .annotate({ identifier: "RefundOrder" })
export type RefundOrderBody = typeof RefundOrderBody.Type

export const QuoteOrderBody = Schema.Struct(newOrderFields).annotate({ identifier: "QuoteOrder" })
export type QuoteOrderBody = typeof QuoteOrderBody.Type

export const QuoteCancelBody = Schema.Struct({ orderId: OrderId }).annotate({ identifier: "QuoteCancel" })

export const QuoteRefundBody = Schema.Struct({ orderId: OrderId, ...refundFields })
  .check(eitherAmountOrItems)
  .annotate({ identifier: "QuoteRefund" })

export const ConfirmOrderBody = Schema.Struct({
  paymentIntentId: PaymentIntentId.check(
    Schema.isPattern(/^[\x21-\x7e]{1,255}$/, { expected: "1 to 255 printable ASCII characters without spaces" })
  )
}).annotate({ identifier: "ConfirmOrder" })

export const ExpireOrderBody = Schema.Struct({ reason: Reason }).annotate({ identifier: "ExpireOrder" })

/** Longer than any confirmation token that we make. */
const CONFIRMATION_CHARS_MAX = 512

export const BulkCancelBody = Schema.Struct({
  eventId: EventId,
  reason: Reason,
  /** Answer at once, with the job. */
  async: Schema.optionalKey(Schema.Boolean),
  /** Count orders and money, and change nothing. */
  dryRun: Schema.optionalKey(Schema.Boolean),
  /** Of a dry run: needed where more than the tenant's limit goes back. */
  confirmationToken: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(CONFIRMATION_CHARS_MAX)))
}).annotate({ identifier: "BulkCancel" })
export type BulkCancelBody = typeof BulkCancelBody.Type

export const BulkJobPath = { jobId: BulkJobId }

export const BulkJobQuery = {
  limit: queryInt(1, PAGE_MAX, 50),
  /** `nextFailure` of the page before. */
  after: Schema.optionalKey(OrderId)
}

export const OrderPath = { orderId: OrderId }

export const RefundPath = { orderId: OrderId, refundId: RefundId }

const QueryCursor = Schema.String.check(
  Schema.isMaxLength(CURSOR_CHARS_MAX),
  Schema.isPattern(/^[\w-]+$/, { expected: "a cursor of an earlier page" })
)

export const ListOrdersQuery = {
  status: Schema.optionalKey(OrderStatus),
  eventId: Schema.optionalKey(EventId),
  /** Staff only: whose orders. */
  userId: Schema.optionalKey(UserId),
  limit: queryInt(1, PAGE_MAX, 50),
  offset: queryInt(0, OFFSET_MAX, 0),
  /** `nextCursor` of the page before, in place of `offset`. */
  cursor: Schema.optionalKey(QueryCursor)
}

/** As a handler sees it. */
export type OrderListQuery = Schema.Struct.Type<typeof ListOrdersQuery>

/** An amount in a query, in minor units and plain digits. */
const QueryCents = Schema.String.check(
  Schema.isPattern(/^(?:0|[1-9][0-9]{0,10})$/, { expected: "minor units in plain digits" })
).pipe(
  Schema.decodeTo(
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: AMOUNT_CEILING })),
    SchemaTransformation.numberFromString
  )
)

/** Of this era and the next ones: what is stored has no other. */
const QueryInstant = Schema.String.annotate({ format: "date-time" })
  .check(
    Schema.isPattern(/^[1-9]\d{3}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})$/, {
      expected: "an instant such as 2026-11-27T08:00:00Z"
    }),
    Schema.makeFilter((text) => isDay(text.slice(0, ISO_DAY_CHARS)) && Option.isSome(DateTime.make(text)), {
      expected: "an instant of the calendar"
    })
  )
  .pipe(Schema.decodeTo(Schema.DateTimeUtc, SchemaTransformation.dateTimeUtcFromString))

const storable = (text: string): boolean => !text.includes("\u0000") && text.isWellFormed()

/** Keys at the top of the metadata with their values, as a JSON object. */
const QueryMetadata = Schema.String.check(Schema.isMaxLength(METADATA_QUERY_CHARS_MAX)).pipe(
  Schema.decodeTo(
    Schema.fromJsonString(
      Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null])).check(
        Schema.isMaxProperties(METADATA_QUERY_KEYS_MAX),
        Schema.makeFilter(
          (entries) =>
            Object.entries(entries).every(
              ([key, value]) => storable(key) && (typeof value !== "string" || storable(value))
            ),
          { expected: "text without NUL and without half a surrogate pair" }
        )
      )
    )
  )
)

export const SearchOrdersQuery = {
  id: Schema.optionalKey(OrderId),
  orderNumber: Schema.optionalKey(OrderNumber),
  userId: Schema.optionalKey(UserId),
  paymentIntentId: Schema.optionalKey(PaymentIntentId.check(Schema.makeFilter(storable, { expected: "plain text" }))),
  eventId: Schema.optionalKey(EventId),
  status: Schema.optionalKey(OrderStatus),
  currency: Schema.optionalKey(Currency),
  /** The total, in minor units, both ends included. */
  totalMin: Schema.optionalKey(QueryCents),
  totalMax: Schema.optionalKey(QueryCents),
  /** Creation, from this instant on and before that one. */
  createdFrom: Schema.optionalKey(QueryInstant),
  createdBefore: Schema.optionalKey(QueryInstant),
  metadata: Schema.optionalKey(QueryMetadata),
  limit: queryInt(1, PAGE_MAX, 50),
  cursor: Schema.optionalKey(QueryCursor)
}
/** As a handler sees it. */
export type OrderSearchQuery = Schema.Struct.Type<typeof SearchOrdersQuery>

export const ExpiringQuery = {
  minutes: queryInt(0, LOOK_AHEAD_MINUTES_MAX, 5),
  limit: queryInt(1, PAGE_MAX, 100)
}

/** A day of UTC, as its first instant. */
const Day = Schema.String.annotate({ format: "date" })
  .check(
    Schema.isPattern(/^\d{4}-\d{2}-\d{2}$/, { expected: "a day such as 2026-11-27" }),
    Schema.makeFilter(isDay, { expected: "a day of the calendar" })
  )
  .pipe(
    Schema.decodeTo(
      Schema.DateTimeUtc,
      SchemaTransformation.transform({
        decode: (text) => Option.getOrThrow(dayOf(text)),
        encode: DateTime.formatIsoDateUtc
      })
    )
  )

const rangeFields = {
  /** The first day; 30 days up to `to` if absent. */
  from: Schema.optionalKey(Day),
  /** The last day, within the range; today if absent. */
  to: Schema.optionalKey(Day)
}

export const SalesRangeQuery = rangeFields
export const SalesSeriesQuery = {
  ...rangeFields,
  interval: Schema.Literals(["hour", "day"]).pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed("day" as const)))
}
export const TopEventsQuery = {
  ...rangeFields,
  /** Every currency if absent, each by itself. */
  currency: Schema.optionalKey(Currency),
  limit: queryInt(1, PAGE_MAX, 10)
}
export const OpenHoldsQuery = { limit: queryInt(0, PAGE_MAX, 20) }

/** A strong entity tag of an order, or `*`. */
const IfMatch = Schema.String.check(
  Schema.isPattern(/^(?:"[1-9][0-9]{0,8}"|\*)$/, { expected: 'one strong entity tag, such as "3", or *' })
)

/** Of operations that create something or move money. */
export const KeyedHeaders = { "idempotency-key": Schema.optionalKey(IdempotencyKey) }

/** Of operations that change an order. */
export const ChangeHeaders = { ...KeyedHeaders, "if-match": Schema.optionalKey(IfMatch) }

/** The tenant that a service acts for; it must own the order (rule 7.3). */
export const TenantHeaders = { "x-tenant-id": TenantId }

const MESSAGE_ID_CHARS_MAX = 150

/** Messages of ours, sent once more; or of others that were set aside, handled anew. */
export const ReplayBody = Schema.Union([
  Schema.Struct({
    what: Schema.Literal("published"),
    /** Of every order if absent. */
    orderId: Schema.optionalKey(OrderId),
    /** From the beginning if absent, which is as long as messages are kept. */
    since: Schema.optionalKey(Schema.DateTimeUtcFromString)
  }),
  Schema.Struct({
    what: Schema.Literal("dead"),
    messageId: Schema.optionalKey(Schema.NonEmptyString.check(Schema.isMaxLength(MESSAGE_ID_CHARS_MAX))),
    since: Schema.optionalKey(Schema.DateTimeUtcFromString)
  })
]).annotate({ identifier: "Replay" })
export type ReplayBody = typeof ReplayBody.Type
