import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Redacted, Scope } from "effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import {
  holdInOtherProcess,
  isAlive,
  makeDataFolder,
  query,
  refusal,
  start,
  timeout
} from "./support/embeddedProcess.ts"

describe.concurrent("EmbeddedPostgres.start", { timeout }, () => {
  it.effect("creates the database orders at the first start and keeps its rows for the second", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { url, database, user } = yield* start(folder, { durable: true })
          yield* query(url, "CREATE TABLE kept AS SELECT 7 AS n")
          const rows = yield* query(
            url,
            "SELECT current_database() AS database, current_user::text AS user, current_setting('fsync') AS fsync"
          )
          assert.deepStrictEqual(rows, [{ database: "orders", user: "orders_owner", fsync: "on" }])
          assert.deepStrictEqual({ database, user }, { database: "orders", user: "orders_owner" })
        })
      )
      const { url } = yield* start(folder)
      assert.deepStrictEqual(yield* query(url, "SELECT n FROM kept"), [{ n: 7 }])
    })
  )

  it.effect("serves UTC and UTF-8 on the loopback address only", () =>
    Effect.gen(function* () {
      const { url, host, port } = yield* start(yield* makeDataFolder)
      const settings = ["TimeZone", "server_encoding", "listen_addresses", "unix_socket_directories", "port", "fsync"]
      const rows = yield* query(
        url,
        `SELECT ${settings.map((name) => `current_setting('${name}') AS "${name}"`).join(", ")}`
      )
      assert.deepStrictEqual(rows, [
        {
          TimeZone: "UTC",
          server_encoding: "UTF8",
          listen_addresses: host,
          unix_socket_directories: "",
          port: String(port),
          fsync: "off"
        }
      ])
    })
  )

  it.effect("asks every client for the password", () =>
    Effect.gen(function* () {
      const { url } = yield* start(yield* makeDataFolder)
      const guess = new URL(Redacted.value(url))
      guess.password = "guess"
      const error = yield* Effect.flip(query(Redacted.make(guess.href), "SELECT 1"))
      assert.strictEqual(error.reason._tag, "AuthenticationError")
    })
  )

  it.effect("leaves no process behind when the scope closes", () =>
    Effect.gen(function* () {
      const { pid } = yield* Effect.scoped(start(yield* makeDataFolder))
      assert.isFalse(isAlive(pid))
    })
  )

  it.effect("lets the program end", () =>
    Effect.gen(function* () {
      const child = yield* holdInOtherProcess(yield* makeDataFolder, { mode: "once" })
      assert.strictEqual(yield* child.exit, 0)
    })
  )

  it.effect("goes on serving after Ctrl-C until its owner stops it", () =>
    Effect.gen(function* () {
      const child = yield* holdInOtherProcess(yield* makeDataFolder)
      const started = yield* child.line
      yield* child.pressCtrlC
      assert.deepStrictEqual(yield* child.line, { answersAtTheEnd: true })
      yield* child.exit
      assert.isFalse("serverPid" in started && isAlive(started.serverPid))
    })
  )

  it.effect("can be interrupted on its way and started again", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      const scope = yield* Scope.make()
      const fiber = yield* Effect.forkChild(Scope.provide(start(folder), scope))
      // As soon as initdb is at work.
      yield* Effect.promise(async () => {
        const home = path.join(folder, "postgres")
        for (;;) {
          const names = await fs.readdir(home).catch(() => [])
          if (names.some((name) => name.startsWith("draft-"))) return
        }
      })
      yield* Fiber.interrupt(fiber)
      yield* Scope.close(scope, Exit.void)
      const { url } = yield* start(folder)
      assert.deepStrictEqual(yield* query(url, "SELECT 1 AS n"), [{ n: 1 }])
      const names = yield* Effect.promise(() => fs.readdir(path.join(folder, "postgres")))
      assert.isEmpty(names.filter((name) => name.startsWith("draft-")))
    })
  )

  it.effect("kills a server that does not stop in time", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      const { pid } = yield* Effect.scoped(
        Effect.tap(start(folder, { stopWithin: "100 millis" }), ({ pid }) =>
          Effect.sync(() => process.kill(pid, "SIGSTOP"))
        )
      )
      assert.isFalse(isAlive(pid))
    })
  )
})

