/**
 * RabbitMQ for tests: the ordinary one on its default port, with exchanges and queues of a test's own, and a proxy before it
 * that can be as bad as a network.
 */
import { orderEventTypes } from "@tickettoken/order-domain/OrderEvent"
import { EventBus, type Verdict } from "@tickettoken/order-domain/ports/EventBus"
import * as EventBusAmqp from "@tickettoken/order-server/messaging/EventBusAmqp"
import type { RabbitAddress } from "@tickettoken/order-server/rabbitmq/Session"
import { declareAll, type Names } from "@tickettoken/order-server/rabbitmq/Topology"
import * as FaultProxy from "@tickettoken/order-testing/chaos/FaultProxy"
import { TestBroker } from "@tickettoken/order-testing/contracts/TestBroker"
import { randomUuid } from "@tickettoken/order-testing/TestOrders"
import { type ConfirmChannel, connect } from "amqplib"
import { Context, Duration, Effect, Layer, Redacted, Ref, References, Schedule } from "effect"
import { execFile, spawnSync } from "node:child_process"
import { promisify } from "node:util"
import { listens, orSkip } from "./services.ts"

const DEFAULT_PORT = 5672

/** Whether the suites on the ordinary RabbitMQ can run. */
export const hasRabbit = orSkip(await listens(DEFAULT_PORT), `no RabbitMQ answers on port ${DEFAULT_PORT}`)

/** The account that every RabbitMQ has for its own machine. */
const addressAt = (port: number): RabbitAddress => ({
  host: "127.0.0.1",
  port,
  tls: false,
  virtualHost: "/",
  username: "guest",
  password: Redacted.make("guest")
})

const execute = promisify(execFile)

const rabbitmqctl = (...words: ReadonlyArray<string>) =>
  Effect.promise(() => execute("rabbitmqctl", ["--quiet", ...words]))

/** Only an administrator of the broker's machine makes virtual hosts. */
export const hasVirtualHosts =
  hasRabbit && process.getuid?.() === 0 && spawnSync("sh", ["-c", "command -v rabbitmqctl"]).status === 0

if (hasRabbit && !hasVirtualHosts) process.stderr.write("skipped: virtual hosts need rabbitmqctl and its account\n")

/** A virtual host of the test's own, with every name as it is in production. */
export const ownVirtualHost = Effect.gen(function* () {
  const name = `test-${yield* randomUuid}`
  yield* Effect.acquireRelease(rabbitmqctl("add_vhost", name), () => rabbitmqctl("delete_vhost", name))
  yield* rabbitmqctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
  const model = yield* Effect.acquireRelease(
    Effect.promise(() => connect(`amqp://127.0.0.1:${DEFAULT_PORT}/${name}`)),
    (open) => Effect.promise(() => open.close())
  )
  const proxy = yield* FaultProxy.make(Effect.succeed(DEFAULT_PORT))
  return {
    proxy,
    channel: yield* Effect.promise(() => model.createConfirmChannel()),
    url: `amqp://guest:guest@127.0.0.1:${proxy.port}/${name}`
  }
})

/** What is published, by the patterns of a queue that wants all of it and nothing that is sent to us. */
const EVERYTHING = ["order.*", "reservation.*"]

/** How long a broker may take that is only slow. */
const CONFIRM_TIMEOUT = Duration.seconds(20)

/** A broker of the test's own, as far as anybody can tell: nobody else uses these names. */
export interface OwnBroker {
  readonly names: Names
  readonly proxy: FaultProxy.FaultProxy
  /** A channel of the other side, not through the proxy. */
  readonly channel: ConfirmChannel
  /** The queue that gets what is published. */
  readonly capture: string
}

export class Broker extends Context.Service<Broker, OwnBroker>()("test/support/Broker") {
  /** Everything is declared, and gone with the scope. */
  static readonly layer: Layer.Layer<Broker> = Layer.effect(
    Broker,
    Effect.gen(function* () {
      const prefix = `test-${yield* randomUuid}`
      const names: Names = { events: `${prefix}.events`, inbox: `${prefix}.inbox`, dead: `${prefix}.dead` }
      const capture = `${prefix}.capture`
      const proxy = yield* FaultProxy.make(Effect.succeed(DEFAULT_PORT))
      const model = yield* Effect.acquireRelease(
        Effect.promise(() => connect(`amqp://127.0.0.1:${DEFAULT_PORT}`)),
        (open) => Effect.promise(() => open.close())
      )
      const channel = yield* Effect.promise(() => model.createConfirmChannel())
      yield* Effect.addFinalizer(() =>
        Effect.promise(async () => {
          for (const queue of [capture, names.inbox, names.dead]) await channel.deleteQueue(queue)
          for (const exchange of [names.events, names.dead]) await channel.deleteExchange(exchange)
        })
      )
      yield* Effect.orDie(declareAll({ channel }, names))
      yield* Effect.promise(async () => {
        await channel.assertQueue(capture, { durable: true })
        for (const pattern of EVERYTHING) await channel.bindQueue(capture, names.events, pattern)
      })
      return { names, proxy, channel, capture }
    })
  )
}

