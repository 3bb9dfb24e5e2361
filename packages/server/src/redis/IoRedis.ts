/**
 * Effect's `Redis` service on ioredis.
 *
 * **Details**
 *
 * Redis is never needed: the layer is built at once whether anybody answers or not, connects by itself when somebody
 * does, and after every loss again. Nothing waits for it. A command fails at once while there is no connection, when too
 * many are under way, or when it has not been answered in time, and it is never sent a second time.
 *
 * **Gotchas**
 *
 * An error of ioredis carries the command that failed with its arguments, and the one that opens a connection has the
 * password among them. Errors leave this module as their message alone.
 */
import { Duration, Effect, Layer, Redacted } from "effect"
import { Redis as RedisService } from "effect/persistence"
import { Redis as Client, type RedisOptions } from "ioredis"

/** Where Redis answers, with the credentials for it. */
export interface RedisAddress {
  readonly host: string
  readonly port: number
  readonly username?: string
  readonly password?: Redacted.Redacted
  readonly database?: number
  readonly tls?: boolean
}

/** Longer than any answer of a Redis that is well. Who can wait less gives up earlier. */
const COMMAND_TIMEOUT = Duration.seconds(1)

/** A connection on which nothing has come for so long although something is awaited is given up. */
const SILENCE_MILLIS_MAX = 2000

const CONNECT_MILLIS_MAX = 2000

/** Between two tries to connect. */
const RECONNECT_MILLIS_MIN = 50
const RECONNECT_MILLIS_MAX = 1000

/** Commands that wait for their answer; more of them would only wait longer. */
const COMMANDS_UNDER_WAY_MAX = 1000

/** Replies as the commands' documentation shows them. */
type ClientOptions = RedisOptions & { readonly replyMapping: "legacy" }

/** The service, and its connections as long as the scope lives. */
export const layer = (address: RedisAddress): Layer.Layer<RedisService.Redis> =>
  Layer.effect(RedisService.Redis, make(address))

const make = Effect.fnUntraced(function* (address: RedisAddress) {
  const options = optionsOf(address)
  const client = yield* open(options)
  return yield* RedisService.make({
    send: sender(client),
    // A connection of somebody's own ends with its loss: what was done on it is not known.
    connect: Effect.map(openNow({ ...options, retryStrategy: null }), (reserved) => ({
      send: sender(reserved),
      close: disconnect(reserved)
    })),
    subscribe: (channel, onMessage) =>
      Effect.acquireRelease(openNow({ ...options, socketTimeout: undefined }), disconnect).pipe(
        Effect.tap((subscriber) => {
          subscriber.on("message", (name, message) => onMessage({ channel: name, message }))
          return attempt(() => subscriber.subscribe(channel))
        }),
        // From here on it connects and subscribes again by itself.
        Effect.as(Effect.never)
      )
  })
})

const optionsOf = ({ database = 0, host, password, port, tls = false, username }: RedisAddress): ClientOptions => ({
  replyMapping: "legacy",
  host,
  port,
  db: database,
  username,
  password: password === undefined ? undefined : Redacted.value(password),
  ...(tls ? { tls: { servername: host } } : {}),
  connectionName: "order-service",
  connectTimeout: CONNECT_MILLIS_MAX,
  socketTimeout: SILENCE_MILLIS_MAX,
  // Nothing waits in a queue of the client, and nothing is sent twice.
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  retryStrategy: (tries) => Math.min(RECONNECT_MILLIS_MIN * 2 ** Math.min(tries, 10), RECONNECT_MILLIS_MAX)
})

/** A client that connects by itself. Ending does not wait: what is under way fails. */
const open = (options: ClientOptions) =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      const runFork = Effect.runForkWith(yield* Effect.context<never>())
      const client = new Client(options)
      // One line a loss is for whoever misses Redis; without a listener ioredis prints each one itself.
      client.on("error", (error) => void runFork(Effect.logDebug(`Redis can not be reached: ${wordsOf(error)}`)))
      return client
    }),
    disconnect
  )

const disconnect = (client: Client): Effect.Effect<void> => Effect.sync(() => client.disconnect())

/** A client that is connected, or a failure. */
const openNow = (options: ClientOptions) =>
  Effect.gen(function* () {
    const client = new Client({ ...options, lazyConnect: true })
    client.on("error", () => undefined)
    yield* Effect.onError(
      attempt(() => client.connect()),
      () => disconnect(client)
    )
    return client
  })

const sender = (client: Client): RedisService.Redis["Service"]["send"] => {
  let underWay = 0
  return <A = unknown>(command: string, ...args: ReadonlyArray<string>) =>
    Effect.suspend(() => {
      if (underWay >= COMMANDS_UNDER_WAY_MAX) return Effect.fail(redisError("too many commands are under way"))
      underWay += 1
      return attempt(() =>
        // A command counts until Redis has answered it or the connection is gone, whoever still waits for it.
        client.call(command, ...args).finally(() => {
          underWay -= 1
        })
      )
    }).pipe(
      Effect.timeoutOrElse({ duration: COMMAND_TIMEOUT, orElse: () => Effect.fail(redisError("no answer in time")) }),
      // oxlint-disable-next-line typescript/consistent-type-assertions -- Effect's service lets the caller name what a command answers
      Effect.map((reply) => reply as A)
    )
}

const attempt = <A>(ask: () => Promise<A>): Effect.Effect<A, RedisService.RedisError> =>
  Effect.tryPromise({ try: ask, catch: (cause) => redisError(wordsOf(cause)) })

const redisError = (words: string): RedisService.RedisError => new RedisService.RedisError({ cause: new Error(words) })

const wordsOf = (cause: unknown): string => (cause instanceof Error ? cause.message : "an unknown failure")
