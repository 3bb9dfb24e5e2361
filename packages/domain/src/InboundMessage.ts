/**
 * The messages of other services, and how their text is read: first the envelope, which says whose message it is, then
 * what it says.
 *
 * Nothing of it is believed. A message tells us where to look; what is true is asked of the service that knows.
 */
import { Result, Schema } from "effect"
import { OrderId, PaymentIntentId, RefundId, TenantId } from "./Ids.ts"

/** What makes two deliveries the same message. */
export interface MessageKey {
  readonly tenantId: TenantId
  readonly source: string
  readonly messageId: string
}

/** A message as it is kept. `body` is its text, or the head of one that is too large; `bytes` is its true size. */
export interface ReceivedMessage extends MessageKey {
  readonly type: string
  readonly body: string
  readonly bytes: number
  /** The trace in which it was sent (W3C trace context), if it says so. */
  readonly traceparent: string | null
}

/** The right to handle a message: the effect commits only while the token is still the row's. */
export interface InboxLease extends MessageKey {
  readonly token: number
}

/** `attempts` counts claims, this one included. */
export interface ClaimedDelivery {
  readonly message: ReceivedMessage
  readonly lease: InboxLease
  readonly attempts: number
}

/** Whose a message is that names no tenant: no tenant has this id. */
export const nobody = TenantId.make("00000000-0000-0000-0000-000000000000")

/** A larger message is not read: everything that we consume fits many times over. */
export const MESSAGE_BYTES_MAX = 262_144

const SOURCE_CHARS_MAX = 100
const ID_CHARS_MAX = 150

/** Printable ASCII: what names a message is compared, logged and stored. */
const name = (charsMax: number) =>
  Schema.NonEmptyString.check(Schema.isMaxLength(charsMax), Schema.isPattern(/^[\x20-\x7e]+$/))

/** What every message must say of itself to be known again (CloudEvents 1.0, with our extension `tenantid`). */
const Envelope = Schema.Struct({
  specversion: Schema.Literal("1.0"),
  id: name(ID_CHARS_MAX),
  source: name(SOURCE_CHARS_MAX),
  type: name(SOURCE_CHARS_MAX),
  tenantid: TenantId,
  traceparent: Schema.optionalKey(Schema.Unknown)
})

/** A message whose trace can not be read is as good as any other. */
const isTraceparent = Schema.is(Schema.String.check(Schema.isPattern(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)))

const Payment = Schema.Struct({ orderId: OrderId, paymentIntentId: PaymentIntentId })
const Refund = Schema.Struct({ orderId: OrderId, refundId: RefundId })

/** What we consume, by type. Fields that we do not need are not looked at. */
export const InboundMessage = Schema.Union([
  Schema.Struct({ type: Schema.Literal("payment.succeeded"), data: Payment }),
  Schema.Struct({
    type: Schema.Literal("payment.failed"),
    data: Schema.Struct({ ...Payment.fields, retryable: Schema.Boolean, reason: Schema.String })
  }),
  Schema.Struct({ type: Schema.Literal("payment.refund.succeeded"), data: Refund }),
  Schema.Struct({ type: Schema.Literal("payment.refund.failed"), data: Refund }),
  Schema.Struct({ type: Schema.Literal("ticket.allocated"), data: Schema.Struct({ orderId: OrderId }) })
])
export type InboundMessage = typeof InboundMessage.Type

/** The types that we consume: what the queue is bound to. */
export const inboundTypes: ReadonlyArray<InboundMessage["type"]> = InboundMessage.members.map(
  ({ fields }) => fields.type.literal
)

const readJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Json))
const readEnvelope = Schema.decodeUnknownResult(Envelope)
const readContent = Schema.decodeUnknownResult(Schema.toCodecJson(InboundMessage))

/** Whose message a text is, or `null` when it does not say so. */
export const messageKeyOf = (body: string): (MessageKey & Pick<ReceivedMessage, "type" | "traceparent">) | null => {
  const json = readJson(body)
  if (Result.isFailure(json)) return null
  const envelope = readEnvelope(json.success)
  if (Result.isFailure(envelope)) return null
  const { id, source, tenantid, traceparent, type } = envelope.success
  const trace = isTraceparent(traceparent) ? traceparent : null
  return { tenantId: tenantid, source, messageId: id, type, traceparent: trace }
}

const isConsumed = (type: string): boolean => inboundTypes.some((known) => known === type)

/** What a message says, or in a few words why it can not be read. The words quote nothing of it. */
export const readMessage = ({ body, bytes, type }: ReceivedMessage): Result.Result<InboundMessage, string> => {
  if (bytes > MESSAGE_BYTES_MAX) return Result.fail(`the message has ${bytes} bytes, ${MESSAGE_BYTES_MAX} are read`)
  const json = readJson(body)
  if (Result.isFailure(json)) return Result.fail("the message is not JSON")
  if (messageKeyOf(body) === null) return Result.fail("the message is no CloudEvent with a tenant, a source and an id")
  if (!isConsumed(type)) return Result.fail(`messages of type ${type} are not consumed here`)
  return Result.mapError(readContent(json.success), () => `the data are not those of ${type}`)
}