describe.concurrent("after a kill", { timeout }, () => {
  it.effect("stops the server that was left over and serves every committed row", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      const child = yield* holdInOtherProcess(folder)
      const line = yield* child.line
      assert("url" in line && "serverPid" in line)
      yield* query(line.url, "CREATE TABLE kept AS SELECT 7 AS n")
      yield* child.kill
      assert.isTrue(isAlive(line.serverPid))
      const { url, pid } = yield* start(folder)
      assert.notStrictEqual(pid, line.serverPid)
      assert.isFalse(isAlive(line.serverPid))
      assert.deepStrictEqual(yield* query(url, "SELECT n FROM kept"), [{ n: 7 }])
    })
  )

  it.effect("replays the log when the server was killed too", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      const child = yield* holdInOtherProcess(folder)
      const line = yield* child.line
      assert("url" in line && "serverPid" in line)
      yield* query(line.url, "CREATE TABLE kept AS SELECT 7 AS n")
      process.kill(line.serverPid, "SIGKILL")
      yield* child.kill
      const { url } = yield* start(folder)
      assert.deepStrictEqual(yield* query(url, "SELECT n FROM kept"), [{ n: 7 }])
    })
  )

  it.effect("starts although the old server's process id now belongs to another program", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      yield* Effect.scoped(start(folder))
      const data = yield* Effect.promise(() => fs.realpath(path.join(folder, "postgres", "data")))
      const owner = yield* Effect.promise(() => fs.stat(data))
      const other = yield* Effect.acquireRelease(
        Effect.sync(() => spawn("sleep", ["1000"], { uid: owner.uid, gid: owner.gid, cwd: "/" })),
        (other) => Effect.sync(() => other.kill("SIGKILL"))
      )
      const pidFile = path.join(data, "postmaster.pid")
      yield* Effect.promise(() => fs.writeFile(pidFile, `${other.pid}\n${data}\n`))
      yield* Effect.promise(() => fs.chown(pidFile, owner.uid, owner.gid))
      const { url } = yield* start(folder)
      assert.deepStrictEqual(yield* query(url, "SELECT 1 AS n"), [{ n: 1 }])
      assert.isNull(other.exitCode ?? other.signalCode)
    })
  )

  it.effect("starts although the old server left an empty process id file", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      yield* Effect.scoped(start(folder))
      yield* Effect.promise(() => fs.writeFile(path.join(folder, "postgres", "data", "postmaster.pid"), ""))
      const { url } = yield* start(folder)
      assert.deepStrictEqual(yield* query(url, "SELECT 1 AS n"), [{ n: 1 }])
    })
  )

  it.effect("refuses a folder that was moved while a server left over still writes to it", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      const child = yield* holdInOtherProcess(folder)
      const line = yield* child.line
      assert("serverPid" in line)
      yield* child.kill
      const moved = `${folder}-moved`
      yield* Effect.promise(() => fs.rename(folder, moved))
      const reason = yield* refusal(moved)
      process.kill(line.serverPid, "SIGQUIT")
      assert.strictEqual(reason._tag, "FolderServedElsewhere")
      assert.include(reason.message, String(line.serverPid))
    })
  )
})

describe("the lock of the data folder", { timeout }, () => {
  it.effect("refuses a second live process and names the first", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      const child = yield* holdInOtherProcess(folder)
      const line = yield* child.line
      assert("url" in line && "serverPid" in line)
      const reason = yield* refusal(folder)
      assert.strictEqual(
        reason.message,
        `The data folder ${folder} is in use by the running process ${child.pid}; stop that process or choose another folder.`
      )
      assert.deepStrictEqual(yield* query(line.url, "SELECT 1 AS n"), [{ n: 1 }])
    })
  )

  it.effect("refuses a second start in the same process", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      yield* start(folder)
      const reason = yield* refusal(folder)
      assert(reason._tag === "FolderInUse")
      assert.strictEqual(reason.pid, process.pid)
    })
  )

  it.effect("is taken over from a dead process, even if its process id lives again", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      const child = yield* holdInOtherProcess(folder)
      yield* child.line
      yield* child.kill
      yield* Effect.promise(() => fs.writeFile(path.join(folder, "postgres", "lock.pid"), String(process.ppid)))
      const { url } = yield* start(folder)
      assert.deepStrictEqual(yield* query(url, "SELECT 1 AS n"), [{ n: 1 }])
    })
  )

  it.effect("goes to exactly one of several processes that find a dead one's", () =>
    Effect.gen(function* () {
      const folder = yield* makeDataFolder
      const dead = yield* holdInOtherProcess(folder)
      yield* dead.line
      yield* dead.kill
      const rivals = yield* Effect.all(Array.from({ length: 4 }, () => holdInOtherProcess(folder)))
      const lines = yield* Effect.all(
        rivals.map((rival) => rival.line),
        { concurrency: "unbounded" }
      )
      const winner = rivals.filter((_, index) => "url" in (lines[index] ?? {}))
      const refused = lines.flatMap((line) => ("refused" in line ? [line.message] : []))
      assert.lengthOf(winner, 1)
      assert.lengthOf(refused, 3)
      for (const message of refused) assert.include(message, `the running process ${winner[0]?.pid};`)
    })
  )
})
