/** The command as a process, against a real PostgreSQL: exit codes, what it prints, and that it ends. */
import { assert, describe, it, layer } from "@effect/vitest"
import { exitCodes } from "@tickettoken/order-cli/ExitCode"
import { WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import * as EmbeddedPostgres from "@tickettoken/order-server/embedded/EmbeddedPostgres"
import * as SecureIdentifiers from "@tickettoken/order-server/SecureIdentifiers"
import * as PoliciesMemory from "@tickettoken/order-testing/memory/PoliciesMemory"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Sandbox } from "@tickettoken/order-testing/sandbox/Sandbox"
import { fixedId } from "@tickettoken/order-testing/TestOrders"
import { Effect, Layer, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { existsSync } from "node:fs"
import * as path from "node:path"
import { DatabaseUrl, layerEmpty, layerStore } from "../../server/test/sql/database.ts"
import { isAlive, makeDataFolder } from "../../server/test/support/embeddedProcess.ts"
import { sandboxPorts } from "../../server/test/support/sandboxPorts.ts"
import { runBin, startBin, statusOf, untilThere, type Variables } from "./support/childProcess.ts"
import { jsonOf, type Outcome } from "./support/commandLine.ts"
import { buy } from "./support/sale.ts"

const slow = { excludeTestServices: true, timeout: "300 seconds" } as const

/** No stack trace, no password, and on stderr nothing but the command's own words. */
const assertClean = ({ stderr, stdout }: Outcome, url?: Redacted.Redacted): void => {
  assert.notMatch(`${stdout}\n${stderr}`, /\n\s+at |node:internal|Error:/)
  if (url !== undefined) assert.notInclude(`${stdout}${stderr}`, new URL(Redacted.value(url)).password)
}

describe("orders as a process", () => {
  it.live("ends with the documented code for what is wrong with the call or the environment", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [argv: ReadonlyArray<string>, env: Variables, code: number, stderr: RegExp]> =
        [
          [["--version"], {}, exitCodes.ok, /^$/],
          [
            ["cancl"],
            {},
            exitCodes.usage,
            /^orders: unknown command "cancl", did you mean cancel\?\nSee 'orders --help'\.$/
          ],
          [
            ["list"],
            { PORT: "abc" },
            exitCodes.configuration,
            /^orders: The configuration has a fault:\norders: {3}PORT must be /
          ],
          [
            ["list"],
            { NODE_ENV: "production" },
            exitCodes.configuration,
            /^orders: {3}DATABASE_URL must be set in production$/m
          ],
          [["migrate"], { ORDER_TYPO: "1" }, exitCodes.configuration, /ORDER_TYPO is not known/],
          [
            ["list", "--tenant", demo.tenantId],
            { DATABASE_URL: "postgres://orders:hunter2hunter2@127.0.0.1:1/orders" },
            exitCodes.failure,
            /^orders: the database can not be reached: ConnectionError$/
          ],
          [
            ["list"],
            { DATABASE_URL: "postgres://orders:hunter2hunter2@127.0.0.1:1/orders" },
            exitCodes.usage,
            /^orders: say --tenant, or set ORDERS_TENANT_ID$/
          ]
        ]
      const outcomes = yield* Effect.forEach(cases, ([argv, env]) => runBin(argv, env), { concurrency: 2 })
      for (const [at, [, , code, stderr]] of cases.entries()) {
        const outcome = outcomes[at]
        assert.isDefined(outcome)
        assert.strictEqual(outcome.code, code, outcome.stderr)
        assert.match(outcome.stderr, stderr)
        if (code !== exitCodes.ok) assert.strictEqual(outcome.stdout, "")
        assert.notInclude(outcome.stderr, "hunter2")
        assertClean(outcome)
      }
    })
  )
})

