/** The journal on disk: it is the state, it survives a kill in the middle of a line, and it refuses what it can not read. */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, FileSystem, Path } from "effect"
import { TestClock } from "effect/testing"
import { stepWith } from "@tickettoken/order-testing/sandbox/Engine"
import * as Directory from "@tickettoken/order-testing/sandbox/EventDirectory"
import * as Journal from "@tickettoken/order-testing/sandbox/Journal"
import { at, eventId, otherEventId, plain, tenantId } from "./scene.ts"

const event = (id: typeof eventId): Directory.Event => ({
  id,
  tenantId,
  name: "Night",
  status: "ON_SALE",
  currency: "USD",
  startsAt: at(1000),
  endsAt: at(2000),
  timezone: "Europe/Berlin"
})

const open = (folder: string | undefined, service = "event") =>
  Journal.open({ service, engine: Directory.engine, fact: Directory.EventFact, folder })

/** A journal with two entries in a folder of its own. */
const written = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* fs.makeTempDirectoryScoped()
  const file = path.join(folder, "event.ndjson")
  const state = yield* Effect.scoped(
    Effect.gen(function* () {
      const journal = yield* open(folder)
      yield* journal.perform((before) => Directory.addEvent(before, { event: event(eventId) }))
      yield* TestClock.adjust("5 seconds")
      yield* journal.perform((before) => Directory.setStatus(before, { id: eventId, status: "CANCELLED" }))
      return yield* journal.state
    })
  )
  return { fs, folder, file, state }
})

layer(NodeServices.layer)("a journal", (it) => {
  it.effect("numbers and dates its entries", () =>
    Effect.gen(function* () {
      const { file, fs } = yield* written
      const [first = "", second = ""] = (yield* fs.readFileString(file)).split("\n")
      assert.isTrue(first.startsWith('{"seq":1,"at":"1970-01-01T00:00:00.000Z","service":"event","kind":"event.added"'))
      assert.isTrue(
        second.startsWith('{"seq":2,"at":"1970-01-01T00:00:05.000Z","service":"event","kind":"event.status')
      )
    })
  )

  it.effect("gives its state back after a restart, and goes on from there", () =>
    Effect.gen(function* () {
      const { folder, state } = yield* written
      const journal = yield* open(folder)
      assert.deepStrictEqual(plain((yield* journal.state).events), plain(state.events))
      yield* journal.perform((before) => Directory.addEvent(before, { event: event(otherEventId) }))
      assert.deepStrictEqual(
        (yield* journal.entries).map((entry) => entry.seq),
        [1, 2, 3]
      )
      assert.strictEqual((yield* (yield* open(folder)).entries).length, 3)
    })
  )

  it.effect("drops a last line that a kill has torn, wherever it was torn", () =>
    Effect.gen(function* () {
      const { file, folder, fs } = yield* written
      const whole = yield* fs.readFileString(file)
      const second = whole.indexOf("\n") + 1
      for (let end = second + 1; end < whole.length; end++) {
        yield* fs.writeFileString(file, whole.slice(0, end))
        const journal = yield* Effect.scoped(open(folder))
        assert.strictEqual((yield* journal.entries).length, 1)
        assert.strictEqual(yield* fs.readFileString(file), whole.slice(0, second))
      }
    })
  )

  it.effect("refuses a damaged line in its middle, and names it", () =>
    Effect.gen(function* () {
      const { file, folder, fs } = yield* written
      const whole = yield* fs.readFileString(file)
      yield* fs.writeFileString(file, whole.replace('"kind":"event.added"', '"kind":"event.adde"'))
      const error = yield* Effect.flip(open(folder))
      assert.strictEqual(error._tag, "JournalUnreadable")
      assert.include(error.message, file)
      assert.include(error.message, "line 1")
    })
  )

  it.effect("refuses lines that are missing, and another service's file", () =>
    Effect.gen(function* () {
      const { file, folder, fs } = yield* written
      const whole = yield* fs.readFileString(file)
      yield* fs.writeFileString(`${folder}/ticket.ndjson`, whole)
      assert.include((yield* Effect.flip(open(folder, "ticket"))).message, "of the ticket sandbox")
      yield* fs.writeFileString(file, whole.slice(whole.indexOf("\n") + 1))
      assert.include((yield* Effect.flip(open(folder))).message, "should be entry 1")
    })
  )

  it.effect("writes a line wholly or not at all when the disk is full", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const script = fileURLToPath(new URL("fullDisk.ts", import.meta.url))
      // Files may not grow beyond 1 KiB: room for two entries and half of the third.
      const { status, stdout } = spawnSync("bash", [
        "-c",
        'ulimit -f 1 && exec "$0" "$1" "$2"',
        process.execPath,
        script,
        folder
      ])
      assert.strictEqual(status, 0)
      assert.strictEqual(String(stdout).trim(), "2")
      assert.isTrue((yield* fs.readFileString(`${folder}/event.ndjson`)).endsWith("\n"))
      assert.lengthOf(yield* (yield* open(folder)).entries, 2)
    })
  )

  it.effect("refuses a folder that is a file", () =>
    Effect.gen(function* () {
      const { file } = yield* written
      assert.strictEqual((yield* Effect.flip(open(file)))._tag, "JournalUnreadable")
    })
  )
})

describe("a journal in memory", () => {
  it.effect("numbers the facts of one request one after another", () =>
    Effect.gen(function* () {
      const journal = yield* open(undefined)
      const facts = [eventId, otherEventId].map((id) => ({ kind: "event.added", event: event(id) }) as const)
      yield* journal.perform((before) => stepWith(Directory.engine, before, facts, undefined))
      assert.deepStrictEqual(
        (yield* journal.entries).map((entry) => entry.seq),
        [1, 2]
      )
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("keeps facts and state in step, and nothing when nothing happens", () =>
    Effect.gen(function* () {
      const journal = yield* open(undefined)
      yield* journal.perform((before) => stepWith(Directory.engine, before, [], undefined))
      assert.strictEqual((yield* journal.entries).length, 0)
      yield* journal.perform((before) => Directory.addEvent(before, { event: event(eventId) }))
      const [entry] = yield* journal.entries
      assert.strictEqual(entry?.fact.kind, "event.added")
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
