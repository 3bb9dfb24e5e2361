/**
 * A port for a process that is killed and started again, and must find it free each time.
 */
import { createServer } from "node:net"
import { Effect, Random } from "effect"

/** Below those that systems take for outgoing connections: one of them could have it while the process is down. */
const LOWEST = 12_000
const HIGHEST = 30_000
const TRIES_MAX = 100
const HOST = "127.0.0.1"

const isFree = (port: number) =>
  Effect.callback<boolean>((resume) => {
    const listener = createServer()
    listener.once("error", () => resume(Effect.succeed(false)))
    listener.listen(port, HOST, () => listener.close(() => resume(Effect.succeed(true))))
  })

export const freePort = Effect.gen(function* () {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = yield* Random.nextIntBetween(LOWEST, HIGHEST)
    if (yield* isFree(port)) return port
  }
  return yield* Effect.die(new Error(`no port is free between ${LOWEST} and ${HIGHEST}`))
})
