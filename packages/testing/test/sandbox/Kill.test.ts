/** kill -9 in the middle of traffic: what was answered is still there after a restart, and nothing is there twice. */
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { FetchHttpClient } from "effect/http"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { get, inSandbox, post } from "./http.ts"
import { order } from "./scene.ts"

const script = fileURLToPath(new URL("killedSandbox.ts", import.meta.url))

/** Starts the sandbox and gives the url that it prints. */
const started = (journalFolder: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly child: ChildProcess; readonly url: string }>((resume) => {
      const child = spawn(process.execPath, [script, journalFolder], { stdio: ["ignore", "pipe", "inherit"] })
      child.stdout.once("data", (chunk) => resume(Effect.succeed({ child, url: String(chunk).trim() })))
      child.once("exit", (code) => resume(Effect.die(new Error(`the sandbox ended with ${code}`))))
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )

const reserve = (url: string, number: number) =>
  post(`${url}/internal/tickets/reserve`, `${number}:HOLD:1`, {
    orderId: order(number),
    eventId: demo.eventId,
    items: [{ ...demo.general, quantity: 1 }],
    holdUntil: "2100-01-01T00:00:00.000Z"
  }).pipe(
    Effect.map((answer) => answer.status === 200),
    Effect.catch(() => Effect.succeed(false))
  )

describe("kill -9", () => {
  it.live(
    "loses no hold that was answered",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const journalFolder = yield* fs.makeTempDirectoryScoped()
        const answered = new Set<string>()
        for (const round of [0, 1, 2]) {
          const { child, url } = yield* started(journalFolder)
          const numbers = Array.from({ length: 200 }, (_, index) => round * 200 + index + 1)
          let answers = 0
          yield* Effect.forEach(
            numbers,
            (number) =>
              Effect.map(reserve(url, number), (done) => {
                if (!done) return
                answered.add(order(number))
                answers += 1
                // Some answers are in, and twenty requests are under way.
                if (answers === 50) child.kill("SIGKILL")
              }),
            { concurrency: 20, discard: true }
          )
          assert.isBelow(answers, 200, "the kill came in the middle")
        }
        assert.isAtLeast(answered.size, 150)
        yield* inSandbox(
          ({ tickets }) =>
            Effect.gen(function* () {
              assert.strictEqual((yield* get(`${tickets.url}/health`)).status, 200)
              const placed = (yield* tickets.journal.entries).flatMap(({ fact }) =>
                fact.kind === "hold.placed" ? [fact.orderId] : []
              )
              assert.strictEqual(new Set(placed).size, placed.length)
              assert.deepStrictEqual(
                [...answered].filter((id) => !placed.some((orderId) => orderId === id)),
                []
              )
            }),
          { journalFolder }
        )
      }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, FetchHttpClient.layer])),
    60_000
  )
})
