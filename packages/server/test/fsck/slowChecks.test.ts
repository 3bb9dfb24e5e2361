/** A check that the database gives up on costs its own result; a database that is away costs all of them. */
import { assert, layer } from "@effect/vitest"
import { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import * as Fsck from "@tickettoken/order-server/fsck/Fsck"
import { createConfirmed } from "@tickettoken/order-testing/contracts/storeFixture"
import { freshBuyer } from "@tickettoken/order-testing/TestOrders"
import { Effect, Fiber, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { layerStore } from "../sql/database.ts"
import { behindTheBack, it_ } from "./faults.ts"

/** Longer than any limit of ours: whoever hashes a row waits until somebody ends it. */
const sleeps = `create or replace function order_event_hash(
    p_prev bytea, p_tenant uuid, p_order uuid, p_version integer, p_id uuid, p_type text, p_actor_kind text,
    p_actor_id text, p_ip text, p_data jsonb, p_at timestamptz
  ) returns bytea language plpgsql stable as $$ begin perform pg_catalog.pg_sleep(600); return null; end $$`

/** Waits until a check of the history sleeps, and does that to its session. */
const strike = Effect.fnUntraced(function* (how: "pg_cancel_backend" | "pg_terminate_backend") {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql
    .unsafe<{ done: boolean }>(
      `select ${how}(pid) as done from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`
    )
    .pipe(Effect.repeat({ until: (rows) => rows.length > 0, schedule: Schedule.spaced("20 millis") }))
  assert.deepStrictEqual(row, { done: true })
})

layer(layerStore, { excludeTestServices: true, timeout: "300 seconds" })("fsck of a database that is slow", (it) => {
  it.effect("keeps what the other checks have found, and says which was not done", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const order = yield* createConfirmed(yield* freshBuyer)
      yield* behindTheBack(`update orders set captured_cents = captured_cents + 1 where ${it_}`, order, order.id)
      yield* sql.unsafe(sleeps).unprepared

      const looking = yield* Effect.forkChild(Fsck.inspect({ only: ["I23", "I03"] }))
      yield* strike("pg_cancel_backend")
      const results = yield* Fiber.join(looking)
      assert.deepStrictEqual(
        results.filter(({ isTimedOut }) => isTimedOut),
        [
          {
            check: "I23",
            part: "chain",
            notChecked: "because a statement took too long",
            isTimedOut: true,
            findings: []
          }
        ]
      )
      assert.deepStrictEqual(
        results.flatMap(({ findings }) => findings.map(({ orderId, part }) => `${part} ${orderId}`)),
        [`captured ${order.id}`]
      )

      // Who only asks for offenders must not take it for a pass.
      const running = yield* Effect.forkChild(Effect.flip(Fsck.run({ only: ["I23"] })))
      yield* strike("pg_cancel_backend")
      assert.instanceOf(yield* Fiber.join(running), ServiceUnavailable)

      const cutOff = yield* Effect.forkChild(Effect.flip(Fsck.inspect({ only: ["I23", "I03"] })))
      yield* strike("pg_terminate_backend")
      assert.instanceOf(yield* Fiber.join(cutOff), ServiceUnavailable)
    })
  )
})
