/**
 * F04: the server that repairs what an outage has left behind is killed again and again while it does so. It comes to an
 * end all the same, and each effect happens once.
 */
import { assert, layer } from "@effect/vitest"
import { BACKGROUND_LANE } from "@tickettoken/order-domain/WorkExecutor"
import * as Fsck from "@tickettoken/order-server/fsck/Fsck"
import { Sandbox } from "@tickettoken/order-testing/sandbox/Sandbox"
import { Effect, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { ServerPort } from "../http/support/testServer.ts"
import { endStateOf } from "./support/endState.ts"
import { healed, type Part, sagas } from "./support/sagas.ts"
import { ageLeases, layer as stage, type Server, Servers } from "./support/stage.ts"

/** Several boots on two busy cores. */
const TIMEOUT_MILLIS = 600_000

const ORDERS = 60
const KILLS_MAX = 5

/** A quick server does more in one life; fewer lives than this show nothing. */
const KILLS_MIN = 3

const at = (server: Server) => Effect.provideService(ServerPort, server.port)

/** Work that is not done. */
const openWork = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ n: number }>`select count(*)::int as n from order_work where state <> 'DONE'`
  return row?.n ?? 0
})

/** Looks until it is so; what is not so after a few minutes is told. */
const until = (isSo: (open: number) => boolean) =>
  openWork.pipe(
    Effect.repeat({ until: isSo, schedule: Schedule.spaced("10 millis").pipe(Schedule.upTo({ times: 12_000 })) }),
    Effect.filterOrElse(isSo, (open) => Effect.die(new Error(`still ${open} items of work`)))
  )

/** Nothing that undoes an order is answered. */
const away = Effect.flatMap(Sandbox, ({ payments, tickets }) =>
  Effect.andThen(
    payments.faults.set({ rules: [{ operation: "payments.createRefund", failBefore: 1 }] }),
    tickets.faults.set({ rules: [{ operation: "tickets.release", failBefore: 1 }] })
  )
)

const back = Effect.flatMap(Sandbox, ({ tickets }) => Effect.andThen(tickets.faults.clear, healed))

layer(stage, { excludeTestServices: true, timeout: "300 seconds" })("F04 a recovery that is killed", (it) => {
  it.effect(
    "comes to an end, with each effect once",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const { start } = yield* Servers
        const story = sagas.find(({ name }) => name === "cancelling after paying")
        if (story === undefined) return yield* Effect.die(new Error("the story is gone"))
        const first = yield* start([])
        const parts: ReadonlyArray<Part> = yield* Effect.forEach(
          Array.from({ length: ORDERS }),
          () => at(first)(story.prepare),
          { concurrency: 4 }
        )
        yield* away
        yield* Effect.forEach(parts, (part) => at(first)(story.act(part)), { concurrency: 4, discard: true })
        yield* first.kill
        assert.strictEqual(yield* openWork, ORDERS * 2)
        yield* back
        let kills = 0
        while (kills < KILLS_MAX) {
          // What was tried in vain is due, and what the last one had is free.
          yield* ageLeases
          yield* sql`update order_work set next_at = clock_timestamp() where state = 'TODO'`
          const before = yield* openWork
          if (before <= BACKGROUND_LANE) break
          const server = yield* start([])
          yield* until((open) => open < before)
          yield* server.kill
          kills += 1
        }
        assert.isAtLeast(kills, KILLS_MIN)
        yield* ageLeases
        yield* sql`update order_work set next_at = clock_timestamp() where state = 'TODO'`
        yield* start([])
        yield* until((open) => open === 0)
        for (const { orderId } of parts) {
          if (orderId === null) return assert.fail("an order was not made")
          const { status, tickets, twice } = yield* endStateOf(orderId)
          assert.deepStrictEqual({ status, tickets, twice }, { status: "REFUNDED", tickets: "Released", twice: [] })
        }
        const [most] = yield* sql<{ attempts: number }>`select max(attempts)::int as attempts from order_work`
        assert.isAtMost(most?.attempts ?? 0, kills + ATTEMPTS_WHILE_AWAY_MAX)
        const sandbox = yield* Sandbox
        const journals = {
          tickets: (yield* sandbox.tickets.journal.entries).map(({ fact }) => fact),
          payments: (yield* sandbox.payments.journal.entries).map(({ fact }) => fact)
        }
        assert.deepStrictEqual((yield* Fsck.run({ journals })).map(Fsck.lineOf), [])
      }),
    TIMEOUT_MILLIS
  )
})

/** By the server that is there while the services are away: 1 s, 2 s, 4 s ... apart. */
const ATTEMPTS_WHILE_AWAY_MAX = 10
