/** Starting and stopping the sandbox: ports, loopback, and what outlives a restart. */
import { networkInterfaces } from "node:os"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, FileSystem, Tracer } from "effect"
import { demo, demoCatalogue } from "@tickettoken/order-testing/sandbox/catalogue"
import { Intent } from "@tickettoken/order-testing/sandbox/PaymentFacts"
import { layer, Sandbox, type SandboxOptions } from "@tickettoken/order-testing/sandbox/Sandbox"
import { anyPorts, assertAnswer, get, inSandbox, post, read } from "./http.ts"
import { order, plain, ticketType, typeId, userId } from "./scene.ts"

/** The error of a sandbox that can not start. */
const startError = (options: SandboxOptions) => Effect.flip(Effect.provide(Sandbox, layer({ ...anyPorts, ...options })))

/** What the three engines know. */
const everything = ({ events, payments, tickets }: Sandbox["Service"]) =>
  Effect.gen(function* () {
    const stock = yield* tickets.journal.state
    const money = yield* payments.journal.state
    return {
      types: plain(stock.types),
      orders: plain(stock.orders),
      answers: plain(stock.answers),
      intents: plain(money.intents),
      keys: plain(money.keys),
      events: plain((yield* events.journal.state).events)
    }
  })

/** Reserves, confirms and pays order 1, and then calls the event off. */
const buy = ({ events, payments, tickets }: Sandbox["Service"]) =>
  Effect.gen(function* () {
    const holdUntil = DateTime.formatIso(DateTime.add(yield* DateTime.now, { minutes: 10 }))
    const items = [{ ...demo.lastSeat, quantity: 1 }]
    const hold = { orderId: order(1), eventId: demo.eventId, items, holdUntil }
    assertAnswer(yield* post(`${tickets.url}/internal/tickets/reserve`, "h", hold), 200, {})
    assertAnswer(yield* post(`${tickets.url}/internal/tickets/confirm`, "c", { orderId: order(1) }), 200, {})
    const wanted = { orderId: order(1), userId, amount: 500, currency: "USD" }
    const { id } = read(Intent, yield* post(`${payments.url}/internal/payment-intents`, "i", wanted))
    yield* payments.pay(id)
    yield* events.setStatus(demo.eventId, "CANCELLED")
  })