layer(layerEmpty, slow)("orders on an empty database", (it) => {
  it.effect("asks for the migration, runs it, and then looks", () =>
    Effect.gen(function* () {
      const url = yield* DatabaseUrl
      const env = { DATABASE_URL: Redacted.value(url), ORDERS_TENANT_ID: demo.tenantId }
      const run = Effect.fnUntraced(function* (...argv: ReadonlyArray<string>) {
        const outcome = yield* runBin(argv, env)
        assertClean(outcome, url)
        return outcome
      })
      const early = yield* run("list")
      assert.strictEqual(early.code, exitCodes.configuration)
      assert.match(early.stderr, /^orders: the database lacks 0001_orders, .*: run 'orders migrate' first$/)

      const Status = Schema.Struct({
        migrations: Schema.Array(Schema.Struct({ name: Schema.String, ranAt: Schema.NullOr(Schema.String) }))
      })
      const pending = Effect.map(
        Effect.flatMap(run("migrate", "--status", "-o", "json"), (outcome) => jsonOf(Status, outcome)),
        ({ migrations }) => migrations.filter(({ ranAt }) => ranAt === null).length
      )
      assert.isAbove(yield* pending, 3)
      const migrated = yield* run("migrate")
      assert.match(migrated.stdout, /^MIGRATION\n0001_orders\n/)
      assert.strictEqual(yield* pending, 0)
      assert.deepStrictEqual(yield* run("migrate"), { code: 0, stdout: "", stderr: "orders: nothing is pending" })

      const Page = Schema.Struct({ orders: Schema.Array(Schema.Unknown) })
      assert.deepStrictEqual(yield* jsonOf(Page, yield* run("list", "-o", "json")), { orders: [] })
      assert.deepStrictEqual(yield* run("show", fixedId(1)), {
        code: exitCodes.notFound,
        stdout: "",
        stderr: `orders: order ${fixedId(1)} does not exist`
      })
    })
  )

  it.effect("is denied with a wrong password, and with a login that may not act for the service", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const url = new URL(Redacted.value(yield* DatabaseUrl))
      const login = `clerk_${url.pathname.slice(-12)}`
      yield* Effect.acquireRelease(sql.unsafe(`create role ${login} login password 'not-for-clerks'`).unprepared, () =>
        Effect.orDie(Effect.andThen(sql.unsafe(`drop owned by ${login}`), sql.unsafe(`drop role ${login}`)))
      )
      const runAs = (name: string, password: string, ...argv: ReadonlyArray<string>) => {
        const own = new URL(url)
        own.username = name
        own.password = password
        return runBin(argv, { DATABASE_URL: own.href, ORDERS_TENANT_ID: demo.tenantId })
      }
      const stranger = yield* runAs(url.username, "wrong-password", "list")
      const clerk = yield* runAs(login, "not-for-clerks", "list")
      const builder = yield* runAs(login, "not-for-clerks", "migrate")
      for (const outcome of [stranger, clerk, builder]) {
        assert.strictEqual(outcome.code, exitCodes.denied, outcome.stderr)
        assert.strictEqual(outcome.stderr.split("\n").length, 1)
        assert.notMatch(outcome.stderr, /wrong-password|not-for-clerks/)
        assertClean(outcome)
      }
    }).pipe(Effect.scoped)
  )
})

/** The whole core over a database and a sandbox, as a server next to the command has it. */
const shop = WorkExecutor.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(layerStore, sandboxPorts, SecureIdentifiers.layer, PoliciesMemory.layerWith({})))
)

const environment = Effect.gen(function* () {
  const { events, payments, tickets } = yield* Sandbox
  return {
    DATABASE_URL: Redacted.value(yield* DatabaseUrl),
    ORDERS_TENANT_ID: demo.tenantId,
    USER: "maria",
    ORDER_REQUEST_BUDGET_SECONDS: "60",
    TICKET_SERVICE_URL: tickets.url,
    PAYMENT_SERVICE_URL: payments.url,
    EVENT_SERVICE_URL: events.url
  }
})

