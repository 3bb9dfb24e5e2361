/**
 * The public keys of the issuer of tokens, read from where it publishes them (a JSON Web Key Set, RFC 7517).
 *
 * **Details**
 *
 * The set is read at the start and every five minutes. A token that names a key which is not in it makes us read it
 * once more, but nobody makes us ask more often than every thirty seconds: a flood of invented names costs one request.
 * A key is taken until it has left the set.
 *
 * **Gotchas**
 *
 * A set that can not be read changes nothing: the keys that are known go on judging, for a day. What they can not judge
 * is `KeysUnavailable`, which is neither yes nor no. A set without a key is one that can not be read: an issuer that
 * publishes nothing is broken, and it would lock everybody out.
 */
import { Clock, Data, Duration, Effect, Fiber, Layer, Schema, Semaphore } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { createLocalJWKSet, errors, type JSONWebKeySet } from "jose"
import { jsonIn, readBytes } from "../clients/readBytes.ts"
import { keySet as metrics } from "../telemetry/Metrics.ts"
import { type KeyHint, KeysUnavailable, publicAlgorithms, SigningKeys, UnknownKey } from "./SigningKeys.ts"

/** From one reading to the next. A key that has been taken out is believed for so long at most. */
const READ_EVERY = Duration.minutes(5)

/** Between two readings, whatever asks for them. */
const COOLDOWN = Duration.seconds(30)

const READ_TIMEOUT = Duration.seconds(5)

/** Known keys that could not be read anew for so long judge nobody any more. */
const KEPT_MAX = Duration.hours(24)

const SET_BYTES_MAX = 65_536
const KEYS_MAX = 100

/** What jose makes a key of, and what is needed to find it. Private parts and secrets have no place in a published set. */
const Jwk = Schema.Struct({
  kty: Schema.Literals(["RSA", "EC", "OKP"]),
  kid: Schema.String,
  alg: Schema.optionalKey(Schema.String),
  use: Schema.optionalKey(Schema.String),
  crv: Schema.optionalKey(Schema.String),
  n: Schema.optionalKey(Schema.String),
  e: Schema.optionalKey(Schema.String),
  x: Schema.optionalKey(Schema.String),
  y: Schema.optionalKey(Schema.String)
})
const decodeSet = Schema.decodeUnknownEffect(
  Schema.Struct({ keys: Schema.Array(Schema.Unknown).check(Schema.isMinLength(1), Schema.isMaxLength(KEYS_MAX)) })
)
const isUsable = Schema.is(Jwk)

interface Known {
  readonly find: ReturnType<typeof createLocalJWKSet>
  readonly readAt: number
}

/** Keys behind this address, read for as long as the scope lives. */
export const layer = (url: URL): Layer.Layer<SigningKeys, never, HttpClient.HttpClient> =>
  Layer.effect(SigningKeys, make(url))

