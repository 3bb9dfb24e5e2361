/**
 * Tells the order service that money has come, as a payment service's webhook would: at least once, in the background,
 * with a limit.
 *
 * The order service must not need it (it asks for every intent by itself), so an announcement that is given up is no
 * loss of money: the journal has the capture.
 */
import { Deferred, Duration, Effect, Option, Redacted, Ref, Schedule, type Scope } from "effect"
import { type HttpClient, HttpClientRequest, type HttpClientResponse } from "effect/http"
import { stepWith } from "./Engine.ts"
import type { Faults } from "./Faults.ts"
import type { Journal } from "./Journal.ts"
import type { Intent, PaymentFact } from "./PaymentFacts.ts"
import { engine, type PaymentState } from "./PaymentLedger.ts"

/** Whom to tell, and the service key (`<id>.<secret>`) to show. */
export interface AnnounceTarget {
  readonly orderServiceUrl: string
  readonly serviceKey: Redacted.Redacted
}

/**
 * What became of an announcement when the payer is answered: the order service's word, `pending` while it is tried
 * again, `lost` by a fault, `null` when nobody was to be told.
 */
export type Announced = { readonly status: number; readonly body: unknown } | "pending" | "lost" | null

export interface Announcer {
  readonly announce: (intent: Intent) => Effect.Effect<Announced>
  /** Tells somebody else, or nobody, from now on. */
  readonly setTarget: (target: AnnounceTarget | undefined) => Effect.Effect<void>
}

interface AnnouncerOptions {
  readonly scope: Scope.Scope
  readonly journal: Journal<PaymentState, PaymentFact>
  readonly faults: Faults
  readonly client: HttpClient.HttpClient
  readonly target: AnnounceTarget | undefined
}

/** Longer than the order service's own budget of 8 s. */
const ATTEMPT_TIMEOUT = "10 seconds"
/** How long the payer is kept waiting for the order service's answer. */
const ANSWER_WAIT = "12 seconds"
/** With the delays below: about 40 s, which outlasts a restart of the order service. */
const RETRIES_MAX = 9
const backoff = Schedule.exponential("200 millis").pipe(
  Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.seconds(10)))),
  Schedule.upTo({ times: RETRIES_MAX })
)

const OPERATION = "announcements.confirm"

const readBody = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<unknown> =>
  response.json.pipe(Effect.catch(() => Effect.succeed(null)))

/** Busy, down or still at it: worth another attempt. Every other answer is the last word. */
const isFinal = (answer: { readonly status: number; readonly body: unknown }): boolean => {
  const { body, status } = answer
  const isRunning =
    typeof body === "object" && body !== null && "code" in body && body.code === "IDEMPOTENCY_IN_PROGRESS"
  return !(status >= 500 || status === 429 || status === 408 || (status === 409 && isRunning))
}

export const make = Effect.fnUntraced(function* (options: AnnouncerOptions) {
  const { client, faults, journal, scope } = options
  const target = yield* Ref.make(Option.fromUndefinedOr(options.target))

  /** One attempt; fails with `pending` when it is worth another one. */
  const attempt = Effect.fnUntraced(function* (intent: Intent, number: number) {
    const to = yield* Ref.get(target)
    if (Option.isNone(to)) return null
    const { orderServiceUrl, serviceKey } = to.value
    const path = `/internal/v1/orders/${intent.orderId}/confirm`
    const fired = yield* faults.draw({ operation: OPERATION, method: "POST", path })
    if (fired.failBefore) return "lost"
    if (fired.latencyMs > 0) yield* Effect.sleep(fired.latencyMs)
    const { id: paymentIntentId, orderId, tenantId } = intent
    const note = (status: number | null) =>
      journal.perform((state) => {
        const fact = { kind: "payment.announced", tenantId, orderId, paymentIntentId, attempt: number, status } as const
        return stepWith(engine, state, [fact], undefined)
      })
    const send = HttpClientRequest.post(`${orderServiceUrl.replace(/\/$/, "")}${path}`).pipe(
      HttpClientRequest.setHeaders({
        authorization: `Service-Key ${Redacted.value(serviceKey)}`,
        "x-tenant-id": tenantId
      }),
      HttpClientRequest.bodyJsonUnsafe({ paymentIntentId }),
      client.execute,
      Effect.flatMap((response) => Effect.map(readBody(response), (body) => ({ status: response.status, body }))),
      Effect.timeout(ATTEMPT_TIMEOUT),
      Effect.option,
      Effect.tap((answer) => note(Option.match(answer, { onNone: () => null, onSome: ({ status }) => status })))
    )
    const [answer] = yield* Effect.all(fired.duplicate ? [send, send] : [send], { concurrency: "unbounded" })
    if (answer === undefined || Option.isNone(answer) || !isFinal(answer.value) || fired.failAfter !== undefined) {
      return yield* Effect.fail("pending" as const)
    }
    return answer.value
  })

  const announcer: Announcer = {
    setTarget: (to) => Ref.set(target, Option.fromUndefinedOr(to)),
    announce: Effect.fnUntraced(function* (intent) {
      const first = yield* Deferred.make<Announced>()
      const numbers = yield* Ref.make(0)
      const attempts = Ref.updateAndGet(numbers, (number) => number + 1).pipe(
        Effect.flatMap((number) => attempt(intent, number)),
        Effect.tap((announced) => Deferred.succeed(first, announced)),
        Effect.tapError((pending) => Deferred.succeed(first, pending)),
        Effect.retry(backoff),
        Effect.ignore
      )
      yield* Effect.forkIn(attempts, scope)
      return yield* Deferred.await(first).pipe(
        Effect.timeoutOrElse({ duration: ANSWER_WAIT, orElse: () => Effect.succeed<Announced>("pending") })
      )
    })
  }
  return announcer
})