layer(shop, slow)("orders next to a shop", (it) => {
  it.effect("4.3 cancels a paid order: the money is back and the tickets are free before the command ends", () =>
    Effect.gen(function* () {
      const { payments, tickets } = yield* Sandbox
      const env = yield* environment
      const order = yield* buy()
      const Cancelled = Schema.Struct({
        status: Schema.String,
        refund: Schema.Struct({ amount: Schema.Int, status: Schema.String })
      })
      const outcome = yield* runBin(["cancel", order.id, "--reason", "asked", "--yes", "-o", "json"], env)
      assertClean(outcome)
      assert.deepStrictEqual([outcome.code, outcome.stderr], [0, ""])
      assert.deepStrictEqual(yield* jsonOf(Cancelled, outcome), {
        status: "REFUNDED",
        refund: { amount: 22_808, status: "COMPLETED" }
      })
      const happened = (entries: ReadonlyArray<{ readonly fact: { readonly kind: string } }>) =>
        entries.map(({ fact }) => fact.kind)
      assert.include(happened(yield* payments.journal.entries), "refund.created")
      assert.include(happened(yield* tickets.journal.entries), "tickets.released")
      const history = yield* runBin(["history", order.id], env)
      assert.match(history.stdout, /ORDER_CANCELLED {2,}operator:maria /)
    })
  )

  it.effect("cancels without the other services, says so in words, and ends", () =>
    Effect.gen(function* () {
      const env = yield* environment
      const order = yield* buy(1)
      const nowhere = "http://127.0.0.1:1"
      const outcome = yield* runBin(["cancel", order.id, "--reason", "asked", "--yes"], {
        ...env,
        TICKET_SERVICE_URL: nowhere,
        PAYMENT_SERVICE_URL: nowhere,
        EVENT_SERVICE_URL: nowhere
      })
      assertClean(outcome)
      assert.strictEqual(outcome.code, 0)
      assert.include(outcome.stdout, "status    CANCELLED")
      assert.match(outcome.stderr, /^orders: warn: REFUND will be tried again: .*ECONNREFUSED/m)
      assert.match(outcome.stderr, /^orders: the refund is on its way: the running server goes on with it$/m)
    })
  )

  it.effect("serves until it is asked to stop", () =>
    Effect.gen(function* () {
      const env = yield* environment
      const server = yield* startBin(["serve"], { ...env, PORT: "0", ORDER_DATA_FOLDER: yield* makeDataFolder })
      const [, port] = yield* server.printed(/listening on port (\d+)/)
      const status = yield* Effect.promise(() => statusOf(`http://127.0.0.1:${port}/health/readiness`))
      assert.strictEqual(status, 200)
      yield* server.send("SIGTERM")
      const outcome = yield* server.outcome
      assert.strictEqual(outcome.code, 0)
      assertClean(outcome)
    }).pipe(Effect.scoped)
  )
})

describe("orders on the embedded database", () => {
  it.live("starts it for itself, as the demo's tenant, and leaves nothing running", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      const outcome = yield* runBin(["list"], { ORDER_DATA_FOLDER: folder })
      assert.deepStrictEqual(outcome, { code: 0, stdout: "", stderr: "orders: no orders" })
      assert.isFalse(existsSync(path.join(folder, "postgres/data/postmaster.pid")))
    }).pipe(Effect.scoped)
  )

  it.live("stops it when the command is stopped", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      const command = yield* startBin(["list"], { ORDER_DATA_FOLDER: folder })
      yield* untilThere(path.join(folder, "postgres/lock.pid"))
      yield* command.send("SIGINT")
      assert.deepStrictEqual(yield* command.outcome, { code: exitCodes.interrupted, stdout: "", stderr: "" })
      assert.isFalse(existsSync(path.join(folder, "postgres/data/postmaster.pid")))
    }).pipe(Effect.scoped)
  )

  it.live("uses that of a running server, and leaves it running", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      const server = yield* EmbeddedPostgres.start({ dataFolder: folder, durable: false })
      const outcome = yield* runBin(["list"], { ORDER_DATA_FOLDER: folder })
      assert.deepStrictEqual(outcome, { code: 0, stdout: "", stderr: "orders: no orders" })
      assert.isTrue(isAlive(server.pid))
      assert.isTrue(existsSync(path.join(folder, "postgres/data/postmaster.pid")))
    }).pipe(Effect.scoped)
  )
})
