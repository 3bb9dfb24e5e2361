/**
 * A TCP proxy that can be as bad as a network: late, stalled, slow, or cutting connections before, after and in the
 * middle of what they carry.
 *
 * Bytes are passed on as they come, so whatever speaks TCP can stand behind it. A fault is in force until it is taken
 * back, and counts what it has hit: a fault that has hit nothing has tested nothing.
 */
import { connect, createServer, type Socket } from "node:net"
import { Effect, FiberSet, Ref, type Scope } from "effect"
import type { LinkFault } from "./ChaosPlan.ts"

/** What happens to connections while it is in force. */
export interface Disturbance {
  readonly fault: LinkFault
  /** latency: before each piece. */
  readonly millis?: number
  /** cut: after so many bytes of an answer. */
  readonly bytes?: number
  /** throttle. */
  readonly bytesPerSecond?: number
}

export interface FaultProxy {
  readonly port: number
  /** Replaces what is in force; `null` is a good network again. */
  readonly disturb: (disturbance: Disturbance | null) => Effect.Effect<void>
  /** How many pieces or connections each fault has hit. */
  readonly hits: Effect.Effect<ReadonlyMap<LinkFault, number>>
  /** Tells every client something that its server has not said; in between what the server says, if that is silent. */
  readonly say: (bytes: Uint8Array) => Effect.Effect<void>
  /** Ends every connection that is open. */
  readonly sever: Effect.Effect<void>
}

const HOST = "127.0.0.1"
const LATENCY_MILLIS = 150
const CUT_AFTER_BYTES = 40
const THROTTLED_BYTES_PER_SECOND = 8192
/** A stalled connection looks so often whether it may go on. */
const STALL_LOOK_MILLIS = 50

/** To the server, or back to the client. */
type Direction = "up" | "down"

/** Listens on any free port and passes connections on to the port that `target` names at that moment. */
export const make = Effect.fn("FaultProxy.make")(function* (
  target: Effect.Effect<number>
): Effect.fn.Return<FaultProxy, never, Scope.Scope> {
  const inForce = yield* Ref.make<Disturbance | null>(null)
  const hits = yield* Ref.make<ReadonlyMap<LinkFault, number>>(new Map())
  const open = new Set<Socket>()
  const clients = new Set<Socket>()
  const hit = ({ fault }: Disturbance) =>
    Ref.update(hits, (counts) => new Map([...counts, [fault, (counts.get(fault) ?? 0) + 1]]))

  /** Lets one piece through, changed or delayed or not at all; answers whether the connection goes on. */
  const pass = Effect.fnUntraced(function* (piece: Buffer, direction: Direction, to: Socket, passed: number) {
    const fault = yield* Ref.get(inForce)
    switch (fault?.fault) {
      case undefined:
        return yield* write(to, piece)
      case "latency":
        yield* hit(fault)
        yield* Effect.sleep(fault.millis ?? LATENCY_MILLIS)
        return yield* write(to, piece)
      case "stall":
        yield* hit(fault)
        yield* Effect.repeat(Effect.sleep(STALL_LOOK_MILLIS), {
          until: () => Effect.map(Ref.get(inForce), (now) => now?.fault !== "stall")
        })
        return yield* write(to, piece)
      case "resetBefore":
        yield* hit(fault)
        return false
      case "resetAfter":
        // The request goes through, and nobody hears of its answer.
        if (direction === "up") return yield* write(to, piece)
        yield* hit(fault)
        return false
      case "cut": {
        const left = (fault.bytes ?? CUT_AFTER_BYTES) - passed
        if (direction === "up" || piece.length <= left) return yield* write(to, piece)
        yield* hit(fault)
        yield* write(to, piece.subarray(0, Math.max(0, left)))
        return false
      }
      case "throttle":
        yield* hit(fault)
        yield* Effect.sleep((piece.length / (fault.bytesPerSecond ?? THROTTLED_BYTES_PER_SECOND)) * 1000)
        return yield* write(to, piece)
    }
  })

  const pump = Effect.fnUntraced(function* (from: Socket, to: Socket, direction: Direction) {
    const pieces = from.iterator({ destroyOnReturn: false })
    for (let passed = 0; ; ) {
      const next = yield* Effect.promise(() => nextPiece(pieces))
      if (next === undefined) break
      if (!(yield* pass(next, direction, to, passed))) {
        from.resetAndDestroy()
        to.resetAndDestroy()
        return
      }
      passed += next.length
    }
    to.end()
  })

  const run = yield* FiberSet.makeRuntime<never>()
  const connected = (client: Socket) =>
    Effect.gen(function* () {
      const server = connect({ host: HOST, port: yield* target, noDelay: true, allowHalfOpen: true })
      clients.add(client)
      for (const socket of [client, server]) {
        open.add(socket)
        socket.on("error", () => socket.destroy())
        socket.once("close", () => {
          open.delete(socket)
          clients.delete(client)
          client.destroy()
          server.destroy()
        })
      }
      yield* Effect.all([pump(client, server, "up"), pump(server, client, "down")], { concurrency: 2 })
    })
  const listener = yield* Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => run(connected(socket)))
      server.listen(0, HOST, () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of open) socket.destroy()
      })
  )
  const address = listener.address()
  if (address === null || typeof address === "string") return yield* Effect.die(new Error("a proxy listens on a port"))
  return {
    port: address.port,
    disturb: (disturbance) => Ref.set(inForce, disturbance),
    hits: Ref.get(hits),
    say: (bytes) => Effect.sync(() => clients.forEach((socket) => socket.write(bytes))),
    sever: Effect.sync(() => open.forEach((socket) => socket.resetAndDestroy()))
  }
})

/** The next piece, or nothing when the connection has ended, however it did. */
const nextPiece = async (pieces: AsyncIterator<unknown, void>): Promise<Buffer | undefined> => {
  try {
    const { value } = await pieces.next()
    return Buffer.isBuffer(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Writes, and waits while the other side does not take more. */
const write = (to: Socket, piece: Buffer): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    if (to.destroyed) return resume(Effect.succeed(false))
    to.write(piece, (error) => resume(Effect.succeed(error === undefined || error === null)))
  })
