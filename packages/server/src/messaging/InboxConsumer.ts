/**
 * Takes the messages of other services: each is written down first, then handled, then acknowledged.
 *
 * **Details**
 *
 * Once it is written down a message is ours: the bus is told so however the handling ends, and what is left of it is found
 * by the chore, on whichever replica. A message that is known already is acknowledged and nothing else. So the bus hands
 * a message out again only if it could not be written down, and no message keeps those behind it. One that the bus has
 * given up, because whoever took it broke over it, becomes a row that is dead, with its alarm.
 */
import {
  type ClaimedDelivery,
  MESSAGE_BYTES_MAX,
  messageKeyOf,
  nobody,
  type ReceivedMessage
} from "@tickettoken/order-domain/InboundMessage"
import type { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import { DELIVERIES_MAX, type Delivery, EventBus, type Verdict } from "@tickettoken/order-domain/ports/EventBus"
import { Inbox } from "@tickettoken/order-domain/ports/Inbox"
import { handleMessage } from "@tickettoken/order-domain/workflows/HandleMessage"
import { type Handler, setAside, settleDelivery } from "@tickettoken/order-domain/workflows/SettleDelivery"
import { Effect, Layer, Option, Schedule } from "effect"
import { createHash } from "node:crypto"
import { INBOX_QUEUE } from "../contract/Messages.ts"
import { runChore } from "../jobs/chore.ts"
import { spanOf } from "../telemetry/traceparent.ts"

/** How many messages one process handles at a time besides those that the bus hands out. */
const INBOX_BATCH = 16

/** How much is kept of a message that is too large to be read. */
const HEAD_CHARS = 2_000

/** A text as it is kept. One that does not say whose it is, is known by what it says. */
export const receivedOf = ({ body }: Delivery): ReceivedMessage => {
  const bytes = Buffer.byteLength(body)
  const key = bytes > MESSAGE_BYTES_MAX ? null : messageKeyOf(body)
  const kept = bytes > MESSAGE_BYTES_MAX ? body.slice(0, HEAD_CHARS) : body
  if (key !== null) return { ...key, body: kept, bytes }
  const messageId = createHash("sha256").update(body).digest("hex")
  return { tenantId: nobody, source: "unknown", messageId, type: "unknown", body: kept, bytes, traceparent: null }
}

/** Goes on with the trace in which the message was sent; one without a trace begins its own. */
const settleInTrace = <E extends { readonly _tag: string }, R>(claimed: ClaimedDelivery, handle: Handler<E, R>) => {
  const { messageId, source, traceparent, type } = claimed.message
  return settleDelivery(claimed, handle).pipe(
    Effect.withSpan(`process ${INBOX_QUEUE}`, {
      kind: "consumer",
      ...Option.match(spanOf(traceparent), { onNone: () => ({ root: true }), onSome: (parent) => ({ parent }) }),
      attributes: {
        "messaging.operation.type": "process",
        "messaging.destination.name": INBOX_QUEUE,
        "messaging.message.id": messageId,
        "cloudevents.event_source": source,
        "cloudevents.event_type": type
      }
    })
  )
}

/** Takes one delivery; answers what the bus is to do with it. */
export const takeDelivery = Effect.fn("InboxConsumer.takeDelivery")(
  function* <E extends { readonly _tag: string }, R>(delivery: Delivery, handle: Handler<E, R>) {
    const inbox = yield* Inbox
    const claimed = yield* inbox.receive(receivedOf(delivery))
    if (claimed !== null) yield* settleInTrace(claimed, handle)
    return "ack" as const
  },
  Effect.catchTag("ServiceUnavailable", () => Effect.succeed<Verdict>("later"))
)

/**
 * Takes one that the bus hands out no more: it is a row like any other, and dead at once. One that is known already has a
 * row that is on its way.
 */
export const setDeliveryAside = Effect.fn("InboxConsumer.setDeliveryAside")(
  function* (delivery: Delivery) {
    const inbox = yield* Inbox
    const claimed = yield* inbox.receive(receivedOf(delivery))
    if (claimed !== null) yield* setAside(claimed, `it was handed out ${DELIVERIES_MAX} times and never taken`)
    return "ack" as const
  },
  Effect.catchTags({
    ServiceUnavailable: () => Effect.succeed<Verdict>("later"),
    // Its lease was too short for us: whoever has it now takes it to its end.
    LeaseLost: () => Effect.succeed<Verdict>("ack")
  })
)

/** Handles messages whose time has come again; answers how many those were. */
export const handleDue = Effect.fn("InboxConsumer.handleDue")(function* <E extends { readonly _tag: string }, R>(
  handle: Handler<E, R>
) {
  const inbox = yield* Inbox
  const claimed = yield* inbox.claimDue(INBOX_BATCH)
  yield* Effect.forEach(claimed, (one) => settleInTrace(one, handle), { concurrency: "unbounded", discard: true })
  return claimed.length
})

const everySecond = Schedule.spaced("1 second").pipe(Schedule.jittered)

/** Messages that wait are handled on every replica, whether or not a bus is attached: some may be left from before. */
export const layerDue = Layer.effectDiscard(
  runChore({ name: "inbox", round: handleDue(handleMessage), full: INBOX_BATCH, schedule: everySecond })
)

/** Consumes from the bus until the scope ends. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const bus = yield* EventBus
    const take = (delivery: Delivery) => takeDelivery(delivery, handleMessage)
    const context = yield* Effect.context<Alarms | Effect.Services<ReturnType<typeof take>>>()
    yield* Effect.forkScoped(
      bus.consume({
        take: (delivery) => Effect.provideContext(take(delivery), context),
        setAside: (delivery) => Effect.provideContext(setDeliveryAside(delivery), context)
      })
    )
  })
)
