/**
 * What the service tells over RabbitMQ and what it listens to, as an AsyncAPI document that people review.
 */
import { InboundMessage } from "@tickettoken/order-domain/InboundMessage"
import { TenantId } from "@tickettoken/order-domain/Ids"
import { messageDataOf } from "@tickettoken/order-domain/MessageData"
import { OrderEventType, orderEventTypes } from "@tickettoken/order-domain/OrderEvent"
import { OrderMessage } from "@tickettoken/order-domain/OrderMessage"
import { Schema } from "effect"

/** A topic exchange: everybody's facts, by type. */
export const EVENTS_EXCHANGE = "tickettoken.events"

/** Our queue: what others tell us. */
export const INBOX_QUEUE = "order-service.inbox"

/** The exchange of what our queue hands out no more, and its queue. */
export const DEAD_LETTERS = "order-service.dead"

const CONTENT_TYPE = "application/cloudevents+json"

interface Described {
  readonly type: string
  readonly payload: Schema.Constraint
}

const outgoing: ReadonlyArray<Described> = OrderEventType.literals.map((fact) => {
  const type = orderEventTypes[fact]
  return {
    type,
    payload: Schema.Struct({ ...OrderMessage.fields, type: Schema.Literal(type), data: messageDataOf(fact) })
  }
})

/** What an envelope must hold for us. */
const envelope = {
  specversion: Schema.Literal("1.0"),
  id: Schema.NonEmptyString.check(Schema.isMaxLength(150)),
  source: Schema.NonEmptyString.check(Schema.isMaxLength(100)),
  tenantid: TenantId,
  traceparent: Schema.optionalKey(Schema.String)
}

const incoming: ReadonlyArray<Described> = InboundMessage.members.map(({ fields }) => ({
  type: fields.type.literal,
  payload: Schema.Struct({ ...envelope, ...fields })
}))

/** The text of a schema refers to its parts; here they stand among the document's own. */
const inDocument = (schema: object): unknown =>
  JSON.parse(JSON.stringify(schema).replaceAll("#/$defs/", "#/components/schemas/"))

const payloadOf = ({ payload }: Described) => Schema.toJsonSchemaDocument(payload)

const messageOf = (described: Described) => ({
  name: described.type,
  contentType: CONTENT_TYPE,
  payload: inDocument(payloadOf(described).schema)
})

const byType = <A>(all: ReadonlyArray<Described>, what: (one: Described) => A) =>
  Object.fromEntries(all.map((one) => [one.type, what(one)]))

const inComponents = ({ type }: Described) => ({ $ref: `#/components/messages/${type}` })

const inChannel = (channel: string, all: ReadonlyArray<Described>) =>
  all.map(({ type }) => ({ $ref: `#/channels/${channel}/messages/${type}` }))

/** AsyncAPI 3.0. */
export const asyncApi = () => ({
  asyncapi: "3.0.0",
  info: {
    title: "Ticket orders",
    version: "0.1.0",
    description:
      "CloudEvents 1.0 in JSON. The routing key is the type. Messages come at least once, those of one order in the order of `orderversion`; `id` is the same however often a message comes."
  },
  defaultContentType: CONTENT_TYPE,
  channels: {
    events: {
      address: EVENTS_EXCHANGE,
      description: "Where the facts of orders are told. Bind a queue of your own by type, such as `order.*`.",
      messages: byType(outgoing, inComponents),
      bindings: {
        amqp: {
          is: "routingKey",
          exchange: { name: EVENTS_EXCHANGE, type: "topic", durable: true, autoDelete: false },
          bindingVersion: "0.3.0"
        }
      }
    },
    inbox: {
      address: INBOX_QUEUE,
      description: `What others tell the service: publish to ${EVENTS_EXCHANGE} with the type as routing key. A message is a reason to ask the service that knows, and changes nothing by its own word.`,
      messages: byType(incoming, inComponents),
      bindings: {
        amqp: {
          is: "queue",
          queue: { name: INBOX_QUEUE, durable: true, exclusive: false, autoDelete: false },
          bindingVersion: "0.3.0"
        }
      }
    }
  },
  operations: {
    tell: {
      action: "send",
      channel: { $ref: "#/channels/events" },
      messages: inChannel("events", outgoing),
      bindings: { amqp: { deliveryMode: 2, mandatory: true, timestamp: true, bindingVersion: "0.3.0" } }
    },
    listen: {
      action: "receive",
      channel: { $ref: "#/channels/inbox" },
      messages: inChannel("inbox", incoming),
      bindings: { amqp: { ack: true, bindingVersion: "0.3.0" } }
    }
  },
  components: {
    messages: byType([...outgoing, ...incoming], messageOf),
    schemas: Object.fromEntries(
      [...outgoing, ...incoming].flatMap((one) =>
        Object.entries(payloadOf(one).definitions).map(([name, schema]) => [name, inDocument(schema)])
      )
    )
  }
})
