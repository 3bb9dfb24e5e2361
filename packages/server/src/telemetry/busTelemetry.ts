/**
 * What is to be known of the bus: a bus around the bus. Every message is counted by what became of it, and each that is
 * published is a span of the trace in which it was written.
 */
import type { OrderMessage } from "@tickettoken/order-domain/OrderMessage"
import { EventBus, type Published, type Verdict } from "@tickettoken/order-domain/ports/EventBus"
import { Clock, Effect, Exit, Layer, Option } from "effect"
import { EVENTS_EXCHANGE } from "../contract/Messages.ts"
import { messages as metrics } from "./Metrics.ts"
import { spanOf } from "./traceparent.ts"

const begin = ({ id, source, subject, traceparent, type }: OrderMessage) =>
  Effect.makeSpan(`send ${EVENTS_EXCHANGE}`, {
    kind: "producer",
    ...Option.match(spanOf(traceparent), { onNone: () => ({ root: true }), onSome: (parent) => ({ parent }) }),
    attributes: {
      "messaging.operation.type": "send",
      "messaging.destination.name": EVENTS_EXCHANGE,
      "messaging.message.id": id,
      "cloudevents.event_source": source,
      "cloudevents.event_subject": subject,
      "cloudevents.event_type": type
    }
  })

const publishing = (publish: EventBus["Service"]["publish"]): EventBus["Service"]["publish"] =>
  Effect.fnUntraced(function* (batch: ReadonlyArray<OrderMessage>) {
    const spans = yield* Effect.forEach(batch, begin)
    const outcomes = yield* publish(batch)
    const now = yield* Clock.currentTimeNanos
    const counts = new Map<Published, number>()
    outcomes.forEach((outcome, at) => {
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
      spans[at]?.attribute("messaging.outcome", outcome)
      spans[at]?.end(now, Exit.void)
    })
    for (const [outcome, count] of counts) yield* metrics.published.record(count, { outcome })
    return outcomes
  })

const answering = (asked: Effect.Effect<Verdict>): Effect.Effect<Verdict> =>
  asked.pipe(
    Effect.tap((answer) => metrics.delivered.record(1, { answer })),
    Effect.tapDefect(() => metrics.delivered.record(1, { answer: "broken" }))
  )

/** The bus that it is given, observed. */
export const layer: Layer.Layer<EventBus, never, EventBus> = Layer.effect(
  EventBus,
  Effect.map(EventBus, (bus) =>
    EventBus.of({
      status: Effect.tap(bus.status, ({ consuming, publishing: sending }) =>
        Effect.andThen(
          metrics.busDown.record(sending === null ? 0 : 1, { direction: "publishing" }),
          metrics.busDown.record(consuming === null ? 0 : 1, { direction: "consuming" })
        )
      ),
      publish: publishing(bus.publish),
      consume: ({ setAside, take }) =>
        bus.consume({
          take: (delivery) => answering(take(delivery)),
          setAside: (delivery) =>
            Effect.tap(answering(setAside(delivery)), (answer) =>
              answer === "ack" ? metrics.deadLettered.record(1, {}) : Effect.void
            )
        })
    })
  )
)
