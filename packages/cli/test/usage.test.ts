/** How the command answers a wrong call, a wrong environment and a request for help. */
import { assert, describe, it } from "@effect/vitest"
import { VERSION } from "@tickettoken/order-cli/App"
import type { Ports } from "@tickettoken/order-cli/Backend"
import { CommandFailed } from "@tickettoken/order-cli/ExitCode"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { fixedId } from "@tickettoken/order-testing/TestOrders"
import { Effect, Layer, Option } from "effect"
import { orders, world } from "./support/commandLine.ts"

const id = fixedId(1)

/** A call, the command whose help is named, and what is wrong with it. */
const wrongCalls: ReadonlyArray<readonly [call: string, command: string, problem: string | RegExp]> = [
  ["cancl", "orders", 'unknown command "cancl", did you mean cancel?'],
  ["nonsense", "orders", 'unknown command "nonsense"'],
  ["list --limt 5", "orders list", "unknown flag --limt, did you mean --limit?"],
  ["list --statu X --evnt Y", "orders list", /^unknown flag --statu, .*; unknown flag --evnt, did you mean --event\?$/],
  ["list extra", "orders list", 'Unexpected positional argument: "extra"'],
  ["list --limit 0", "orders list", '--limit "0": expected a value between 1 and 100'],
  ["list --limit 101", "orders list", '--limit "101": expected a value between 1 and 100'],
  ["list --limit many", "orders list", /^--limit "many": expected /],
  ["list --offset -1", "orders list", /--offset|-1/],
  ["list --status OPEN", "orders list", /^--status "OPEN": expected "PENDING" \| /],
  ["list --status", "orders list", /^--status needs a value: /],
  ["list -o xml", "orders list", '--output "xml": expected "table" | "json" | "ndjson" | "csv"'],
  ["list --tenant 7", "orders list", '--tenant "7": expected a UUID'],
  ["list --log-level loud", "orders list", /^--log-level "loud": expected /],
  ["show", "orders show", "Missing required argument: order-id"],
  ["show 7", "orders show", 'order-id "7": expected a UUID'],
  ["show ABCDEFAB-CDEF-4ABC-8DEF-ABCDEFABCDEF", "orders show", /expected a UUID in lower case$/],
  [`cancel ${id}`, "orders cancel", "Missing required flag: --reason"],
  [`cancel ${id} --reason=`, "orders cancel", /^--reason needs a value: /],
  [`refund ${id} --reason x --amount 1.5`, "orders refund", /^--amount "1\.5": expected /],
  [`refund ${id} --reason x --amount -5`, "orders refund", /--amount|-5/],
  [`refund ${id} --reason x --item 7:1`, "orders refund", /^--item "7:1": expected itemId:quantity/],
  ["quote --event 7", "orders quote", /^--event "7": expected a UUID/],
  [`quote --event ${id} --item x`, "orders quote", /^--item "x": expected ticketType:ticketPricing:quantity/],
  ["cancel-event", "orders cancel-event", "Missing required argument: event-id"],
  ["--wizard", "orders", "unknown flag --wizard"]
]

describe("a wrong call", () => {
  it.effect.each(wrongCalls)("is told in two lines on stderr and ends with 2: orders %s", ([call, command, problem]) =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* orders(call.split(" "))
      const [first = "", second, ...more] = stderr.split("\n")
      assert.deepStrictEqual([code, stdout, second, more], [2, "", `See '${command} --help'.`, []])
      if (typeof problem === "string") assert.strictEqual(first, `orders: ${problem}`)
      else assert.match(first.replace(/^orders: /, ""), problem)
    }).pipe(Effect.provide(world))
  )

  it.effect("is noticed before the database is asked for", () =>
    Effect.gen(function* () {
      const ports: Layer.Layer<Ports> = Layer.effectContext(Effect.die(new Error("the database was asked for")))
      const backend = { ports, defaultTenant: Effect.succeed(Option.none()) }
      for (const argv of [["show", "7"], ["list"]]) {
        assert.strictEqual((yield* orders(argv, { backend })).code, 2)
      }
    }).pipe(Effect.provide(world))
  )
})

