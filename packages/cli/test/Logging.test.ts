/** What the core says while a command runs reaches stderr as lines of the command. */
import { assert, describe, it } from "@effect/vitest"
import * as Logging from "@tickettoken/order-cli/Logging"
import { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { Cause, Effect, type LogLevel, References } from "effect"
import { TestConsole } from "effect/testing"

/** The lines on stderr; stdout must stay empty. */
const saidBy = Effect.fnUntraced(function* (effect: Effect.Effect<void>, level: LogLevel.LogLevel = "Warn") {
  yield* effect.pipe(Effect.provide(Logging.layer), Effect.provideService(References.MinimumLogLevel, level))
  assert.deepStrictEqual(yield* TestConsole.logLines, [])
  return yield* TestConsole.errorLines
})

const away = new ServiceUnavailable({ service: "payments", why: "it does not answer", retryAfterSeconds: 1 })

describe("the log of a command", () => {
  it.effect("is one line each, however many lines and colours were in it", () =>
    Effect.gen(function* () {
      const said = yield* saidBy(Effect.logWarning("first\n  second", "\u001b[31mred"))
      assert.deepStrictEqual(said, ["orders: warn: first second: ?[31mred"])
    })
  )

  it.effect("tells a cause by its words, without where it comes from", () =>
    Effect.gen(function* () {
      const said = yield* saidBy(Effect.logError("the order stays", Cause.fail(away)))
      assert.deepStrictEqual(said, [
        "orders: error: the order stays: the payments service is not available: it does not answer"
      ])
    })
  )

  it.effect("tells where it comes from to who asks for it", () =>
    Effect.gen(function* () {
      const said = yield* saidBy(Effect.logError("the order stays", Cause.die(new Error("a bug"))), "Debug")
      assert.match(said.join("\n"), /^orders: error: the order stays: a bug\nError: a bug\n\s+at /)
    })
  )

  it.effect("leaves out what is not important", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* saidBy(Effect.logInfo("all is well")), [])
    })
  )
})
