/**
 * The event bus of a run that has no broker: inside the process, bounded, and gone with it.
 *
 * **Details**
 *
 * It keeps to what a broker promises: a message is handed out until it is acknowledged, several consumers share what
 * comes, and a message of a type that nobody is bound to is returned. Each subscription has a queue of its own; when one
 * is full the message is not confirmed, and waits in the outbox.
 *
 * **Gotchas**
 *
 * An embedded run needs nobody who listens: `recent` is bound to everything and forgets the oldest.
 */
import { DELIVERIES_MAX, type Delivery, EventBus, type Receiver } from "@tickettoken/order-domain/ports/EventBus"
import { messageJson, type OrderMessage } from "@tickettoken/order-domain/OrderMessage"
import { Cause, Context, Duration, Effect, Exit, Layer, Queue, Ref, type Scope } from "effect"

/** How many messages a queue holds. */
const QUEUE_MAX = 1_000

/** How many deliveries one consumer works on at a time. */
const PREFETCH = 16

/** How soon a delivery that was not taken is handed out again. */
const REDELIVERY = Duration.seconds(1)

/** The same for one over which its receiver has broken. */
const RECOVERY = Duration.millis(200)

/** A delivery in our queue. */
interface Waiting extends Delivery {
  /** How often its receiver has broken or died over it. */
  readonly broken: number
  /** It is handed out no more: to be set aside. */
  readonly isOver: boolean
}

/** Whether a type, such as `order.confirmed`, is wanted. */
export type Binding = (type: string) => boolean

export class BusControls extends Context.Service<
  BusControls,
  {
    /** Sends a text to us, as another service would; waits while our queue is full. */
    readonly send: (body: string) => Effect.Effect<void>
    /** A queue of its own for published messages of these types, as their JSON, for as long as the scope lives. */
    readonly subscribe: (wanted: Binding) => Effect.Effect<Queue.Dequeue<string>, never, Scope.Scope>
    /** The last messages that were published, the oldest first. */
    readonly recent: Effect.Effect<ReadonlyArray<OrderMessage>>
    /** How many deliveries nobody has acknowledged yet. */
    readonly pending: Effect.Effect<number>
    /** Whether `recent` takes messages of this type; from the start it takes all. */
    readonly bindRecent: (wanted: Binding) => Effect.Effect<void>
    /** Away, the bus takes nothing and says nothing; so it is until it is told to be back. */
    readonly setUp: (isUp: boolean) => Effect.Effect<void>
  }
>()("@tickettoken/order-server/messaging/BusControls") {}

const make = Effect.gen(function* () {
  const inbound = yield* Queue.bounded<Waiting>(QUEUE_MAX)
  const pending = yield* Ref.make(0)
  const up = yield* Ref.make(true)
  const recent = yield* Ref.make<ReadonlyArray<OrderMessage>>([])
  const recentBinding = yield* Ref.make<Binding>(() => true)
  const subscriptions = yield* Ref.make<ReadonlyMap<Queue.Queue<string>, Binding>>(new Map())

  const publishOne = Effect.fnUntraced(function* (message: OrderMessage) {
    if (!(yield* Ref.get(up))) return "unconfirmed"
    const queues = [...(yield* Ref.get(subscriptions))].flatMap(([queue, wanted]) =>
      wanted(message.type) ? [queue] : []
    )
    const isRecent = (yield* Ref.get(recentBinding))(message.type)
    if (!isRecent && queues.length === 0) return "returned"
    const taken = yield* Effect.forEach(queues, (queue) => Queue.offer(queue, messageJson(message)))
    if (taken.includes(false)) return "unconfirmed"
    if (isRecent) yield* Ref.update(recent, (all) => [...all, message].slice(-QUEUE_MAX))
    return "confirmed"
  })

  // What was taken from the queue and not acknowledged goes back to it, also when the consumer ends.
  const handOut = ({ setAside, take }: Receiver) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const waiting = yield* restore(Queue.take(inbound))
        const { body, broken, isOver } = waiting
        const exit = yield* Effect.exit(restore(isOver ? setAside({ body }) : take({ body })))
        if (Exit.isFailure(exit)) {
          const again = { ...waiting, broken: broken + 1, isOver: isOver || broken + 1 >= DELIVERIES_MAX }
          if (Cause.hasInterruptsOnly(exit.cause)) yield* putBack(again)
          else yield* restore(Effect.sleep(RECOVERY)).pipe(Effect.ensuring(putBack(again)))
          return yield* exit
        }
        if (exit.value === "later") {
          return yield* restore(Effect.sleep(REDELIVERY)).pipe(Effect.ensuring(putBack(waiting)))
        }
        if (exit.value === "reject" && !isOver) return yield* putBack({ ...waiting, isOver: true })
        return yield* Ref.update(pending, (count) => count - 1)
      })
    )

  // It was in the queue before, so it is no more than before: there is room, or a sender waits a little longer.
  const putBack = (waiting: Waiting) => Effect.forkDetach(Queue.offer(inbound, waiting))

  const bus = EventBus.of({
    status: Effect.map(Ref.get(up), (isUp) => ({ publishing: isUp ? null : "it was switched off", consuming: null })),
    publish: (messages) => Effect.forEach(messages, publishOne),
    consume: (receiver) =>
      Effect.forEach(
        Array.from({ length: PREFETCH }),
        () =>
          handOut(receiver).pipe(
            Effect.catchDefect((defect) => Effect.logError("a consumer is broken and goes on", defect)),
            Effect.forever
          ),
        { concurrency: "unbounded", discard: true }
      ).pipe(Effect.andThen(Effect.never))
  })

  const controls = BusControls.of({
    send: (body) =>
      Effect.andThen(
        Ref.update(pending, (count) => count + 1),
        Queue.offer(inbound, { body, broken: 0, isOver: false })
      ),
    subscribe: (wanted) =>
      Effect.acquireRelease(
        Effect.tap(Queue.dropping<string>(QUEUE_MAX), (queue) =>
          Ref.update(subscriptions, (all) => new Map([...all, [queue, wanted]]))
        ),
        (queue) =>
          Effect.andThen(
            Ref.update(subscriptions, (all) => new Map([...all].filter(([known]) => known !== queue))),
            Queue.shutdown(queue)
          )
      ),
    recent: Ref.get(recent),
    pending: Ref.get(pending),
    bindRecent: (wanted) => Ref.set(recentBinding, wanted),
    setUp: (isUp) => Ref.set(up, isUp)
  })
  return Context.make(EventBus, bus).pipe(Context.add(BusControls, controls))
})

export const layer: Layer.Layer<EventBus | BusControls> = Layer.effectContext(make)
