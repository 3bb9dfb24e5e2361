/**
 * How clients of a run call: with a patience of their own, hanging up at times, and asking again under the same key
 * until they have an answer that is final.
 */
import { Duration, Effect, Random, Ref } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"

export interface Ask {
  readonly method: "GET" | "POST"
  readonly path: string
  readonly authorization: string
  /** For calls of services. */
  readonly tenantId?: string
  readonly key?: string
  readonly body?: object
}

export interface Answer {
  readonly status: number
  readonly body: unknown
}

export interface Callers {
  /** Asks one server once. `null`: no answer came, or nobody waited for it. */
  readonly once: (ask: Ask, patience?: Duration.Input) => Effect.Effect<Answer | null>
  /** Asks until the answer is final, hanging up on some attempts; `null` when it was given up. */
  readonly untilAnswered: (ask: Ask) => Effect.Effect<Answer | null>
  /** Answers by status; what did not come to an answer by how it ended. */
  readonly answers: Effect.Effect<ReadonlyMap<string, number>>
  /** The first answers that no client of a run should get, whatever goes wrong behind: with request and body. */
  readonly odd: Effect.Effect<ReadonlyArray<string>>
}

/** What a client of a run may be told: done, not there, not now, not so. */
const expected: ReadonlySet<number> = new Set([200, 201, 202, 207, 404, 409, 429, 503])
const ODD_MAX = 20

/** Longer than the service's own budget of 8 s. */
const PATIENCE = Duration.seconds(12)
/** One attempt in so many is hung up on, early: in the middle of the work. Counted, so that it happens in every run. */
const HANG_UP_EVERY = 12
const HANG_UP_MILLIS_MAX = 250
const ATTEMPTS_MAX = 60
const PAUSE_MILLIS = 150
const PAUSE_MILLIS_MAX = 1500

export const hungUp = "hung up"
export const unanswered = "no answer"

const codeOf = (body: unknown): unknown =>
  typeof body === "object" && body !== null && "code" in body ? body.code : undefined

/** Whether asking again can still change the answer. */
const isFinal = ({ body, status }: Answer): boolean =>
  status < 500 && status !== 429 && status !== 408 && codeOf(body) !== "IDEMPOTENCY_IN_PROGRESS"

/** Calls the servers behind these ports in turn. */
export const make = Effect.fn("Callers.make")(function* (ports: ReadonlyArray<number>) {
  const client = yield* HttpClient.HttpClient
  const counts = yield* Ref.make<ReadonlyMap<string, number>>(new Map())
  const turns = yield* Ref.make(0)
  const attempts = yield* Ref.make(0)
  const odd = yield* Ref.make<ReadonlyArray<string>>([])
  const count = (what: string) => Ref.update(counts, (all) => new Map([...all, [what, (all.get(what) ?? 0) + 1]]))

  const send = Effect.fnUntraced(function* (ask: Ask, patience: Duration.Input, given: string) {
    const turn = yield* Ref.getAndUpdate(turns, (number) => number + 1)
    const url = `http://127.0.0.1:${ports[turn % ports.length] ?? 0}${ask.path}`
    const request = (ask.method === "GET" ? HttpClientRequest.get(url) : HttpClientRequest.post(url)).pipe(
      HttpClientRequest.setHeaders({
        authorization: ask.authorization,
        ...(ask.key === undefined ? {} : { "idempotency-key": ask.key }),
        ...(ask.tenantId === undefined ? {} : { "x-tenant-id": ask.tenantId })
      }),
      ask.body === undefined ? (same) => same : HttpClientRequest.bodyJsonUnsafe(ask.body)
    )
    const answer = yield* client.execute(request).pipe(
      // An answer that breaks off in the middle is no answer.
      Effect.flatMap((response) => Effect.map(response.json, (body) => ({ status: response.status, body }))),
      Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.succeed(given) }),
      Effect.catch(() => Effect.succeed(unanswered))
    )
    if (typeof answer === "string") {
      yield* count(answer)
      return null
    }
    yield* count(String(answer.status))
    if (!expected.has(answer.status)) {
      const line = `${answer.status} to ${ask.method} ${ask.path}: ${JSON.stringify(answer.body)}`
      yield* Ref.update(odd, (lines) => (lines.length < ODD_MAX ? [...lines, line] : lines))
    }
    return answer
  })

  const once = (ask: Ask, patience: Duration.Input = PATIENCE) => send(ask, patience, unanswered)

  const untilAnswered = Effect.fnUntraced(function* (ask: Ask) {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const number = yield* Ref.updateAndGet(attempts, (count) => count + 1)
      // The first one has no time at all: that it hangs up does not depend on how fast the servers are.
      const longest = number === HANG_UP_EVERY ? 1 : HANG_UP_MILLIS_MAX
      const answer =
        number % HANG_UP_EVERY === 0
          ? yield* send(ask, Duration.millis(yield* Random.nextIntBetween(1, longest)), hungUp)
          : yield* once(ask)
      if (answer !== null && isFinal(answer)) return answer
      yield* Effect.sleep(Duration.millis(Math.min(PAUSE_MILLIS_MAX, PAUSE_MILLIS * (attempt + 1))))
    }
    return null
  })

  const callers: Callers = { once, untilAnswered, answers: Ref.get(counts), odd: Ref.get(odd) }
  return callers
})
