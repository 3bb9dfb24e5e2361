/** A37, I23: the audit history shows what was done to it behind the service's back, row by row. */
import { assert, layer } from "@effect/vitest"
import type { Order } from "@tickettoken/order-domain/Order"
import * as AuditChain from "@tickettoken/order-server/fsck/AuditChain"
import { auditChain, chainAll } from "@tickettoken/order-server/sql/migrations/0006_audit_chain"
import { constraintOf, sqlStateOf } from "@tickettoken/order-server/sql/sqlFailures"
import { appRole, auditorRole, inTenant, jobsRole } from "@tickettoken/order-server/sql/TenantTransaction"
import { createConfirmed, createPayable } from "@tickettoken/order-testing/contracts/storeFixture"
import { freshBuyer } from "@tickettoken/order-testing/TestOrders"
import { Effect } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { layerStore } from "../sql/database.ts"

const everything = { tenantId: null, orderId: null }

/** As the owner, with every trigger and foreign key off. */
const behindTheBack = Effect.fnUntraced(function* (...statements: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`set local session_replication_role = replica`
      for (const text of statements) yield* sql.unsafe(text).unprepared
    })
  )
})

const of = ({ id, tenantId }: Order): string => `tenant_id = '${tenantId}' and order_id = '${id}'`

const breaksOf = Effect.fnUntraced(function* ({ id, tenantId }: Order) {
  const breaks = yield* AuditChain.verify({ tenantId, orderId: id })
  return breaks.map(({ fault, version }) => `${version} ${fault}`)
})

/** What is done to the history of a confirmed order, which has versions 1 to 5, and what is found. */
const deeds: ReadonlyArray<
  readonly [name: string, deed: (order: Order) => ReadonlyArray<string>, found: ReadonlyArray<string>]
> = [
  [
    "edited data",
    (order) => [`update order_events set data = '{"total": 1}' where ${of(order)} and version = 1`],
    ["1 EDITED"]
  ],
  [
    "an edited actor",
    (order) => [`update order_events set actor_id = 'x' where ${of(order)} and version = 3`],
    ["3 EDITED"]
  ],
  [
    "an edited address",
    (order) => [`update order_events set ip = '::1' where ${of(order)} and version = 2`],
    ["2 EDITED"]
  ],
  [
    "an instant that is a microsecond later",
    (order) => [`update order_events set at = at + interval '1 microsecond' where ${of(order)} and version = 5`],
    ["5 EDITED"]
  ],
  [
    "an edited row that was hashed anew",
    (order) => [
      `update order_events e set actor_id = 'x', hash = order_event_hash(e.prev_hash, e.tenant_id, e.order_id,
        e.version, e.id, e.type, e.actor_kind, 'x', e.ip, e.data, e.at) where ${of(order)} and version = 2`
    ],
    ["2 REHASHED"]
  ],
  [
    "a row taken from the middle",
    (order) => [`delete from order_events where ${of(order)} and version in (2, 3)`],
    ["2 REMOVED", "3 REMOVED"]
  ],
  [
    "the first row taken out",
    (order) => [`delete from order_events where ${of(order)} and version = 1`],
    ["1 REMOVED"]
  ],
  ["the last row taken out", (order) => [`delete from order_events where ${of(order)} and version = 5`], ["5 CUT"]],
  [
    "the whole history taken out",
    (order) => [`delete from order_events where ${of(order)}`],
    ["1 CUT", "2 CUT", "3 CUT", "4 CUT", "5 CUT"]
  ],
  [
    "two rows that changed places",
    (order) => [
      `update order_events set version = 105 - version where ${of(order)} and version in (2, 3)`,
      `update order_events set version = version - 100 where ${of(order)} and version > 100`
    ],
    ["2 MOVED", "3 MOVED"]
  ],
  [
    "a row put in at the end",
    (order) => [
      `insert into order_events select tenant_id, order_id, 6, gen_random_uuid(), type, actor_kind, actor_id, ip, data, at,
        hash, hash from order_events where ${of(order)} and version = 5`
    ],
    ["6 INSERTED"]
  ],
  [
    "a row taken out and the gap closed",
    (order) => [
      `delete from order_events where ${of(order)} and version = 2`,
      `update order_events set version = version + 100 where ${of(order)} and version > 2`,
      `update order_events set version = version - 101 where ${of(order)} and version > 100`
    ],
    ["2 MOVED", "3 MOVED", "4 MOVED", "5 CUT"]
  ]
]

const refusalOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.match(effect, {
    onSuccess: () => "ok",
    onFailure: (error) => (SqlError.isSqlError(error) ? (constraintOf(error) ?? sqlStateOf(error)) : String(error))
  })

