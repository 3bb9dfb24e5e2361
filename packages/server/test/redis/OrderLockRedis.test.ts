/** The lock of an order in Redis: it keeps others waiting for a moment, and whoever has none goes on all the same. */
import { assert, describe, it, layer } from "@effect/vitest"
import { systemActor } from "@tickettoken/order-domain/Actor"
import { OrderId, PaymentIntentId } from "@tickettoken/order-domain/Ids"
import { OrderLock } from "@tickettoken/order-domain/ports/OrderLock"
import { Payments } from "@tickettoken/order-domain/ports/Payments"
import { confirmOrder } from "@tickettoken/order-domain/workflows/ConfirmOrder"
import * as IoRedis from "@tickettoken/order-server/redis/IoRedis"
import * as OrderLockRedis from "@tickettoken/order-server/redis/OrderLockRedis"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Context, Deferred, Duration, Effect, Fiber, Layer, Schedule } from "effect"
import { Redis } from "effect/persistence"
import { randomUUID } from "node:crypto"
import { createOrder, person } from "../http/support/buyer.ts"
import { live } from "../http/support/everyStore.ts"
import { memoryServer } from "../http/support/testServer.ts"
import { closedPort } from "../support/httpStub.ts"
import { hasRedis, ordinaryRedis } from "../support/redis.ts"

/** For an answer of Redis on busy cores. */
const ANSWER_MILLIS_MAX = 5000

const settings: OrderLockRedis.OrderLockSettings = {
  timeToLive: Duration.seconds(30),
  tries: 3,
  delay: Duration.millis(50)
}

/** A connection of one replica, once it is there. */
const connected = Effect.gen(function* () {
  const redis = Context.get(yield* Layer.build(IoRedis.layer(ordinaryRedis)), Redis.Redis)
  yield* Effect.retry(redis.send("PING"), { schedule: Schedule.spaced("20 millis"), times: 500 })
  return redis
})

const lockOver = (redis: Redis.Redis["Service"], changed: Partial<OrderLockRedis.OrderLockSettings> = {}) =>
  OrderLockRedis.make({ ...settings, ...changed }, ANSWER_MILLIS_MAX).pipe(Effect.provideService(Redis.Redis, redis))

const keyOf = (orderId: string): string => `order:lock:${orderId}`

const patient = { tries: 2000, delay: Duration.millis(5) }

describe.skipIf(!hasRedis)("3.12 the lock of an order", () => {
  it.live("is one replica's at a time: the other one waits until it is given back", () =>
    Effect.gen(function* () {
      const redis = yield* connected
      const [one, other] = [yield* lockOver(redis, patient), yield* lockOver(redis, patient)]
      const orderId = randomUUID()
      let inside = 0
      let most = 0
      const visit = Effect.gen(function* () {
        inside += 1
        most = Math.max(most, inside)
        yield* Effect.sleep("2 millis")
        inside -= 1
      })
      yield* Effect.forEach(
        Array.from({ length: 10 }, (_, number) => (number % 2 === 0 ? one : other)),
        ({ around }) => around(orderId, visit),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(most, 1)
      assert.isNull(yield* redis.send("GET", keyOf(orderId)))
    })
  )

  it.live("keeps nobody for long: after three tries the work is done without it", () =>
    Effect.gen(function* () {
      const redis = yield* connected
      const { around } = yield* lockOver(redis)
      const orderId = randomUUID()
      const end = yield* Deferred.make<void>()
      const holding = yield* Deferred.make<void>()
      const holder = yield* Effect.forkChild(
        around(orderId, Effect.andThen(Deferred.succeed(holding, undefined), Deferred.await(end)))
      )
      yield* Deferred.await(holding)
      const token = yield* redis.send("GET", keyOf(orderId))
      assert.strictEqual(yield* around(orderId, Effect.succeed("done")), "done")
      // The one who went without it has not given back what is another's.
      assert.strictEqual(yield* redis.send("GET", keyOf(orderId)), token)
      yield* Deferred.succeed(end, undefined)
      yield* Fiber.join(holder)
      assert.isNull(yield* redis.send("GET", keyOf(orderId)))
    })
  )

  it.live("is given back by work that fails and by work that is given up", () =>
    Effect.gen(function* () {
      const redis = yield* connected
      const { around } = yield* lockOver(redis)
      const orderId = randomUUID()
      assert.strictEqual(yield* Effect.flip(around(orderId, Effect.fail("no"))), "no")
      assert.isNull(yield* redis.send("GET", keyOf(orderId)))
      const holding = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        around(orderId, Effect.andThen(Deferred.succeed(holding, undefined), Effect.never))
      )
      yield* Deferred.await(holding)
      yield* Fiber.interrupt(fiber)
      assert.isNull(yield* redis.send("GET", keyOf(orderId)))
    })
  )

  it.live("of an owner who has died ends with its time", () =>
    Effect.gen(function* () {
      const redis = yield* connected
      const { around } = yield* lockOver(redis)
      const orderId = randomUUID()
      yield* around(
        orderId,
        Effect.gen(function* () {
          const left = Number(yield* redis.send("PTTL", keyOf(orderId)))
          assert.isAtMost(left, 30_000)
          assert.isAbove(left, 0)
        })
      )
    })
  )

  it.live("is not given back by an owner who has lost it", () =>
    Effect.gen(function* () {
      const redis = yield* connected
      const { around } = yield* lockOver(redis)
      const orderId = randomUUID()
      yield* around(orderId, redis.send("SET", keyOf(orderId), "another's"))
      assert.strictEqual(yield* redis.send("GET", keyOf(orderId)), "another's")
      yield* redis.send("DEL", keyOf(orderId))
    })
  )

  it.live("has a higher number each time", () =>
    Effect.gen(function* () {
      const redis = yield* connected
      const { around } = yield* lockOver(redis)
      const fence = Effect.map(redis.send("GET", "order:lock-fence"), Number)
      const first = yield* around(randomUUID(), fence)
      assert.isAbove(yield* around(randomUUID(), fence), first)
    })
  )
})