const make = Effect.fnUntraced(function* (url: URL) {
  const client = yield* HttpClient.HttpClient
  const scope = yield* Effect.scope
  const turn = yield* Semaphore.make(1)
  let known: Known | undefined
  let failedWith: string | undefined
  let askedAt = Number.NEGATIVE_INFINITY

  const readNow = Effect.gen(function* () {
    askedAt = yield* Clock.currentTimeMillis
    const find = yield* readSet(client, url)
    known = { find, readAt: yield* Clock.currentTimeMillis }
    failedWith = undefined
    yield* metrics.reads.record(1, { outcome: "read" })
  }).pipe(
    Effect.catchTag("Unreadable", ({ why }) =>
      Effect.suspend(() => {
        failedWith = why
        return metrics.reads.record(1, { outcome: "failed" })
      }).pipe(Effect.andThen(Effect.logWarning(`the keys of the issuer of tokens can not be read: ${why}`)))
    )
  )
  const isCoolingDown = Effect.map(Clock.currentTimeMillis, (now) => now - askedAt < Duration.toMillis(COOLDOWN))
  // One at a time, in our own scope: a caller that hangs up does not end the reading that others wait for.
  const readUnlessCooling = Effect.when(
    readNow,
    Effect.map(isCoolingDown, (cooling) => !cooling)
  ).pipe(turn.withPermits(1), Effect.forkIn(scope), Effect.flatMap(Fiber.join))
  yield* readNow.pipe(
    turn.withPermits(1),
    Effect.andThen(Effect.suspend(() => Effect.sleep(failedWith === undefined ? READ_EVERY : COOLDOWN))),
    Effect.forever,
    Effect.forkScoped
  )

  const findKey = Effect.fnUntraced(function* (hint: KeyHint) {
    const now = yield* Clock.currentTimeMillis
    if (known === undefined || now - known.readAt > Duration.toMillis(KEPT_MAX)) return undefined
    return yield* lookUp(known, hint)
  })
  const keyFor = Effect.fnUntraced(function* (hint: KeyHint) {
    // Without a name any key of the type would have to be tried.
    if (hint.kid === undefined) return yield* new UnknownKey({ code: "NO_KEY_NAMED" })
    const first = yield* findKey(hint)
    if (first !== undefined) return first
    yield* readUnlessCooling
    const second = yield* findKey(hint)
    if (second !== undefined) return second
    return yield* known === undefined || failedWith !== undefined
      ? new KeysUnavailable()
      : new UnknownKey({ code: "UNKNOWN_KEY" })
  })
  return SigningKeys.of({
    algorithms: publicAlgorithms,
    keyFor,
    check: Effect.suspend(() =>
      known !== undefined && failedWith === undefined ? Effect.void : Effect.fail(failedWith ?? "not read yet")
    )
  })
})

/** The key of this name and type; `undefined` if the set has none. */
const lookUp = ({ find }: Known, { alg, kid }: KeyHint) =>
  Effect.tryPromise({
    try: () => find({ alg, ...(kid === undefined ? {} : { kid }) }),
    catch: (cause) => (cause instanceof errors.JOSEError ? cause.code : "UNUSABLE_KEY")
  }).pipe(
    Effect.catch((code) =>
      code === errors.JWKSNoMatchingKey.code ? Effect.undefined : Effect.fail(new UnknownKey({ code }))
    )
  )

/** The issuer did not answer with a set of keys, with words for an operator. */
class Unreadable extends Data.TaggedError("Unreadable")<{ readonly why: string }> {}

const readSet = (client: HttpClient.HttpClient, url: URL) =>
  Effect.gen(function* () {
    const response = yield* client.execute(HttpClientRequest.get(url.href).pipe(HttpClientRequest.acceptJson))
    if (response.status !== 200) return yield* new Unreadable({ why: `it answered ${response.status}` })
    return yield* setOf(yield* jsonIn(yield* readBytes(response, SET_BYTES_MAX)))
  }).pipe(
    Effect.catchTags({
      HttpClientError: ({ reason }) => Effect.fail(new Unreadable({ why: reason._tag })),
      AnswerTooLong: ({ bytesMax }) => Effect.fail(new Unreadable({ why: `it is longer than ${bytesMax} bytes` })),
      NotJson: () => Effect.fail(new Unreadable({ why: "it is not JSON" }))
    }),
    Effect.timeoutOrElse({
      duration: READ_TIMEOUT,
      orElse: () => Effect.fail(new Unreadable({ why: `no answer in ${Duration.toSeconds(READ_TIMEOUT)} s` }))
    }),
    // Keys are taken from where the configuration says, and from nowhere that an answer points to.
    Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
    Effect.scoped
  )

const setOf = (json: unknown) =>
  Effect.gen(function* () {
    const { keys } = yield* decodeSet(json)
    // One strange key beside good ones is no reason to lock everybody out.
    const set: JSONWebKeySet = { keys: keys.filter(isUsable).map((jwk) => ({ ...jwk })) }
    if (set.keys.length === 0) return yield* new Unreadable({ why: "it holds no key that we can use" })
    return createLocalJWKSet(set)
  }).pipe(Effect.catchTag("SchemaError", () => Effect.fail(new Unreadable({ why: "it is no set of keys" }))))
