/** The proxy between two parties of a run: nothing is changed on a good day, and each fault does what it says. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { createServer, connect, type Socket } from "node:net"
import * as FaultProxy from "@tickettoken/order-testing/chaos/FaultProxy"

const HOST = "127.0.0.1"

/** A server that answers each request of one line with the same line and so many bytes more. */
const echo = (padding: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly heard: Array<string>; readonly close: () => void }>((resume) => {
      const heard: Array<string> = []
      const sockets = new Set<Socket>()
      const server = createServer((socket) => {
        sockets.add(socket)
        socket.setEncoding("utf8")
        socket.on("error", () => {})
        socket.on("data", (text: string) => {
          heard.push(text)
          socket.write(text + padding)
        })
      })
      server.listen(0, HOST, () => {
        const address = server.address()
        const port = address !== null && typeof address === "object" ? address.port : 0
        const close = () => {
          server.close()
          for (const socket of sockets) socket.destroy()
        }
        resume(Effect.succeed({ port, heard, close }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

/** Sends a line and tells what came back until so many characters were there or the connection ended. */
const ask = (port: number, line: string, expected: number) =>
  Effect.callback<{ readonly text: string; readonly end: "whole" | "ended" | "reset" }>((resume) => {
    let text = ""
    const socket = connect({ host: HOST, port })
    const done = (end: "whole" | "ended" | "reset") => {
      resume(Effect.succeed({ text, end }))
      socket.destroy()
    }
    socket.setEncoding("utf8")
    socket.on("data", (piece: string) => {
      text += piece
      if (text.length >= expected) done("whole")
    })
    socket.once("error", () => done("reset"))
    socket.once("end", () => done("ended"))
    socket.write(line)
    return Effect.sync(() => socket.destroy())
  })

const world = Effect.fnUntraced(function* (padding: string = "") {
  const server = yield* echo(padding)
  return { proxy: yield* FaultProxy.make(Effect.succeed(server.port)), server }
})

describe("the proxy", () => {
  it.live("passes everything on when nothing is wrong", () =>
    Effect.gen(function* () {
      const { proxy } = yield* world("x".repeat(1_000_000))
      const { end, text } = yield* ask(proxy.port, "hello", 1_000_005)
      assert.deepStrictEqual([text.length, end], [1_000_005, "whole"])
      assert.strictEqual((yield* proxy.hits).size, 0)
    }).pipe(Effect.scoped)
  )

  it.live("resets before the server has heard anything", () =>
    Effect.gen(function* () {
      const { proxy, server } = yield* world()
      yield* proxy.disturb({ fault: "resetBefore" })
      assert.deepStrictEqual(yield* ask(proxy.port, "hello", 5), { text: "", end: "reset" })
      assert.deepStrictEqual(server.heard, [])
      assert.strictEqual((yield* proxy.hits).get("resetBefore"), 1)
    }).pipe(Effect.scoped)
  )

  it.live("resets after the server has heard it all, before the client hears of it", () =>
    Effect.gen(function* () {
      const { proxy, server } = yield* world()
      yield* proxy.disturb({ fault: "resetAfter" })
      assert.deepStrictEqual(yield* ask(proxy.port, "hello", 5), { text: "", end: "reset" })
      assert.deepStrictEqual(server.heard, ["hello"])
    }).pipe(Effect.scoped)
  )

  it.live("cuts an answer at a byte", () =>
    Effect.gen(function* () {
      const { proxy } = yield* world("0123456789")
      yield* proxy.disturb({ fault: "cut", bytes: 8 })
      const { text } = yield* ask(proxy.port, "hello", 15)
      assert.isTrue("hello012".startsWith(text), text)
      assert.isBelow(text.length, 9)
    }).pipe(Effect.scoped)
  )

  it.live("stalls until the network is good again, and loses nothing", () =>
    Effect.gen(function* () {
      const { proxy, server } = yield* world()
      yield* proxy.disturb({ fault: "stall" })
      const asking = yield* Effect.forkChild(ask(proxy.port, "hello", 5))
      yield* Effect.repeat(proxy.hits, { until: (hits) => (hits.get("stall") ?? 0) > 0 })
      assert.deepStrictEqual(server.heard, [])
      yield* proxy.disturb(null)
      assert.deepStrictEqual(yield* Fiber.join(asking), { text: "hello", end: "whole" })
    }).pipe(Effect.scoped)
  )

  it.live("is late and slow, but whole", () =>
    Effect.gen(function* () {
      const { proxy } = yield* world("x".repeat(2000))
      yield* proxy.disturb({ fault: "latency", millis: 60 })
      const [late] = yield* Effect.timed(ask(proxy.port, "hello", 2005))
      // Up and down, once each at least.
      assert.isAtLeast(Duration.toMillis(late), 100)
      yield* proxy.disturb({ fault: "throttle", bytesPerSecond: 20_000 })
      const [slow, { end }] = yield* Effect.timed(ask(proxy.port, "hello", 2005))
      assert.isAtLeast(Duration.toMillis(slow), 90)
      assert.strictEqual(end, "whole")
      const hits = yield* proxy.hits
      assert.isAtLeast(hits.get("latency") ?? 0, 2)
      assert.isAtLeast(hits.get("throttle") ?? 0, 2)
    }).pipe(Effect.scoped)
  )

  it.live("leaves no connection behind", () =>
    Effect.gen(function* () {
      const server = yield* echo("")
      const port = yield* Effect.scoped(Effect.map(FaultProxy.make(Effect.succeed(server.port)), (proxy) => proxy.port))
      assert.deepStrictEqual(yield* ask(port, "hello", 5), { text: "", end: "reset" })
    }).pipe(Effect.scoped)
  )
})
