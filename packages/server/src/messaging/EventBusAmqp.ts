/**
 * The event bus over RabbitMQ: one connection that publishes, and one for each consumer, so that a broker that takes
 * nothing goes on handing out.
 */
import { EventBus } from "@tickettoken/order-domain/ports/EventBus"
import { Effect, Layer } from "effect"
import * as Consumer from "../rabbitmq/Consumer.ts"
import * as Publisher from "../rabbitmq/Publisher.ts"
import { absent, type Presence } from "../rabbitmq/Session.ts"

export type Options = Publisher.PublisherOptions & Consumer.ConsumerOptions

/** Is there at once, whether or not RabbitMQ is. */
export const layer = (options: Options): Layer.Layer<EventBus> =>
  Layer.effect(
    EventBus,
    Effect.gen(function* () {
      const publisher = yield* Publisher.make(options)
      const consumers = new Set<Presence>()
      return EventBus.of({
        status: Effect.map(publisher.whyNot, (publishing) => ({
          publishing,
          consuming: [...consumers].find(({ why }) => why !== null)?.why ?? null
        })),
        publish: publisher.publish,
        consume: (receiver) =>
          Effect.acquireUseRelease(
            Effect.sync(() => {
              const presence = absent()
              consumers.add(presence)
              return presence
            }),
            (presence) => Consumer.consume(options, receiver, presence),
            (presence) => Effect.sync(() => void consumers.delete(presence))
          )
      })
    })
  )