describe("the sandbox", () => {
  it.live("takes any free ports when told 0, and says which", () =>
    inSandbox(({ events, payments, tickets }) =>
      Effect.gen(function* () {
        assert.strictEqual(new Set([tickets.port, payments.port, events.port]).size, 3)
        for (const { port, url } of [tickets, payments, events]) {
          assert.strictEqual(url, `http://127.0.0.1:${port}`)
          assertAnswer(yield* get(`${url}/health`), 200, { status: "ok" })
        }
      })
    )
  )

  it.live("says in one sentence that a port is in use, and leaves none of its servers behind", () =>
    inSandbox(({ events }) =>
      Effect.gen(function* () {
        const error = yield* startError({ eventPort: events.port })
        assert.strictEqual(error._tag, "SandboxStartError")
        assert.strictEqual(
          error.message,
          `the event sandbox can not listen on 127.0.0.1:${events.port}: the port is in use`
        )
        assertAnswer(yield* get(`${events.url}/health`), 200, { status: "ok" })
      })
    )
  )

  it.live.each([-1, 1.5, 65_536, Number.NaN])("refuses port %s", (port) =>
    Effect.gen(function* () {
      const error = yield* startError({ paymentPort: port })
      assert.strictEqual(
        error.message,
        `the payment sandbox can not listen on 127.0.0.1:${port}: a port is a whole number from 0 to 65535`
      )
    })
  )

  it.live("listens on loopback only", (context) =>
    Effect.gen(function* () {
      const outside = Object.values(networkInterfaces()).flatMap((addresses) =>
        (addresses ?? []).filter(({ family, internal }) => family === "IPv4" && !internal)
      )
      const [first] = outside
      if (first === undefined) return context.skip("this machine has no address but loopback")
      return yield* inSandbox(({ tickets }) =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(get(`http://${first.address}:${tickets.port}/health`))
          assert.strictEqual(error.reason._tag, "TransportError")
        })
      )
    })
  )

  it.live("stops although a client still waits for an answer", () =>
    Effect.gen(function* () {
      // A hang ends after minutes, and a stop that waits for it with it.
      const [elapsed] = yield* inSandbox(({ tickets }) =>
        Effect.gen(function* () {
          yield* tickets.faults.set({ rules: [{ hang: 1 }] })
          const request = { eventId: demo.eventId, ticketTypeIds: [] }
          yield* Effect.forkDetach(post(`${tickets.url}/internal/tickets/availability`, "a", request))
          yield* Effect.sleep("100 millis")
        })
      ).pipe(Effect.timed)
      assert.isBelow(Duration.toMillis(elapsed), 40_000)
    })
  )

  it.live("adds nothing to the traces of whoever embeds it", () =>
    Effect.gen(function* () {
      const kinds: Array<Tracer.SpanKind> = []
      const tracer = Tracer.make({
        span: (options) => {
          kinds.push(options.kind)
          return new Tracer.NativeSpan(options)
        }
      })
      const asked = inSandbox(({ events }) => get(`${events.url}/internal/events/${demo.eventId}`))
      yield* Effect.withTracer(asked, tracer)
      assert.deepStrictEqual(kinds, ["client"])
    })
  )

  it.live("sells what a test puts in its catalogue", () =>
    inSandbox(
      ({ tickets }) =>
        Effect.gen(function* () {
          const request = { eventId: demo.eventId, ticketTypeIds: [typeId(1), demo.general.ticketTypeId] }
          assertAnswer(yield* post(`${tickets.url}/internal/tickets/availability`, "a", request), 200, {
            ticketTypes: [{ ticketTypeId: typeId(1), available: 3 }, { available: 10_000 }]
          })
        }),
      {
        catalogue: (firstStart) => {
          const { events, ticketTypes } = demoCatalogue(firstStart)
          const extra = ticketType(1, 3, { tenantId: demo.tenantId, eventId: demo.eventId })
          return { events, ticketTypes: [...ticketTypes, extra] }
        }
      }
    )
  )

  it.live("forgets everything without a folder, and nothing with one", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const journalFolder = `${yield* fs.makeTempDirectoryScoped()}/sandbox`
      const before = yield* inSandbox((sandbox) => Effect.andThen(buy(sandbox), everything(sandbox)), { journalFolder })
      yield* Effect.sleep("20 millis")
      const after = yield* inSandbox(everything, { journalFolder })
      assert.deepStrictEqual(after, before)
      const other = yield* inSandbox(everything)
      assert.deepStrictEqual(other.intents, [])
      assert.notDeepEqual(other.events, before.events, "events lie ahead of the first start, which is another one")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.live("counts from its first start, in every later one", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const journalFolder = yield* fs.makeTempDirectoryScoped()
      const starts: Array<string> = []
      const catalogue = (firstStart: DateTime.Utc) => {
        starts.push(DateTime.formatIso(firstStart))
        return demoCatalogue(firstStart)
      }
      yield* inSandbox(() => Effect.sleep("20 millis"), { journalFolder, catalogue })
      yield* inSandbox(() => Effect.void, { journalFolder, catalogue })
      assert.strictEqual(starts[1], starts[0])
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.live("repeats the answers to keys from before a restart", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const journalFolder = yield* fs.makeTempDirectoryScoped()
      const confirm = ({ tickets }: Sandbox["Service"]) =>
        post(`${tickets.url}/internal/tickets/confirm`, "c", { orderId: order(1) })
      const first = yield* inSandbox((sandbox) => Effect.andThen(buy(sandbox), confirm(sandbox)), { journalFolder })
      assert.deepStrictEqual(yield* inSandbox(confirm, { journalFolder }), first)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
})