layer(layerStore, { excludeTestServices: true, timeout: "300 seconds" })("the audit history", (it) => {
  it.effect("A37 can not be changed by any role of the service", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* createConfirmed(yield* freshBuyer)
      for (const role of [appRole, jobsRole, auditorRole]) {
        for (const text of [
          "update order_events set data = '{}'",
          "update order_events set hash = hash",
          "delete from order_events",
          "truncate order_events"
        ]) {
          const tried = sql.withTransaction(
            Effect.andThen(sql`select set_config('role', ${role}, true)`, sql.unsafe(text).unprepared)
          )
          assert.strictEqual(yield* refusalOf(tried), "42501", `${role}: ${text}`)
        }
      }
    })
  )

  it.effect.each(deeds)("A37 I23 names the rows: %s", ([, deed, found]) =>
    Effect.gen(function* () {
      const order = yield* createConfirmed(yield* freshBuyer)
      const neighbour = yield* createConfirmed(yield* freshBuyer)
      assert.strictEqual(order.version, 5)
      assert.deepStrictEqual(yield* breaksOf(order), [])
      yield* behindTheBack(...deed(order))
      assert.deepStrictEqual(yield* breaksOf(order), found)
      assert.deepStrictEqual(yield* breaksOf(neighbour), [])
      const all = yield* AuditChain.verify(everything)
      assert.isTrue(all.some(({ orderId }) => orderId === order.id))
      yield* behindTheBack(`delete from order_events where ${of(order)}`, `delete from orders where id = '${order.id}'`)
    })
  )

  it.effect("I23 is hashed by the database, whatever is said of its hashes, and has no gap from the start", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const order = yield* createPayable(yield* freshBuyer)
      const next = (version: number) =>
        inTenant(
          order.tenantId,
          sql`insert into order_events
              (tenant_id, order_id, version, type, actor_kind, actor_id, data, at, prev_hash, hash)
            values (${order.tenantId}, ${order.id}, ${version}, 'HOLD_GRANTED', 'system', 's', '{}', now(), '\\x00', '\\x00')`
        )
      assert.strictEqual(yield* refusalOf(next(order.version + 2)), "order_events_follow")
      assert.strictEqual(yield* refusalOf(next(order.version + 1)), "ok")
      assert.deepStrictEqual(yield* breaksOf(order), [`${order.version + 1} INSERTED`])
      yield* behindTheBack(`delete from order_events where ${of(order)} and version = ${order.version + 1}`)
    })
  )

  it.effect("I23 hashes the same in every session, however that writes dates, numbers and text", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const order = yield* createConfirmed(yield* freshBuyer)
      yield* behindTheBack(
        `update order_events set data = '{"b": 1.10, "a": "\\u00e9", "c": [1e3, null]}' where ${of(order)}`,
        chainAll
      )
      const strange = [
        ["TimeZone", "Pacific/Apia"],
        ["DateStyle", "German, DMY"],
        ["IntervalStyle", "sql_standard"],
        ["extra_float_digits", "-15"],
        ["bytea_output", "escape"],
        ["client_encoding", "LATIN1"],
        ["standard_conforming_strings", "off"]
      ]
      const hashes = sql<{
        fits: boolean
      }>`select bool_and(e.hash = order_event_hash(e.prev_hash, e.tenant_id, e.order_id,
        e.version, e.id, e.type, e.actor_kind, e.actor_id, e.ip, e.data, e.at)) as fits from order_events e`
      const [row] = yield* sql.withTransaction(
        Effect.gen(function* () {
          for (const [name, value] of strange) yield* sql`select set_config(${name ?? ""}, ${value ?? ""}, true)`
          return yield* hashes
        })
      )
      assert.deepStrictEqual(row, { fits: true })
    })
  )

  it.effect("I23 is shown by an anchor also where a whole chain was written anew", () =>
    Effect.gen(function* () {
      const order = yield* createConfirmed(yield* freshBuyer)
      const gone = yield* createConfirmed(yield* freshBuyer)
      const anchor = yield* AuditChain.anchor(null)
      const found = (text: string) =>
        Effect.map(AuditChain.verifyAgainst(text, everything), (breaks) =>
          breaks.map(({ fault, orderId, version }) => `${orderId} ${version} ${fault}`)
        )
      assert.deepStrictEqual(yield* found(anchor), [])
      // What is written after the anchor was taken is no fault.
      yield* createConfirmed(yield* freshBuyer)
      yield* behindTheBack(
        `update order_events set actor_id = 'x' where ${of(order)} and version = 1`,
        chainAll,
        `delete from order_events where ${of(gone)}`,
        `delete from orders where id = '${gone.id}'`
      )
      assert.deepStrictEqual(yield* AuditChain.verify(everything), [])
      assert.sameMembers(yield* found(anchor), [`${order.id} 5 REWRITTEN`, `${gone.id} 5 GONE`])
      const other = yield* AuditChain.verifyAgainst(anchor, { tenantId: order.tenantId, orderId: null })
      assert.deepStrictEqual(
        other.map(({ orderId }) => orderId),
        [order.id]
      )
      // An anchor that was changed is none.
      for (const text of ["", anchor.replace(gone.id, order.id), anchor.split("\n").slice(0, -2).join("\n")]) {
        assert.strictEqual((yield* Effect.flip(AuditChain.verifyAgainst(text, everything)))._tag, "AnchorUnreadable")
      }
    })
  )

  it.effect("I23 is chained by its migration where it was there before", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const order = yield* createConfirmed(yield* freshBuyer)
      // As 0006 finds it.
      yield* sql`drop trigger order_events_chain on order_events`
      yield* sql`alter table order_events drop column prev_hash, drop column hash`
      yield* sql`drop function order_events_chain`
      yield* sql`drop function order_event_hash`
      yield* sql.withTransaction(Effect.forEach(auditChain, (text) => sql.unsafe(text).unprepared))
      assert.deepStrictEqual(yield* AuditChain.verify(everything), [])
      yield* behindTheBack(`update order_events set ip = '::1' where ${of(order)} and version = 4`)
      assert.deepStrictEqual(yield* breaksOf(order), ["4 EDITED"])
    })
  )
})
