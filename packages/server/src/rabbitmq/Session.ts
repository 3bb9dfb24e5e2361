/**
 * A connection to RabbitMQ with one channel, made again for as long as somebody wants it.
 *
 * **Details**
 *
 * RabbitMQ is never needed: nothing waits for a connection. A session that can not be opened, or is lost, is followed by
 * the next one after a pause that grows; the loss and the return are one line each in the log, and so is every new
 * reason. The client is loaded with the first session, so that a run without RabbitMQ does not pay for it.
 *
 * **Gotchas**
 *
 * The client's own recovery is not used: its timers outlive the scope that asked for them. It tells a loss by several
 * events, in any order: the first one counts. Using a channel that is gone throws.
 */
import type { ChannelModel, ConfirmChannel } from "amqplib"
import { Deferred, Duration, Effect, Exit, Random, Redacted, Schema, type Scope } from "effect"

/** Where RabbitMQ answers, with the credentials for it. */
export interface RabbitAddress {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly virtualHost: string
  readonly username: string
  readonly password: Redacted.Redacted
}

/** There is no session (any more); `why` is for operators. */
export class SessionLost extends Schema.TaggedError<SessionLost>()("SessionLost", { why: Schema.String }) {}

/** What a session has: all of it is worth nothing once the session is lost. */
export interface Session {
  readonly model: ChannelModel
  readonly channel: ConfirmChannel
  /** Ends the session. */
  readonly lose: (why: string) => void
}

/** What keeps somebody's sessions from being there; `null` while one is. */
export interface Presence {
  why: string | null
}

const CONNECT_MILLIS_MAX = 3_000

/** Two of these without a sign from the other side are a loss. */
const HEARTBEAT_SECONDS = 10

/** For saying goodbye; who does not answer is left. */
const CLOSE_MAX = Duration.seconds(1)

/** Between two tries. */
const PAUSE_MILLIS_MIN = 100
const PAUSE_MILLIS_MAX = 5_000

export const absent = (): Presence => ({ why: "it has not answered yet" })

/** Asks the client for something. */
export const ask = <A>(question: () => Promise<A>): Effect.Effect<A, SessionLost> =>
  Effect.tryPromise({ try: question, catch: (cause) => new SessionLost({ why: wordsOf(cause) }) })

/** What RabbitMQ says about something that is there and is another thing than we declare. */
const OTHER_SETTINGS = /PRECONDITION_FAILED - ([^"]*)/

const wordsOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return "the connection is gone"
  const [, difference] = OTHER_SETTINGS.exec(cause.message) ?? []
  if (difference !== undefined) return `something of ours has other settings there, delete or mend it: ${difference}`
  const code = "code" in cause && typeof cause.code === "string" ? ` (${cause.code})` : ""
  return cause.message === "" || cause.message.startsWith("connect ") ? `it can not be reached${code}` : cause.message
}

/**
 * Opens session after session and uses each until it is lost, for ever. `use` says by `present` when the session is fit
 * for what it is meant for.
 */
export const keepSessions = Effect.fnUntraced(function* (
  address: RabbitAddress,
  name: string,
  presence: Presence,
  use: (session: Session) => Effect.Effect<never, SessionLost, Scope.Scope>
): Effect.fn.Return<never> {
  const one = open(address, name).pipe(
    Effect.flatMap(({ lost, session }) => Effect.raceFirst(use(session), lost)),
    Effect.scoped,
    Effect.catchDefect((defect) =>
      Effect.andThen(Effect.logError(`the ${name} of RabbitMQ is broken and goes on`, defect), fail("there is a bug"))
    ),
    Effect.flip
  )
  let pause = PAUSE_MILLIS_MIN
  let told: string | undefined
  for (;;) {
    const { why } = yield* one
    // A session that was there has been lost: that is news, and the next one may be near.
    if (presence.why === null) [pause, told] = [PAUSE_MILLIS_MIN, undefined]
    presence.why = why
    const line = `RabbitMQ can not be used by the ${name} and is tried again: ${why}`
    yield* why === told ? Effect.logDebug(line) : Effect.logWarning(line)
    told = why
    yield* Effect.sleep(yield* Random.nextBetween(pause / 2, pause))
    pause = Math.min(pause * 2, PAUSE_MILLIS_MAX)
  }
})

const fail = (why: string) => Effect.fail(new SessionLost({ why }))

/** The session is fit: from now on it is there. */
export const present = (presence: Presence, name: string): Effect.Effect<void> =>
  Effect.suspend(() => {
    presence.why = null
    return Effect.logInfo(`RabbitMQ is used by the ${name}`)
  })

/** A session for as long as the scope lives, and what fails once it is lost. */
const open = Effect.fnUntraced(function* (address: RabbitAddress, name: string) {
  const lost = yield* Deferred.make<never, SessionLost>()
  const lose = (why: string): void => void Deferred.doneUnsafe(lost, Exit.fail(new SessionLost({ why })))
  const model = yield* Effect.acquireRelease(connection(address, name), close)
  // A client without listeners for errors throws them.
  model.on("error", (error) => lose(wordsOf(error)))
  model.on("close", () => lose("the connection is gone"))
  // What the channel was told last leaves before the channel ends; the end of the connection would overtake it.
  const channel = yield* Effect.acquireRelease(
    ask(() => model.createConfirmChannel()),
    close
  )
  channel.on("error", (error) => lose(wordsOf(error)))
  channel.on("close", () => lose("the channel is gone"))
  const session: Session = { model, channel, lose }
  return { session, lost: Deferred.await(lost) }
})

const connection = ({ host, password, port, tls, username, virtualHost }: RabbitAddress, name: string) =>
  Effect.flatMap(
    Effect.promise(() => import("amqplib")),
    ({ connect }) =>
      Effect.callback<ChannelModel, SessionLost>((resume) => {
        let isWanted = true
        connect(
          {
            protocol: tls ? "amqps" : "amqp",
            hostname: host,
            port,
            username,
            password: Redacted.value(password),
            vhost: encodeURIComponent(virtualHost),
            heartbeat: HEARTBEAT_SECONDS
          },
          {
            timeout: CONNECT_MILLIS_MAX,
            noDelay: true,
            clientProperties: { connection_name: `order-service ${name}` }
          }
        ).then(
          (model) => {
            if (isWanted) return resume(Effect.succeed(model))
            model.on("error", () => undefined)
            void model.close()
          },
          (cause: unknown) => resume(Effect.fail(new SessionLost({ why: wordsOf(cause) })))
        )
        return Effect.sync(() => {
          isWanted = false
        })
      })
  )

const close = (open: ChannelModel | ConfirmChannel): Effect.Effect<void> =>
  ask(() => open.close()).pipe(Effect.timeoutOption(CLOSE_MAX), Effect.ignore)
