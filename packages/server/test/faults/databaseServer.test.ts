/**
 * A PostgreSQL server that crashes, and one that stands still, under the whole service: what was acknowledged is there,
 * every other answer is a 503 in time, and nothing has to be started anew but the database.
 */
import { assert, it } from "@effect/vitest"
import * as EmbeddedPostgres from "@tickettoken/order-server/embedded/EmbeddedPostgres"
import * as Sweeper from "@tickettoken/order-server/jobs/Sweeper"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { Duration, Effect, Exit, Fiber, Layer, Ref, References, Scope } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { createOrder, newOrder, person } from "../http/support/buyer.ts"
import { eventually } from "../http/support/eventually.ts"
import { serverOver } from "../http/support/testServer.ts"
import { asDeployed, layerStoreAt } from "../sql/database.ts"
import { makeDataFolder } from "../support/embeddedProcess.ts"
import { freePort } from "../support/freePort.ts"
import { askAgain, assertTypedAnswers, shop } from "./support/customers.ts"
import { everySlotWorks } from "./support/everySlot.ts"
import { rounds } from "./support/scale.ts"
import { breaks, comeToRest, RACE_MILLIS_MAX } from "./support/world.ts"

/** A server of its own, with commits that survive its crash, and the service over it. */
const withOwnServer = Effect.gen(function* () {
  const folder = yield* makeDataFolder
  const first = yield* Scope.make()
  // It comes back on the same port, which nobody else may have taken meanwhile.
  const port = yield* freePort
  const postgres = yield* Scope.provide(EmbeddedPostgres.start({ dataFolder: folder, port }), first)
  const running = yield* Ref.make({ scope: first, pid: postgres.pid })
  yield* Effect.addFinalizer(() => Effect.flatMap(Ref.get(running), ({ scope }) => Scope.close(scope, Exit.void)))
  /** Without a word to its clients, as in a power cut; then started over the same files. */
  const crash = Effect.gen(function* () {
    const { pid, scope } = yield* Ref.get(running)
    process.kill(pid, "SIGQUIT")
    yield* Scope.close(scope, Exit.void)
    const next = yield* Scope.make()
    const restarted = yield* Scope.provide(EmbeddedPostgres.start({ dataFolder: folder, port }), next)
    yield* Ref.set(running, { scope: next, pid: restarted.pid })
  })
  return { url: postgres.url, crash, pid: Effect.map(Ref.get(running), ({ pid }) => pid) }
})

/** Of a deployed service. */
const BUDGET = Duration.seconds(8)

const service = (url: Parameters<typeof layerStoreAt>[0]) =>
  Sweeper.layer.pipe(
    Layer.provideMerge(
      serverOver(Layer.mergeAll(layerStoreAt(url), ScriptedFaults.layer, asDeployed), { requestBudget: BUDGET })
    ),
    Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
  )

/** The server's processes: the first one and those that it has started. */
const processesOf = (pid: number): ReadonlyArray<number> => [
  pid,
  ...readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8")
        return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] === String(pid)
      } catch {
        return false
      }
    })
    .map(Number)
]

const signal = (pids: ReadonlyArray<number>, name: NodeJS.Signals): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch {
      // It has ended meanwhile.
    }
  }
}

const CRASHES = rounds(2)

it.live(
  `F09 ${CRASHES} crashes of the database under load: all that was acknowledged is there, and service goes on by itself`,
  () =>
    Effect.gen(function* () {
      const { crash, url } = yield* withOwnServer
      yield* Effect.gen(function* () {
        const over = yield* Ref.make(false)
        const customers = yield* Ref.make<ReadonlyArray<Effect.Success<ReturnType<typeof shop>>>>([])
        const load = Effect.gen(function* () {
          for (let n = 0; !(yield* Ref.get(over)); n += 8) {
            const some = yield* Effect.forEach(
              Array.from({ length: 8 }, (_, k) => n + k),
              shop,
              { concurrency: "unbounded" }
            )
            yield* Ref.update(customers, (all) => [...all, ...some])
          }
        })
        const loading = yield* Effect.forkScoped(load)
        const anybody = yield* person()
        const works = anybody.get("/api/v1/orders")
        for (let n = 0; n < CRASHES; n++) {
          // Some have been served since the last time.
          const served = (yield* Ref.get(customers)).filter(({ acknowledged }) => acknowledged !== null).length
          yield* eventually(
            Ref.get(customers),
            (all) => all.filter(({ acknowledged }) => acknowledged !== null).length > served
          )
          yield* crash
          yield* eventually(works, ({ status }) => status === 200)
        }
        yield* Ref.set(over, true)
        yield* Fiber.join(loading)
        const all = yield* Ref.get(customers)
        assertTypedAnswers(all)
        assert.isAbove(all.filter(({ statuses }) => statuses.includes(503)).length, 0)
        assert.isAbove(all.filter(({ acknowledged }) => acknowledged !== null).length, CRASHES)
        yield* everySlotWorks
        yield* comeToRest
        yield* Effect.forEach(all, askAgain, { concurrency: 4 })
        yield* comeToRest
        assert.strictEqual((yield* breaks).join("; "), "")
      }).pipe(Effect.provide(service(url)))
    }).pipe(Effect.scoped),
  RACE_MILLIS_MAX
)

it.live.skipIf(process.platform !== "linux")(
  "F10 a database that stands still: every request is answered 503 in time, and it goes on where it stood",
  () =>
    Effect.gen(function* () {
      const { pid, url } = yield* withOwnServer
      yield* Effect.gen(function* () {
        const buyer = yield* person()
        const kept = yield* createOrder(buyer)
        const pids = processesOf(yield* pid)
        assert.isAbove(pids.length, 1)
        yield* Effect.acquireRelease(
          Effect.sync(() => signal(pids, "SIGSTOP")),
          () => Effect.sync(() => signal(pids, "SIGCONT"))
        )
        const requests = Array.from({ length: 8 }, (_, n) => [
          buyer.post("/api/v1/orders", newOrder(), { "idempotency-key": `still-${n}` }),
          buyer.post(`/api/v1/orders/${kept.id}/cancel`, {}, { "idempotency-key": "still" }),
          buyer.get(`/api/v1/orders/${kept.id}`)
        ]).flat()
        // While it stands still: nobody waits for it.
        const answers = yield* Effect.all(requests, { concurrency: "unbounded" })
        assert.deepStrictEqual([...new Set(answers.map(({ status }) => status))], [503])
        signal(pids, "SIGCONT")
        yield* eventually(buyer.get(`/api/v1/orders/${kept.id}`), ({ status }) => status === 200)
        const cancel = buyer.post(`/api/v1/orders/${kept.id}/cancel`, {}, { "idempotency-key": "still" })
        yield* eventually(cancel, ({ status }) => status === 200)
        yield* everySlotWorks
        yield* comeToRest
        assert.strictEqual((yield* breaks).join("; "), "")
      }).pipe(Effect.scoped, Effect.provide(service(url)))
    }).pipe(Effect.scoped),
  RACE_MILLIS_MAX
)