/** The bus over that broker, through the proxy. */
export const layerBus = (changes: Partial<EventBusAmqp.Options> = {}) =>
  Layer.unwrap(
    Effect.map(Broker, ({ names, proxy }) =>
      EventBusAmqp.layer({
        address: addressAt(proxy.port),
        names,
        confirmTimeout: CONFIRM_TIMEOUT,
        prefetch: 16,
        ...changes
      })
    )
  )

const often = Schedule.spaced("10 millis")

/** Waits until the bus can publish, or can not. */
export const untilPublishing = (isUp: boolean) =>
  Effect.flatMap(EventBus, ({ status }) =>
    Effect.repeat(status, { until: ({ publishing }) => (publishing === null) === isUp, schedule: often })
  )

/** Everything that is in the queue, taken out of it. */
export const takeAll = Effect.fnUntraced(function* (channel: ConfirmChannel, queue: string) {
  const texts: Array<string> = []
  for (;;) {
    const message = yield* Effect.promise(() => channel.get(queue, { noAck: true }))
    if (message === false) return texts
    texts.push(message.content.toString("utf8"))
  }
})

/** Sends a text to us, as another service would. */
export const sendTo = ({ channel, names }: Pick<OwnBroker, "channel" | "names">, body: string) =>
  Effect.promise(async () => {
    channel.publish(names.events, "payment.succeeded", Buffer.from(body), { persistent: true, mandatory: true })
    await channel.waitForConfirms()
  })

/** Makes the connection as good or as bad as asked for. */
export const cut = ({ proxy }: Pick<OwnBroker, "proxy">, isCut: boolean) =>
  Effect.andThen(proxy.disturb(isCut ? { fault: "resetBefore" } : null), isCut ? proxy.sever : Effect.void)

/** Says of everything but these types that somebody wants it. */
export const bindAllBut = ({ capture, channel, names: { events } }: OwnBroker, types: ReadonlyArray<string>) =>
  Effect.promise(async () => {
    const all = Object.values(orderEventTypes)
    const wanted = types.length === 0 ? EVERYTHING : all.filter((type) => !types.includes(type))
    for (const pattern of wanted) await channel.bindQueue(capture, events, pattern)
    const unwanted = types.length === 0 ? all : [...EVERYTHING, ...types]
    for (const pattern of unwanted) await channel.unbindQueue(capture, events, pattern)
  })

/** The bus and its other side, for the contract. */
export const layerContract = Layer.effectContext(
  Effect.gen(function* () {
    const own = yield* Broker
    const bus = yield* EventBus
    const captured = yield* Ref.make<ReadonlyArray<string>>([])
    const pending = yield* Ref.make(0)
    yield* untilPublishing(true)
    const broker = TestBroker.of({
      send: (body) =>
        Effect.andThen(
          Ref.update(pending, (count) => count + 1),
          sendTo(own, body)
        ),
      published: Effect.flatMap(takeAll(own.channel, own.capture), (texts) =>
        Ref.updateAndGet(captured, (before) => [...before, ...texts])
      ),
      unwanted: (...types) => bindAllBut(own, types),
      setUp: (isUp) =>
        Effect.andThen(
          cut(own, !isUp),
          isUp ? Effect.void : Effect.provideService(untilPublishing(false), EventBus, bus)
        ),
      pending: Ref.get(pending)
    })
    const settled = (deciding: Effect.Effect<Verdict>) =>
      Effect.tap(deciding, (verdict) => (verdict === "ack" ? Ref.update(pending, (count) => count - 1) : Effect.void))
    const counting = EventBus.of({
      ...bus,
      consume: ({ setAside, take }) =>
        bus.consume({
          take: (delivery) => settled(take(delivery)),
          setAside: (delivery) => settled(setAside(delivery))
        })
    })
    return Context.make(EventBus, counting).pipe(Context.add(TestBroker, broker))
  })
).pipe(
  Layer.provide(layerBus()),
  Layer.provideMerge(Broker.layer),
  Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
)
