/** Demo credentials: where they exist, who can reach them, and what keeps them from being made. */
import { assert, describe, it } from "@effect/vitest"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect, Redacted } from "effect"
import { spawnSync } from "node:child_process"
import { once } from "node:events"
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import * as fs from "node:fs/promises"
import { connect } from "node:net"
import * as path from "node:path"
import { send } from "../http/support/send.ts"
import { isRoot, nobody, ordinaryUserCanRunThis } from "../support/embeddedProcess.ts"
import { makeDatabase } from "../support/postgres.ts"
import { makeTemporaryFolder } from "../support/temporaryFolder.ts"
import { start } from "./support/serviceProcess.ts"

const slow = 300_000
const isLinux = process.platform === "linux"
const JWT_SECRET = "q8Zt0wV5nYc2Lr7Kx4Hs9Bd1Gf6Jm3Pa"

/** A folder that is not there yet, inside one that goes at the end. */
const freshFolder = Effect.map(
  Effect.acquireRelease(
    Effect.promise(() => makeTemporaryFolder("lifecycle-")),
    (folder) => Effect.promise(() => fs.rm(folder, { recursive: true, force: true }))
  ),
  (folder) => path.join(folder, "data")
)

/** Whether somebody listens there. */
const listens = (host: string, port: number) =>
  Effect.promise(async () => {
    const socket = connect(port, host)
    try {
      await once(socket, "connect")
      return true
    } catch {
      return false
    } finally {
      socket.destroy()
    }
  })

describe("a run whose sandbox stands in for other services", () => {
  it.live(
    "M3 has demo tokens of the given secret, and is reached from this machine alone",
    () =>
      Effect.gen(function* () {
        const folder = yield* freshFolder
        const service = yield* start("demo", {
          DATABASE_URL: Redacted.value(yield* makeDatabase()),
          ORDER_DATA_FOLDER: folder,
          JWT_SECRET
        })
        const port = yield* service.port
        const token = readFileSync(path.join(folder, "demo/buyer.token"), "utf8").trim()
        const [header = "", claims = "", signature] = token.split(".")
        const key = yield* Effect.promise(() =>
          crypto.subtle.importKey("raw", Buffer.from(JWT_SECRET), { name: "HMAC", hash: "SHA-256" }, false, ["sign"])
        )
        const signed = yield* Effect.promise(() => crypto.subtle.sign("HMAC", key, Buffer.from(`${header}.${claims}`)))
        assert.strictEqual(Buffer.from(signed).toString("base64url"), signature)
        const authorization = `Bearer ${token}`
        assert.strictEqual((yield* send({ port, path: "/api/v1/orders", headers: { authorization } })).status, 200)
        assert.isTrue(yield* listens("localhost", port))
        // Everything from 127.0.0.1 to 127.255.255.254 is this machine: who listens everywhere listens there.
        if (isLinux) assert.isFalse(yield* listens("127.0.0.2", port))
        yield* service.send("SIGTERM")
        assert.strictEqual((yield* service.outcome).code, 0)
      }).pipe(Effect.scoped),
    slow
  )
})

describe("a run with a database and services of its own", () => {
  it.live(
    "M3 knows no demo: no tokens, no key, and nothing in the data folder",
    () =>
      Effect.gen(function* () {
        const folder = yield* freshFolder
        // What an earlier demo has left there is good for nothing.
        mkdirSync(folder, { recursive: true })
        const left = { jwtSecret: JWT_SECRET.repeat(2), serviceSecret: "s".repeat(43) }
        writeFileSync(path.join(folder, "demo-credentials.json"), JSON.stringify(left))
        const nowhere = "http://127.0.0.1:1"
        const service = yield* start("demo", {
          DATABASE_URL: Redacted.value(yield* makeDatabase()),
          ORDER_DATA_FOLDER: folder,
          TICKET_SERVICE_URL: nowhere,
          PAYMENT_SERVICE_URL: nowhere,
          EVENT_SERVICE_URL: nowhere,
          JWT_SECRET
        })
        const [, at] = yield* service.printed(/ready after .*:(\d+)\n/)
        const port = Number(at)
        const key = yield* send({
          port,
          path: "/internal/v1/orders/expiring",
          headers: { authorization: `Service-Key demo.${left.serviceSecret}`, "x-tenant-id": demo.tenantId }
        })
        assert.strictEqual(key.status, 401)
        assert.isFalse(existsSync(path.join(folder, "demo")))
        if (isLinux) assert.isTrue(yield* listens("127.0.0.2", port))
        yield* service.send("SIGTERM")
        const { code, stderr, stdout } = yield* service.outcome
        assert.strictEqual(code, 0)
        assert.notMatch(stdout + stderr, /eyJ|demo\./)
        assert.deepStrictEqual(yield* Effect.promise(() => fs.readdir(folder)), ["demo-credentials.json"])
      }).pipe(Effect.scoped),
    slow
  )
})

describe.runIf(isLinux)("a data folder that can not be made", () => {
  it.live.each([["without a database"], ["with one"]])(
    "L5 %s ends the start at once, with one line that names it",
    ([which]) =>
      Effect.gen(function* () {
        const database = which === "with one" ? { DATABASE_URL: Redacted.value(yield* makeDatabase()) } : {}
        const service = yield* start("service", { ...database, ORDER_DATA_FOLDER: "/proc/x/y" })
        const { code, stderr } = yield* service.outcome
        assert.strictEqual(code, 1)
        assert.match(stderr, /^The data folder \/proc\/x\/y can not be written \(.+\); .+ ORDER_DATA_FOLDER .+\.\n$/)
      }).pipe(Effect.scoped),
    slow
  )
})

describe.runIf(isRoot && ordinaryUserCanRunThis)("credentials of another account", () => {
  /** Opens the credentials as an ordinary user; prints what comes of it. */
  const openAsNobody = (folder: string): string => {
    const module = path.join(import.meta.dirname, "../../src/auth/DemoCredentials.ts")
    const script = `
      import { Effect } from "effect"
      import { open } from ${JSON.stringify(module)}
      const text = Effect.match(open(${JSON.stringify(folder)}), {
        onFailure: (error) => error.message,
        onSuccess: ({ serviceKey }) => "the key " + serviceKey.keyId
      })
      console.log(await Effect.runPromise(text))`
    const { stderr, stdout } = spawnSync(process.execPath, ["--input-type=module-typescript", "-e", script], {
      ...nobody,
      cwd: path.join(import.meta.dirname, "../.."),
      encoding: "utf8",
      env: {}
    })
    return stdout.trim() || stderr
  }

  it.live("L4 are used when they can be read, and told by name when not", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      mkdirSync(folder, { mode: 0o755 })
      chmodSync(folder, 0o755)
      const file = path.join(folder, "demo-credentials.json")
      writeFileSync(file, JSON.stringify({ jwtSecret: JWT_SECRET, serviceSecret: JWT_SECRET }))
      chmodSync(file, 0o644)
      assert.strictEqual(openAsNobody(folder), "the key demo")
      chmodSync(file, 0o600)
      assert.match(openAsNobody(folder), /^The demo credentials in \S+demo-credentials\.json are not usable \(EACCES/)
      yield* Effect.promise(() => fs.rm(file))
      assert.match(openAsNobody(folder), /^The data folder \S+\/data can not be written \(EACCES.*make it writable/)
    }).pipe(Effect.scoped)
  )
})
