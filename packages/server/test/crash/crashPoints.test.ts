/**
 * F02: a server is killed at every named crash point of every story, once and twice in a row.
 *
 * One order stands at each point when SIGKILL comes. A second process repairs what the first has left, and in the second
 * variant is killed in turn in the middle of that; the last one finishes. Every order must then be what the same story
 * leaves behind undisturbed.
 */
import { assert, describe, it, layer } from "@effect/vitest"
import { OrderId } from "@tickettoken/order-domain/Ids"
import { crashPoint, crashPoints } from "@tickettoken/order-testing/chaos/crashPoints"
import type { CrashStop } from "@tickettoken/order-testing/chaos/CrashStops"
import * as Fsck from "@tickettoken/order-server/fsck/Fsck"
import { Sandbox } from "@tickettoken/order-testing/sandbox/Sandbox"
import { Effect, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { ServerPort } from "../http/support/testServer.ts"
import { untilAnswered } from "../http/support/untilAnswered.ts"
import { endStateOf } from "./support/endState.ts"
import { healed, type Part, type Saga, sagas } from "./support/sagas.ts"
import { ageLeases, layer as stage, type Server, Servers } from "./support/stage.ts"

/** Several boots on two busy cores. */
const TIMEOUT_MILLIS = 600_000

/** The points at which a process has been killed, by whoever runs in this file. */
const hit = new Set<string>()

const at = (server: Server) => Effect.provideService(ServerPort, server.port)

/** An order at each of the points. */
interface Cast {
  readonly point: string
  readonly part: Part
}

/** Who stands at a point, in the words of that call. `null`: whoever comes first. */
const subjectOf = ({ part, point }: Cast, again: boolean): string | null => {
  const { call } = again ? crashPoint(point).again : crashPoint(point).site
  if (call === "bulk.open") return part.eventId
  if (call.startsWith("bulk.")) return part.jobId
  return part.orderId !== null && call.startsWith("keys.") ? part.key : part.orderId
}

const stopsOf = (cast: ReadonlyArray<Cast>, again: boolean): ReadonlyArray<CrashStop> =>
  cast.map((each) => ({ point: each.point, again, subject: subjectOf(each, again), fate: "park" as const }))

type Act = Saga["act"]

/** Everybody does what the story is about, and nobody is waited for. */
const allAct = (act: Act, { atOnce }: Saga, cast: ReadonlyArray<Cast>, server: Server) =>
  atOnce === undefined
    ? Effect.forEach(cast, ({ part }) => Effect.forkScoped(at(server)(Effect.ignoreCause(act(part)))), {
        discard: true
      })
    : atOnce(cast.map(({ part }) => part))

/** Waits until an order stands at each point, and kills the server. Who has come to which point is what it answers. */
const killAtPoints = Effect.fnUntraced(function* (act: Act, saga: Saga, cast: ReadonlyArray<Cast>, server: Server) {
  yield* allAct(act, saga, cast, server)
  const subjects = yield* Effect.forEach(cast, ({ point }) => server.reached(point))
  yield* server.kill
  yield* ageLeases
  for (const { point } of cast) hit.add(point)
  return subjects
})

/** What the story has made until then: orders, whose parts stand where they came to, and bulk jobs. */
const recast = Effect.fnUntraced(function* (cast: ReadonlyArray<Cast>, subjects: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  const made = yield* Effect.forEach(
    cast,
    Effect.fnUntraced(function* ({ part }) {
      const [order] = yield* sql<{ id: string }>`select id from orders where user_id = ${part.userId}`
      const [job] = yield* sql<{ id: string }>`select id from bulk_jobs where event_id = ${part.eventId}`
      const whole: Part = {
        ...part,
        orderId: order === undefined ? null : OrderId.make(order.id),
        jobId: job?.id ?? null
      }
      return whole
    })
  )
  const strangers = made.filter(({ orderId }) => orderId === null)
  return cast.map(({ point }, index): Cast => {
    const subject = subjects[index] ?? ""
    const names = (part: Part) => [part.orderId, part.key, part.jobId, part.eventId]
    const part = made.find((one) => names(one).some((name) => name === subject)) ?? strangers[0]
    if (part === undefined) throw new Error(`nobody stood at ${point}`)
    return { point, part }
  })
})

/** The order of a part once nothing is to be done for it any more. */
const settledOrder = Effect.fnUntraced(function* ({ ends }: Saga, part: Part) {
  const sql = yield* SqlClient.SqlClient
  const orders = yield* sql<{ id: string }>`select id from orders where user_id = ${part.userId}`
  assert.strictEqual(orders.length, 1, "a buyer in a story has one order")
  const id = OrderId.make(orders[0]?.id ?? "")
  return yield* endStateOf(id).pipe(
    Effect.repeat({
      until: ({ jobs, open, status, unsent }) => status === ends && open.length + unsent + jobs === 0,
      schedule: Schedule.spaced("100 millis").pipe(Schedule.upTo({ times: 1_200 }))
    })
  )
})

/** One story, with everybody at a point when the kill comes. It begins on this server, and ends on the one it answers. */
const play = Effect.fnUntraced(function* (saga: Saga, kills: 1 | 2, first: Server) {
  let cast = yield* Effect.forEach(saga.points, (point) =>
    Effect.map(at(first)(saga.prepare), (part): Cast => ({ point, part }))
  )
  const twin = yield* at(first)(saga.prepare)
  yield* saga.fault ?? Effect.void
  yield* first.stopAt(stopsOf(cast, false))
  const subjects = yield* killAtPoints(saga.act, saga, cast, first)
  cast = yield* recast(cast, subjects)
  const servers = yield* Servers
  const again = saga.again ?? saga.act
  if (kills === 2) yield* killAtPoints(again, saga, cast, yield* servers.start(stopsOf(cast, true)))
  const last = yield* servers.start([])
  const everybody = [...cast.map(({ part }) => part), twin]
  const answers = yield* Effect.forEach(
    everybody,
    (part) => untilAnswered(at(last)((part === twin ? saga.act : again)(part))),
    { concurrency: "unbounded" }
  )
  for (const answer of answers) assert.isBelow(answer?.status ?? 200, 300, answer?.text ?? "")
  if (saga.relief !== undefined) {
    yield* saga.relief(everybody.flatMap(({ orderId }) => (orderId === null ? [] : [orderId])))
  }
  // Where nobody comes to the relief the fault is what the story is about: it ends with it.
  if (saga.relief !== undefined) yield* healed
  const expected = yield* settledOrder(saga, twin)
  for (const { part, point } of cast) {
    assert.deepStrictEqual(yield* settledOrder(saga, part), expected, `${point} x ${kills}`)
  }
  assert.deepStrictEqual(expected.twice, [])
  yield* healed
  return last
})

layer(stage, { excludeTestServices: true, timeout: "300 seconds" })("F02 a server that is killed", (it) => {
  for (const saga of sagas) {
    for (const kills of [1, 2] as const) {
      it.effect(
        `while ${saga.name}, ${kills === 1 ? "once" : "twice in a row"}, leaves nothing behind`,
        () => Effect.flatMap(Servers, ({ pass }) => pass((first) => play(saga, kills, first))),
        TIMEOUT_MILLIS
      )
    }
  }

  it.effect("leaves no offender to fsck, whatever it is compared with", () =>
    Effect.gen(function* () {
      const { payments, tickets } = yield* Sandbox
      const journals = {
        tickets: (yield* tickets.journal.entries).map(({ fact }) => fact),
        payments: (yield* payments.journal.entries).map(({ fact }) => fact)
      }
      assert.deepStrictEqual((yield* Fsck.run({ journals })).map(Fsck.lineOf), [])
    })
  )
})

/** The rows of the reliability notes. */
const rows = [
  "C1",
  "C2",
  "C3",
  "C4",
  "C5",
  "C6",
  "C7",
  "K1",
  "K2",
  "E1",
  "E2",
  "E3",
  "RF1",
  "RF2",
  "RF3",
  "B1",
  "B2",
  "B3",
  "O1"
]

describe("F02 the crash points", () => {
  it("have a place for every row", () => {
    const ids = crashPoints.map(({ id }) => id)
    assert.deepStrictEqual(
      rows.filter((row) => !ids.includes(row)),
      []
    )
    assert.strictEqual(new Set(ids).size, ids.length)
  })
  it("are all hit", () => {
    assert.deepStrictEqual(
      crashPoints.map(({ id }) => id).filter((id) => !hit.has(id)),
      []
    )
  })
})
