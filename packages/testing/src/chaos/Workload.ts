/**
 * What people do in a run: buyers of several tenants who create, pay, hesitate, change their minds and ask for their
 * money, and organisers who call events off.
 *
 * Each visit draws from the seed and its own number, so that the same run has the same visitors. What comes of a visit
 * is as the servers, the network and the other visitors let it.
 */
import { Duration, Effect, Option, Random, Ref, Schedule, Schema } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { RefundId, type UserId } from "@tickettoken/order-domain/Ids"
import { type OrderStatus as Status, OrderStatus } from "@tickettoken/order-domain/Order"
import type { Callers } from "./Callers.ts"
import { buyerAt, type ChaosTenant, tenants } from "./ChaosCatalogue.ts"
import type { ClientLog } from "./ClientLog.ts"
import { type Person, serviceCredential } from "./Credentials.ts"
import { asPerson, OrderSeen, purchase, read } from "./Purchase.ts"

export interface WorkloadOptions {
  readonly seed: number
  /** How many buyers are there at a time. */
  readonly buyers: number
  readonly callers: Callers
  readonly log: ClientLog
  /** The payment service itself: where buyers pay. */
  readonly paymentUrl: string
  readonly eventUrl: string
  /** After how long an order that nobody pays has surely expired. */
  readonly expiredAfter: Duration.Duration
}

const StatusSeen = Schema.Struct({ status: OrderStatus })
const RefundSeen = Schema.Struct({ refundId: RefundId, amount: Schema.Int })

const fates = {
  pay: 40,
  payTwice: 10,
  decline: 6,
  payLate: 10,
  leave: 8,
  renewAndPay: 8,
  cancelWhilePaying: 10,
  cancel: 8
} as const

type Fate = keyof typeof fates

const afterwards = { keep: 50, cancel: 20, refundAll: 15, refundSome: 15 } as const

/** One of the names, as often as its number says. */
const draw = <Name extends string>(weights: { readonly [N in Name]: number }) =>
  Effect.gen(function* () {
    const entries = Object.keys(weights).filter((name): name is Name => name in weights)
    const sum = entries.reduce((total, name) => total + weights[name], 0)
    let at = yield* Random.nextIntBetween(0, sum - 1)
    for (const name of entries) {
      if (at < weights[name]) return name
      at -= weights[name]
    }
    return yield* Effect.die(new Error("nothing to draw from"))
  })

const pick = <A>(list: ReadonlyArray<A>): Effect.Effect<A> =>
  Effect.flatMap(Random.nextIntBetween(0, list.length - 1), (at) => Effect.fromNullishOr(list[at])).pipe(Effect.orDie)

const PROBE_PERCENT = 25
const WATCH_SECONDS = 15
/** One event is called off about so often. */
const CALL_OFF_EVERY = Duration.seconds(20)
const PAY_ATTEMPTS_MAX = 8