const CONFIRMATIONS = 6

/** Confirms a paid order so often at once; what was answered, and how often the payment service was asked. */
const confirmAtOnce = Effect.fnUntraced(function* (beforeAnswer: (asked: number) => Effect.Effect<void>) {
  const { id, intent } = yield* createOrder(yield* person())
  yield* Effect.flatMap(ServiceControls, (controls) => controls.pay(intent))
  const payments = yield* Payments
  let asked = 0
  const counted = Payments.of({
    ...payments,
    getIntent: (tenantId, paymentIntentId) =>
      Effect.suspend(() => {
        asked += 1
        return Effect.andThen(beforeAnswer(asked), payments.getIntent(tenantId, paymentIntentId))
      })
  })
  const caller = { tenantId: demo.tenantId, actor: systemActor("test"), vip: false }
  const confirm = confirmOrder({ caller, orderId: OrderId.make(id), paymentIntentId: PaymentIntentId.make(intent) })
  const orders = yield* Effect.all(
    Array.from({ length: CONFIRMATIONS }, () => confirm),
    { concurrency: "unbounded" }
  ).pipe(Effect.provideService(Payments, counted))
  return { statuses: orders.map(({ status }) => status), asked }
})

const allConfirmed = Array.from({ length: CONFIRMATIONS }, () => "CONFIRMED")

layer(memoryServer(), live)("3.12 a payment that several tell of at once", (it) => {
  it.effect.runIf(hasRedis)("is asked about once where there is a lock", () =>
    Effect.gen(function* () {
      const lock = yield* lockOver(yield* connected, patient)
      const { asked, statuses } = yield* confirmAtOnce(() => Effect.void).pipe(Effect.provideService(OrderLock, lock))
      assert.deepStrictEqual(statuses, allConfirmed)
      assert.strictEqual(asked, 1)
    })
  )

  it.effect("twin: is asked about by several without one, and everybody is answered the same", () =>
    Effect.gen(function* () {
      const second = yield* Deferred.make<void>()
      const together = (asked: number) =>
        asked > 1 ? Effect.asVoid(Deferred.succeed(second, undefined)) : Deferred.await(second)
      const { asked, statuses } = yield* confirmAtOnce(together)
      assert.deepStrictEqual(statuses, allConfirmed)
      assert.isAbove(asked, 1)
    })
  )
})

describe("3.12 without a Redis", () => {
  it.live("twin: the work is done as with one", () =>
    Effect.gen(function* () {
      const { port } = yield* closedPort
      const nobody = { host: "127.0.0.1", port: Number(port) }
      const redis = Context.get(yield* Layer.build(IoRedis.layer(nobody)), Redis.Redis)
      const { around } = yield* lockOver(redis)
      for (let number = 0; number < 10; number++) {
        assert.strictEqual(yield* around(randomUUID(), Effect.succeed(number)), number)
      }
    })
  )
})
