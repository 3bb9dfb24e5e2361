/**
 * A proxy as stands before replicas: it asks each for its readiness, sends requests to those that are ready in turn, and
 * repeats none. What it can not pass on it answers with 502.
 */
import { Effect, Schedule } from "effect"
import { createServer, request } from "node:http"
import { once } from "node:events"
import { send } from "../../http/support/send.ts"

/** How often readiness is asked for; far more often than a replica that stops goes on listening. */
const LOOK_EVERY = Schedule.spaced("100 millis")

interface Replica {
  readonly port: number
  isReady: boolean
  /** Requests that it has been given. */
  given: number
}

/** Listens on any free port, for as long as the scope lives. */
export const make = Effect.fn("readinessProxy.make")(function* () {
  const replicas: Array<Replica> = []
  let turn = 0
  const next = (): Replica | undefined => {
    const ready = replicas.filter(({ isReady }) => isReady)
    turn += 1
    return ready[turn % ready.length]
  }
  const server = yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const listening = createServer((incoming, outgoing) => {
        const replica = next()
        const refuse = () => void outgoing.writeHead(502).end()
        if (replica === undefined) return refuse()
        replica.given += 1
        const { headers, method, url } = incoming
        const passed = request(
          { host: "127.0.0.1", port: replica.port, agent: false, headers, method, path: url },
          (answer) => {
            outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
            answer.on("error", () => outgoing.destroy()).pipe(outgoing)
          }
        )
        passed.on("error", refuse)
        incoming.pipe(passed)
      }).listen(0, "127.0.0.1")
      await once(listening, "listening")
      return listening
    }),
    (listening) => Effect.sync(() => listening.close())
  )
  const look = (replica: Replica) =>
    send({ port: replica.port, path: "/health/readiness" }).pipe(
      Effect.map(({ status }) => status === 200),
      Effect.catchDefect(() => Effect.succeed(false)),
      Effect.map((isReady) => {
        replica.isReady = isReady
      })
    )
  const address = server.address()
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    /** Takes a replica in. One that is not looked at stays what it was. */
    add: Effect.fnUntraced(function* (port: number, isLookedAt = true) {
      const replica: Replica = { port, isReady: false, given: 0 }
      replicas.push(replica)
      yield* look(replica)
      if (isLookedAt) yield* Effect.forkScoped(Effect.repeat(look(replica), LOOK_EVERY))
      return replica
    })
  }
})