describe("help", () => {
  it.effect("is on stdout, for all and for each command", () =>
    Effect.gen(function* () {
      const all = yield* orders(["--help"])
      assert.deepStrictEqual([all.code, all.stderr], [0, ""])
      const bare = yield* orders([])
      assert.deepStrictEqual(bare, all)
      const names = [...all.stdout.matchAll(/^ {2}([a-z-]+) {4,}[A-Z]/gm)].map(([, name = ""]) => name)
      const shown = names.filter((name) => !name.startsWith("-"))
      assert.deepStrictEqual(shown, [
        "list",
        "show",
        "history",
        "quote",
        "search",
        "stats",
        "top-events",
        "cancel",
        "refund",
        "expire",
        "refund-approve",
        "refund-reject",
        "refund-retry",
        "cancel-event",
        "events",
        "alarms",
        "fsck",
        "audit",
        "jobs",
        "job-show",
        "job-resume",
        "serve",
        "migrate"
      ])
      for (const name of shown) {
        const one = yield* orders([name, "--help"])
        assert.deepStrictEqual([one.code, one.stderr], [0, ""])
        assert.include(one.stdout, `orders ${name}`)
      }
    }).pipe(Effect.provide(world))
  )

  it.effect("knows the version and completes in four shells", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* orders(["--version"]), { code: 0, stdout: `orders v${VERSION}`, stderr: "" })
      for (const shell of ["bash", "zsh", "fish", "powershell"]) {
        const { code, stdout } = yield* orders(["--completions", shell])
        assert.strictEqual(code, 0)
        assert.include(stdout, "cancel-event")
      }
    }).pipe(Effect.provide(world))
  )
})

describe("the account", () => {
  const tenantless = { defaultTenant: Effect.succeed(Option.none()) }

  it.effect("is the flag's tenant, else the variable's, else that of the demo, else a wrong call", () =>
    Effect.gen(function* () {
      const codeOf = (argv: ReadonlyArray<string>, env: { readonly [name: string]: string } = {}) =>
        Effect.map(orders(argv, { env, backend: tenantless }), ({ code, stderr }) => [code, stderr])
      const noOrders = [0, "orders: no orders"]
      assert.deepStrictEqual(yield* codeOf(["list", "--tenant", demo.tenantId]), noOrders)
      assert.deepStrictEqual(yield* codeOf(["list"], { ORDERS_TENANT_ID: demo.tenantId }), noOrders)
      assert.deepStrictEqual(yield* codeOf(["list"]), [2, "orders: say --tenant, or set ORDERS_TENANT_ID"])
      assert.strictEqual((yield* orders(["list"])).code, 0)
      assert.deepStrictEqual(yield* codeOf(["list"], { ORDERS_TENANT_ID: "" }), [
        2,
        "orders: say --tenant, or set ORDERS_TENANT_ID"
      ])
      assert.deepStrictEqual(yield* codeOf(["list"], { ORDERS_TENANT_ID: "demo" }), [
        78,
        "orders: ORDERS_TENANT_ID must be a UUID in lower case"
      ])
    }).pipe(Effect.provide(world))
  )
})

describe("what keeps the backend from working", () => {
  const failingWith = (error: CommandFailed) => {
    const ports: Layer.Layer<Ports, CommandFailed> = Layer.effectContext(Effect.fail(error))
    return orders(["list"], { backend: { ports } })
  }

  it.effect("ends with 1 when it is away, and with 4 when it says no", () =>
    Effect.gen(function* () {
      const away = yield* failingWith(new CommandFailed({ code: "failure", message: "the database is away" }))
      assert.deepStrictEqual(away, { code: 1, stdout: "", stderr: "orders: the database is away" })
      const denied = yield* failingWith(new CommandFailed({ code: "denied", message: "not you" }))
      assert.deepStrictEqual(denied, { code: 4, stdout: "", stderr: "orders: not you" })
    }).pipe(Effect.provide(world))
  )

  it.effect("shows where it comes from only when it is a bug", () =>
    Effect.gen(function* () {
      const broken: Layer.Layer<Ports> = Layer.effectContext(Effect.die(new Error("a broken invariant")))
      const { code, stderr, stdout } = yield* orders(["list"], { backend: { ports: broken } })
      assert.deepStrictEqual([code, stdout], [1, ""])
      assert.match(stderr, /^orders: this should not happen\nError: a broken invariant\n\s+at /)
    }).pipe(Effect.provide(world))
  )

  it.effect("ends with 130 when somebody stops the command", () =>
    Effect.gen(function* () {
      const stopped: Layer.Layer<Ports> = Layer.effectContext(Effect.interrupt)
      assert.deepStrictEqual(yield* orders(["list"], { backend: { ports: stopped } }), {
        code: 130,
        stdout: "",
        stderr: ""
      })
    }).pipe(Effect.provide(world))
  )

  it.effect("is told line by line and ends with 78 when it is the configuration", () =>
    Effect.gen(function* () {
      const message = "The configuration has 2 faults:\n  PORT must be a port\n  LOG_LEVEL is empty"
      const faulty = Effect.fail(new CommandFailed({ code: "configuration", message }))
      const outcome = yield* orders(["list"], { backend: { defaultTenant: faulty } })
      assert.deepStrictEqual(outcome, {
        code: 78,
        stdout: "",
        stderr: [
          "orders: The configuration has 2 faults:",
          "orders:   PORT must be a port",
          "orders:   LOG_LEVEL is empty"
        ].join("\n")
      })
    }).pipe(Effect.provide(world))
  )
})