/** Runs the workload until it is interrupted. */
export const run = Effect.fn("Workload.run")(function* (options: WorkloadOptions) {
  const { callers, log } = options
  const client = yield* HttpClient.HttpClient
  const visitors = yield* Ref.make(0)
  const round = yield* Ref.make(0)

  const asService = (tenantId: string) => ({ authorization: `Service-Key ${serviceCredential}`, tenantId })

  /** A control of the payment or event service, which may be down at the moment. */
  const control = (url: string, body: object) =>
    client.execute(HttpClientRequest.post(url).pipe(HttpClientRequest.bodyJsonUnsafe(body))).pipe(
      Effect.timeout("13 seconds"),
      Effect.catch(() => Effect.andThen(Effect.sleep("400 millis"), Effect.fail("away" as const))),
      Effect.retry({ times: PAY_ATTEMPTS_MAX }),
      Effect.ignore
    )
  const atPayment = (order: OrderSeen, what: string, body: object = {}) =>
    order.paymentIntentId === null
      ? Effect.void
      : control(`${options.paymentUrl}/sandbox/payment-intents/${order.paymentIntentId}/${what}`, body)

  /** A tenant's own buyer with an order. */
  const scene = (tenant: ChaosTenant, userId: UserId, order: OrderSeen) => {
    const person: Person = { tenantId: tenant.tenantId, userId, role: "user" }
    const about = { tenantId: tenant.tenantId, userId, orderId: order.id }
    const path = `/api/v1/orders/${order.id}`
    const seen = (status: Status) => log.note({ kind: "seen", ...about, status })
    const look = Effect.gen(function* () {
      const now = read(OrderSeen, yield* callers.once({ method: "GET", path, ...asPerson(person) }))
      if (now !== undefined) yield* seen(now.status)
      return now?.status
    })
    /** Looks until the order is no longer open. */
    const watch = look.pipe(
      Effect.repeat({
        until: (status) => status !== undefined && status !== "PENDING" && status !== "RESERVED",
        schedule: Schedule.spaced("300 millis")
      }),
      Effect.timeoutOption(Duration.seconds(WATCH_SECONDS))
    )
    const change = (what: "reserve" | "cancel", body?: object) =>
      Effect.gen(function* () {
        const key = `${what}-${order.id}`
        const answer = yield* callers.untilAnswered({
          method: "POST",
          path: `${path}/${what}`,
          key,
          ...asPerson(person),
          ...(body === undefined ? {} : { body })
        })
        const now = read(StatusSeen, answer)
        if (now !== undefined) yield* seen(now.status)
      })
    const refund = (by: Person, number: number, amount?: number) =>
      Effect.gen(function* () {
        const key = `refund-${order.id}-${number}`
        const answer = yield* callers.untilAnswered({
          method: "POST",
          path: `${path}/refund`,
          key,
          body: { reason: "ill", ...(amount === undefined ? {} : { amount }) },
          ...asPerson(by)
        })
        const accepted = read(RefundSeen, answer)
        if (accepted !== undefined) yield* log.note({ kind: "refund", ...about, key, ...accepted })
      })
    const tell =
      order.paymentIntentId === null
        ? Effect.void
        : callers.once({
            method: "POST",
            path: `/internal/v1/orders/${order.id}/confirm`,
            body: { paymentIntentId: order.paymentIntentId },
            ...asService(tenant.tenantId)
          })
    return { change, look, person, refund, tell, watch }
  }

  type Scene = ReturnType<typeof scene>

  const meet = (fate: Fate, order: OrderSeen, { change, look, tell }: Scene) => {
    switch (fate) {
      case "pay":
        return atPayment(order, "pay")
      case "payTwice":
        return Effect.all([atPayment(order, "pay"), atPayment(order, "pay"), tell, tell], { concurrency: "unbounded" })
      case "decline":
        return Effect.flatMap(Random.nextBoolean, (retryable) => atPayment(order, "decline", { retryable }))
      case "payLate":
        return Effect.andThen(Effect.sleep(options.expiredAfter), atPayment(order, "late"))
      case "leave":
        return look
      case "renewAndPay":
        return Effect.andThen(change("reserve"), atPayment(order, "pay"))
      case "cancelWhilePaying":
        return Effect.all([atPayment(order, "pay"), change("cancel", { reason: "changed my mind" })], {
          concurrency: "unbounded"
        })
      case "cancel":
        return change("cancel")
    }
  }

  const repent = Effect.fnUntraced(function* (
    tenant: ChaosTenant,
    order: OrderSeen,
    { change, person, refund }: Scene
  ) {
    const admin: Person = { tenantId: tenant.tenantId, userId: tenant.adminId, role: "admin" }
    switch (yield* draw(afterwards)) {
      case "keep":
        return
      case "cancel":
        return yield* change("cancel")
      case "refundAll":
        return yield* Effect.all([refund(person, 1), refund(person, 1)], { concurrency: 2 })
      case "refundSome": {
        const amount = yield* Random.nextIntBetween(1, Math.max(1, order.pricing.total))
        return yield* Effect.all([refund(admin, 1, amount), refund(admin, 2, amount)], { concurrency: 2 })
      }
    }
  })

  /** Somebody of another tenant asks for the order; there is none, as far as they can tell. */
  const probe = Effect.fnUntraced(function* (tenant: ChaosTenant, userId: UserId, order: OrderSeen) {
    const others = tenants.filter(({ tenantId }) => tenantId !== tenant.tenantId)
    const other = yield* pick(others)
    const role = (yield* Random.nextBoolean) ? ("admin" as const) : ("user" as const)
    const answer = yield* callers.once({
      method: "GET",
      path: `/api/v1/orders/${order.id}`,
      ...asPerson({ tenantId: other.tenantId, userId: role === "admin" ? other.adminId : userId, role })
    })
    if (answer?.status === 200) {
      yield* log.note({ kind: "foreign", tenantId: other.tenantId, userId, orderId: order.id })
    }
  })

  const offerFor = Effect.fnUntraced(function* (tenant: ChaosTenant) {
    switch (yield* draw({ general: 45, scarce: 30, free: 10, calledOff: 15 })) {
      case "general":
        return tenant.general
      case "scarce":
        return tenant.scarce
      case "free":
        return tenant.free
      case "calledOff":
        return tenant.calledOff[(yield* Ref.get(round)) % tenant.calledOff.length] ?? tenant.general
    }
  })

  const visit = Effect.fnUntraced(function* (number: number) {
    const tenant = yield* pick(tenants)
    const userId = buyerAt(number)
    const offer = yield* offerFor(tenant)
    const quantity = yield* Random.nextIntBetween(1, 3)
    const key = `order-${number}`
    const order = yield* purchase(
      { log, untilAnswered: callers.untilAnswered },
      { tenant, userId, offer, quantity, key }
    )
    if (order === undefined) return
    const here = scene(tenant, userId, order)
    if ((yield* Random.nextIntBetween(0, 99)) < PROBE_PERCENT) yield* probe(tenant, userId, order)
    yield* meet(yield* draw(fates), order, here)
    const last = yield* here.watch
    if (Option.isSome(last) && last.value === "CONFIRMED") yield* repent(tenant, order, here)
    yield* here.look
  })

  const buyer = Effect.forever(
    Effect.gen(function* () {
      const number = yield* Ref.getAndUpdate(visitors, (count) => count + 1)
      yield* Random.withSeed(visit(number), `chaos ${options.seed} visit ${number}`)
    })
  )

  const callOff = Effect.fnUntraced(function* (turn: number) {
    for (const tenant of tenants) {
      const offer = tenant.calledOff[turn]
      if (offer === undefined) return
      yield* control(`${options.eventUrl}/sandbox/events/${offer.eventId}/cancel`, {})
      yield* callers.untilAnswered({
        method: "POST",
        path: "/internal/v1/orders/bulk/cancel",
        body: { eventId: offer.eventId, reason: "rain" },
        ...asService(tenant.tenantId)
      })
    }
  })

  const organiser = Effect.forever(
    Effect.gen(function* () {
      yield* Effect.sleep(CALL_OFF_EVERY)
      yield* callOff(yield* Ref.getAndUpdate(round, (turn) => turn + 1))
    })
  )

  yield* Effect.all([organiser, ...Array.from({ length: options.buyers }, () => buyer)], { concurrency: "unbounded" })
})
