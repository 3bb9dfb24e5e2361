/** Ports for servers that come and go. */
import { Effect } from "effect"
import { randomInt } from "node:crypto"
import { once } from "node:events"
import { createServer } from "node:net"

/** Below the ports that systems give to clients: what is free here is not taken by chance a moment later. */
const PORT_MIN = 10_000
const PORT_MAX = 30_000

const isFree = async (port: number): Promise<boolean> => {
  const server = createServer()
  try {
    server.listen(port, "127.0.0.1")
    await once(server, "listening")
    return true
  } catch {
    return false
  } finally {
    await new Promise((closed) => server.close(closed))
  }
}

/** A port of 127.0.0.1 that nobody listens on, to be used later and again. */
export const freePort = Effect.promise(async () => {
  for (;;) {
    const port = randomInt(PORT_MIN, PORT_MAX)
    if (await isFree(port)) return port
  }
})
