/**
 * The messages that the service publishes: one for each fact of an order, as CloudEvents 1.0.
 *
 * A message is the fact's audit row told to others: its id is the row's, so a message that is sent twice is recognised,
 * and its version is the order's, so a consumer can tell what is newer.
 */
import { type DateTime, Schema } from "effect"
import type { EventData } from "./Decision.ts"
import { OrderId, TenantId } from "./Ids.ts"
import type { Order } from "./Order.ts"
import { type OrderEvent, orderEventTypes } from "./OrderEvent.ts"

/** The `source` of everything that we publish. */
export const MESSAGE_SOURCE = "order-service"

/** What goes over the wire, attribute by attribute. `type` is also the routing key. */
export const OrderMessage = Schema.Struct({
  specversion: Schema.Literal("1.0"),
  /** The id of the audit row: the same however often the message is sent. */
  id: Schema.NonEmptyString,
  source: Schema.Literal(MESSAGE_SOURCE),
  type: Schema.NonEmptyString,
  subject: OrderId,
  time: Schema.DateTimeUtc,
  datacontenttype: Schema.Literal("application/json"),
  tenantid: TenantId,
  /** Rises by one with every message of the order. */
  orderversion: Schema.Int,
  /** W3C trace context of the commit that wrote it. */
  traceparent: Schema.optionalKey(Schema.String),
  data: Schema.Record(Schema.String, Schema.Json)
})
export type OrderMessage = typeof OrderMessage.Type

/** What a store keeps of a message, and what makes it whole again. */
export interface MessageParts {
  readonly id: string
  readonly type: string
  readonly tenantId: TenantId
  readonly orderId: OrderId
  readonly version: number
  readonly at: DateTime.Utc
  readonly traceparent: string | null
  readonly data: EventData
}

export const orderMessage = (parts: MessageParts): OrderMessage => ({
  specversion: "1.0",
  id: parts.id,
  source: MESSAGE_SOURCE,
  type: parts.type,
  subject: parts.orderId,
  time: parts.at,
  datacontenttype: "application/json",
  tenantid: parts.tenantId,
  orderversion: parts.version,
  ...(parts.traceparent === null ? {} : { traceparent: parts.traceparent }),
  data: parts.data
})

/** Type and data of the message about a fact: the order as it stood then, and what happened to it. */
export const announcement = (order: Order, event: OrderEvent) => ({
  type: orderEventTypes[event.type],
  data: {
    ...event.data,
    orderId: order.id,
    orderNumber: order.orderNumber,
    userId: order.userId,
    eventId: order.eventId,
    status: order.status,
    currency: order.currency,
    pricing: order.pricing,
    items: order.items
  }
})

const encode = Schema.encodeSync(Schema.toCodecJson(OrderMessage))

/** The message as JSON text. */
export const messageJson = (message: OrderMessage): string => JSON.stringify(encode(message))
