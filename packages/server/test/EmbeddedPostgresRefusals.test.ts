import { assert, describe, it } from "@effect/vitest"
import { Platform } from "@tickettoken/order-server/embedded/PostgresBinaries"
import { Effect } from "effect"
import * as fs from "node:fs/promises"
import * as net from "node:net"
import * as path from "node:path"
import {
  holdInOtherProcess,
  isRoot,
  makeDataFolder,
  nobody,
  ordinaryUser,
  ordinaryUserCanRunThis,
  query,
  refusal,
  start,
  timeout
} from "./support/embeddedProcess.ts"

const takenPort = Effect.map(
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = net.createServer()
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return server
    }),
    (server) => Effect.sync(() => server.close())
  ),
  (server) => {
    const address = server.address()
    assert(address !== null && typeof address === "object")
    return address.port
  }
)

describe.concurrent("a start that can not succeed says why in one sentence", { timeout }, () => {
  it.effect("for a platform without a server", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      const message = (platform: typeof Platform.Service) =>
        Effect.map(refusal(folder).pipe(Effect.provideService(Platform, platform)), (reason) => reason.message)
      const wayOut = "set DATABASE_URL to use a PostgreSQL server of your own."
      assert.strictEqual(
        yield* message({ os: "freebsd", arch: "x64", glibc: false }),
        `No embedded PostgreSQL exists for freebsd-x64; ${wayOut}`
      )
      assert.strictEqual(
        yield* message({ os: "linux", arch: "x64", glibc: false }),
        `No embedded PostgreSQL exists for linux-x64 without glibc (musl, as on Alpine); ${wayOut}`
      )
    })
  )

  it.effect("for an installation without the optional package", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      const os = process.platform === "win32" ? "darwin" : "win32"
      const reason = yield* refusal(folder).pipe(Effect.provideService(Platform, { os, arch: "x64", glibc: false }))
      assert.strictEqual(reason._tag, "BinariesMissing")
      assert.include(reason.message, "set DATABASE_URL")
    })
  )

  it.effect("for an explicit port that is taken", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      const port = yield* takenPort
      assert.strictEqual(
        (yield* refusal(folder, { port })).message,
        `Port ${port} on 127.0.0.1 is not free (listen EADDRINUSE: address already in use 127.0.0.1:${port}); ` +
          `choose another one or leave the port out.`
      )
    })
  )

  it.effect("for a data folder that is a file", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      const file = path.join(path.dirname(folder), "file")
      yield* Effect.promise(() => fs.writeFile(file, ""))
      const reason = yield* refusal(path.join(file, "data"))
      assert.strictEqual(reason._tag, "FolderNotWritable")
      assert.include(reason.message, "ENOTDIR")
    })
  )

  it.effect("for a data folder of another major version", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      yield* Effect.scoped(start(folder))
      yield* Effect.promise(() => fs.writeFile(path.join(folder, "postgres", "data", "PG_VERSION"), "17\n"))
      const reason = yield* refusal(folder)
      assert.strictEqual(reason._tag, "OtherVersion")
      assert.include(reason.message, "was made by PostgreSQL 17 and this is PostgreSQL 18;")
    })
  )

  it.effect("for a server that stops while it starts, with the end of its log", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      yield* Effect.scoped(start(folder))
      yield* Effect.promise(() =>
        fs.appendFile(path.join(folder, "postgres", "data", "postgresql.conf"), "no_such_setting = 1\n")
      )
      const reason = yield* refusal(folder)
      assert.strictEqual(reason._tag, "ServerNotReady")
      assert.include(reason.message, "stopped while starting (exit code 1)")
      assert.include(reason.message, `unrecognized configuration parameter "no_such_setting"`)
    })
  )

  it.effect("for a server that takes too long", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      yield* Effect.scoped(start(folder))
      const reason = yield* refusal(folder, { readyWithin: "1 millis" })
      assert.strictEqual(reason._tag, "ServerNotReady")
      assert.include(reason.message, "was not ready within 1ms; its log ")
    })
  )

  it.effect.skipIf(!ordinaryUserCanRunThis)("for a read-only data folder", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      yield* Effect.acquireRelease(
        Effect.promise(() => fs.mkdir(folder, { mode: 0o555 })),
        () => Effect.promise(() => fs.chmod(folder, 0o755))
      )
      const child = yield* holdInOtherProcess(folder, { account: ordinaryUser })
      assert.deepStrictEqual(yield* child.line, {
        refused: "FolderNotWritable",
        message:
          `The data folder ${folder} can not be written (EACCES: permission denied, mkdir '${folder}/postgres'); ` +
          `make it writable or choose another one.`
      })
    })
  )
})

describe.concurrent("the account that runs the server", { timeout }, () => {
  const ownerOf = (file: string) =>
    Effect.promise(async () => {
      const { uid, mode } = await fs.stat(file)
      return { uid, mode: mode & 0o777 }
    })

  it.effect.skipIf(!ordinaryUserCanRunThis)("is the ordinary user who starts it, even one without a home folder", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      yield* Effect.promise(() => fs.mkdir(folder))
      if (isRoot) yield* Effect.promise(() => fs.chown(folder, nobody.uid, nobody.gid))
      const child = yield* holdInOtherProcess(folder, { account: ordinaryUser })
      const line = yield* child.line
      assert("url" in line)
      assert.deepStrictEqual(yield* query(line.url, "SELECT 1 AS n"), [{ n: 1 }])
      const uid = isRoot ? nobody.uid : process.getuid?.()
      assert.deepStrictEqual(yield* ownerOf(path.join(folder, "postgres", "data")), { uid, mode: 0o700 })
      yield* child.kill
    })
  )

  it.effect.skipIf(!isRoot)("is unprivileged for root, and the password is readable by it alone", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      yield* start(folder)
      const data = path.join(folder, "postgres", "data")
      assert.deepStrictEqual(yield* ownerOf(data), { uid: nobody.uid, mode: 0o700 })
      const password = yield* ownerOf(path.join(data, "orders_owner.password"))
      assert.deepStrictEqual(password, { uid: nobody.uid, mode: 0o600 })
    })
  )

  it.effect.skipIf(!isRoot)("serves root's data from a folder that only root can enter", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      yield* Effect.promise(() => fs.chmod(path.dirname(folder), 0o700))
      yield* Effect.scoped(Effect.flatMap(start(folder), ({ url }) => query(url, "CREATE TABLE kept AS SELECT 7 AS n")))
      const { url } = yield* start(folder)
      assert.deepStrictEqual(yield* query(url, "SELECT n FROM kept"), [{ n: 7 }])
      const home = yield* Effect.promise(() => fs.realpath(path.join(folder, "postgres")))
      assert.match(home, /^\/var\/lib\/tickettoken-orders\/[0-9a-f]{16}-/)
    })
  )
})
