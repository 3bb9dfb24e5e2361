/**
 * A01: every endpoint of the OpenAPI document, asked by everybody, about something of the caller's tenant, of another
 * one's and of nobody's.
 */
import { assert, describe, it } from "@effect/vitest"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { Duration, Effect } from "effect"
import { ask } from "../support/buyer.ts"
import { overEveryStore } from "../support/everyStore.ts"
import type { Answer } from "../support/send.ts"
import { at, textAt } from "../support/send.ts"
import { absent, accessTable, type Ids, isForServices, type Row } from "./accessTable.ts"
import { type Operation, operations } from "./openApiOperations.ts"
import { type Principal, principalsOf, type Where } from "./principals.ts"
import { catalogueOfTwo, makeSides, prepare } from "./world.ts"

describe("A01 the access table", () => {
  it("has a row for every endpoint of the OpenAPI document", () => {
    const missing = operations.filter(({ key }) => accessTable[key] === undefined).map(({ key }) => key)
    assert.deepStrictEqual(
      missing,
      [],
      "nobody has said who may call these: add a row for each to packages/server/test/http/access/accessTable.ts, then run node scripts/generate-security.ts"
    )
  })

  it("has no row for an endpoint that does not exist", () => {
    const known = new Set(operations.map(({ key }) => key))
    assert.deepStrictEqual(
      Object.keys(accessTable).filter((key) => !known.has(key)),
      []
    )
  })
})

/** The path with its ids in place of their names. */
const pathFor = ({ path }: Operation, ids: Ids): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const id = at(ids, name)
    if (typeof id !== "string") {
      throw new Error(`the matrix has no {${name}}: add it to Ids in accessTable.ts and make it in world.ts`)
    }
    return id
  })

const send = (operation: Operation, row: Row, { headers }: Principal, ids: Ids) =>
  ask({
    method: operation.method,
    path: `${pathFor(operation, ids)}${row.query === undefined ? "" : `?${row.query}`}`,
    headers,
    ...(row.body === undefined ? {} : { body: row.body(ids) })
  })

/** An answer without what is different in each, and without the ids that were asked for. */
const anonymous = ({ headers, json, status, text }: Answer, ids: Ids) => {
  const ofEach = ["date", "content-length", "traceparent", "x-request-id", "ratelimit"]
  const others = Object.fromEntries(Object.entries(headers).filter(([name]) => !ofEach.includes(name)))
  const requestId = status >= 400 ? textAt(json, "requestId") : "none"
  const bare = Object.values(ids).reduce<string>((sum, id: string) => sum.replaceAll(id, "<id>"), text)
  return { status, text: bare.replaceAll(requestId, "<request>"), headers: others }
}

/**
 * How often the store has been asked for orders: what an answer costs, in something that does not jitter. Nothing else
 * reads while an endpoint that changes nothing is asked.
 */
const readsSoFar = Effect.gen(function* () {
  const faults = yield* ScriptedFaults
  return (yield* faults.calls("store.load")) + (yield* faults.calls("reads"))
})

/** Whether this must look as if it did not exist. */
const isHidden = (principal: Principal, row: Row, where: Where): boolean => {
  const status = principal.expects(row, where)
  return status === principal.expects(row, "absent") && (where !== principal.home || status >= 400)
}

const checkRow = Effect.fnUntraced(function* (operation: Operation, row: Row) {
  const sides = yield* makeSides
  const about: Record<Where, Ids> = {
    own: yield* prepare(sides.own, row.needs),
    foreign: yield* prepare(sides.foreign, row.needs),
    absent
  }
  const faults: Array<string> = []
  for (const principal of yield* principalsOf(sides.own.userId, sides.foreign.userId)) {
    const seen: Record<string, unknown> = {}
    for (const where of ["own", "foreign", "absent"] as const) {
      const before = yield* readsSoFar
      const answer = yield* send(operation, row, principal, about[where])
      const reads = operation.method === "GET" ? (yield* readsSoFar) - before : 0
      const expected = principal.expects(row, where)
      if (answer.status !== expected) {
        faults.push(
          `${principal.name}, ${where}: ${answer.status} in place of ${expected}: ${answer.text.slice(0, 200)}`
        )
      }
      seen[where] = { answer: anonymous(answer, about[where]), reads }
      // It may have changed what it was about.
      if (answer.status < 300 && operation.method !== "GET" && where !== "absent") {
        about[where] = yield* prepare(sides[where], row.needs)
      }
    }
    const hidden = (["own", "foreign"] as const).filter(
      (where) => row.elsewhere !== null && isHidden(principal, row, where)
    )
    for (const where of hidden) assert.deepStrictEqual(seen[where], seen["absent"], `${principal.name}, ${where}`)
  }
  assert.deepStrictEqual(faults, [])
})

const rows = operations.flatMap((operation) => {
  const row = accessTable[operation.key]
  return row === undefined ? [] : [[operation.key, operation, row] as const]
})

overEveryStore(
  "A01 who may call",
  (it) => {
    it.effect.each(rows)("%s", ([, operation, row]) => checkRow(operation, row))

    it.effect("7.1, 7.2, 7.3: everybody was somewhere let in, and somewhere kept out", () =>
      Effect.gen(function* () {
        const { foreign, own } = yield* makeSides
        for (const principal of yield* principalsOf(own.userId, foreign.userId)) {
          const statuses = rows.flatMap(([, , row]) =>
            (["own", "foreign"] as const).map((where) => principal.expects(row, where))
          )
          const isNobody = statuses.every((status) => status === 401)
          assert.strictEqual(
            isNobody,
            !/owner|buyer|admin|support|finance|key for/.test(principal.name),
            principal.name
          )
        }
        assert.isTrue(rows.some(([, , row]) => isForServices(row)))
      })
    )
  },
  // A machine that has other things to do answers late, and still the same.
  { catalogue: catalogueOfTwo, requestBudget: Duration.seconds(60) }
)
