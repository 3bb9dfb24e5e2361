/** Requests that nobody sends by accident. None may be a 500, none may write anything, none may move a prototype. */
import { assert, layer } from "@effect/vitest"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect } from "effect"
import {
  ask,
  asService,
  confirmedOrder,
  createOrder,
  generalLine,
  newOrder,
  person,
  type Person
} from "./support/buyer.ts"
import { live, overEveryStore } from "./support/everyStore.ts"
import { type Answer, at, listAt, textAt } from "./support/send.ts"
import { memoryServer } from "./support/testServer.ts"

const absent = "99999999-9999-4999-8999-999999999999"

const codeOf = ({ json, status, text }: Answer): string => {
  assert.isBelow(status, 500, text)
  return `${status} ${String(at(json, "code"))}`
}

/** What numbers are not: JSON texts in place of a quantity or an amount. */
const badNumbers = [
  "0",
  "-1",
  "1.5",
  "1e999",
  "-1e999",
  '"2"',
  '"NaN"',
  '"Infinity"',
  "true",
  "null",
  "[1]",
  "{}",
  "9007199254740993",
  "1000000000000000000000000000000"
]

const countOf = (buyer: Person) =>
  Effect.map(buyer.get("/api/v1/orders"), ({ json }) => at(json, "pagination", "total"))

overEveryStore("numbers that are none", (it) => {
  it.effect("2.1 are refused as quantities, and nothing is written", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      for (const number of [...badNumbers, "1e3", "2147483648"]) {
        const body = JSON.stringify(newOrder("?")).replace('"?"', number)
        const answer = yield* buyer.post("/api/v1/orders", body)
        assert.strictEqual(codeOf(answer), "400 VALIDATION_ERROR", number)
        // A number of the right kind that is too large breaks the limit of the order first.
        assert.match(textAt(answer.json, "errors", 0, "path"), /^items/, number)
      }
      assert.strictEqual(yield* countOf(buyer), 0)
    })
  )

  it.effect("4.4 are refused as amounts, and nothing is written", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const { id } = yield* confirmedOrder(buyer)
      const refund = (number: string) =>
        Effect.map(buyer.post(`/api/v1/orders/${id}/refund`, `{"reason":"x","amount":${number}}`), codeOf)
      for (const number of badNumbers) assert.strictEqual(yield* refund(number), "400 VALIDATION_ERROR", number)
      // A number that an amount may be, and more than was paid: the order refuses it, and 1e5 is no more than 100000.
      for (const number of ["2147483648", "1e5", "10000000000"]) {
        assert.strictEqual(yield* refund(number), "409 REFUND_EXCEEDS_CAPTURED", number)
      }
      assert.strictEqual(at((yield* buyer.get(`/api/v1/orders/${id}`)).json, "version"), 5)
    })
  )
})

overEveryStore("orders that are too much", (it) => {
  it.effect("2.1 are refused with the place and the rule", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const eur = { ...demo.general, ticketPricingId: demo.euro.ticketPricingId, quantity: 1 }
      const refused = (items: ReadonlyArray<object>) =>
        Effect.map(buyer.post("/api/v1/orders", { eventId: demo.eventId, items }), (answer) => [
          codeOf(answer),
          at(answer.json, "errors", 0, "path")
        ])
      const line = (at: number) => ({
        ticketTypeId: `33333333-3333-4333-8333-3333333${String(at).padStart(5, "0")}`,
        ticketPricingId: demo.general.ticketPricingId,
        quantity: 1
      })
      const said = {
        none: yield* refused([]),
        elevenInALine: yield* refused([generalLine(11)]),
        twentyOneOfAType: yield* refused([
          generalLine(10),
          { ...eur, quantity: 10 },
          { ...eur, ticketPricingId: demo.vip.ticketPricingId }
        ]),
        samePairTwice: yield* refused([generalLine(1), generalLine(1)]),
        fiftyOneLines: yield* refused(Array.from({ length: 51 }, (_, at) => line(at))),
        aHundredAndOne: yield* refused(
          Array.from({ length: 11 }, (_, at) => ({ ...line(at), quantity: at === 0 ? 1 : 10 }))
        )
      }
      const bad = "400 VALIDATION_ERROR"
      assert.deepStrictEqual(said, {
        none: [bad, "items"],
        elevenInALine: [bad, "items[0].quantity"],
        twentyOneOfAType: [bad, "items[2].quantity"],
        samePairTwice: [bad, "items[1]"],
        fiftyOneLines: [bad, "items"],
        aHundredAndOne: [bad, "items"]
      })
      assert.strictEqual(yield* countOf(buyer), 0)
    })
  )
})

overEveryStore("bodies", (it) => {
  it.effect("8 that are too long, not JSON, not UTF-8 or of another type are refused as such", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const post = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
        Effect.map(buyer.post("/api/v1/orders", body, headers), codeOf)
      const valid = JSON.stringify(newOrder())
      const deep = (levels: number) => `{"metadata":${"[".repeat(levels)}${"]".repeat(levels)}}`
      assert.strictEqual(yield* post(`${valid}${" ".repeat(65_536)}`), "413 BODY_TOO_LARGE")
      assert.strictEqual(yield* post(Buffer.alloc(200_000, "x")), "413 BODY_TOO_LARGE")
      for (const text of ["", "{", "nonsense", "{}x", `${valid},`, "'{}'", "NaN", "\u0000"]) {
        assert.strictEqual(yield* post(text), "400 VALIDATION_ERROR", JSON.stringify(text))
      }
      for (const text of ["null", "true", "7", '"x"', "[]", `[${valid}]`]) {
        assert.strictEqual(yield* post(text), "400 VALIDATION_ERROR", text)
      }
      // A byte that no UTF-8 text has, where any text may stand.
      const note = Buffer.from(JSON.stringify({ ...newOrder(), metadata: { note: "here: ?" } }))
      note[note.indexOf("?")] = 0xff
      assert.strictEqual(yield* post(note), "400 VALIDATION_ERROR")
      for (const levels of [6, 33, 5000, 30_000]) {
        assert.strictEqual(yield* post(deep(levels)), "400 VALIDATION_ERROR", String(levels))
      }
      for (const type of [
        "text/plain",
        "application/xml",
        "application/json; charset=latin1",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "multipart/form-data; boundary=x"
      ]) {
        assert.strictEqual(yield* post(valid, { "content-type": type }), "415 UNSUPPORTED_MEDIA_TYPE", type)
      }
      assert.strictEqual(yield* post(valid, { "content-encoding": "gzip" }), "415 UNSUPPORTED_MEDIA_TYPE")
      assert.strictEqual(yield* countOf(buyer), 0)
      assert.strictEqual(yield* post(valid, { "content-type": "Application/JSON; charset=UTF-8" }), "201 undefined")
    })
  )

  it.effect("8 tell every fault at once, each with its place", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const body = {
        eventId: "x",
        items: [{ ticketTypeId: 1, ticketPricingId: demo.general.ticketPricingId, quantity: 2 }, generalLine(0)],
        currency: "XXX",
        total: 1
      }
      const { json } = yield* buyer.post("/api/v1/orders", body)
      assert.sameMembers(
        listAt(json, "errors").map((error) => at(error, "path")),
        ["eventId", "items[0].ticketTypeId", "items[1].quantity", "currency", "total"]
      )
    })
  )

  it.effect("2.4 with keys that touch prototypes are refused, and no prototype moves", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const before = Object.getOwnPropertyNames(Object.prototype).sort()
      const { id } = yield* createOrder(buyer)
      const valid = JSON.stringify({ ...newOrder(), metadata: { here: 1 } })
      for (const key of ["__proto__", "constructor", "prototype"]) {
        const poison = `"${key}":{"isAdmin":true,"polluted":1}`
        for (const body of [
          valid.replace('"metadata"', `${poison},"metadata"`),
          valid.replace('"here":1', poison),
          valid.replace('"here":1', `"deeper":{${poison}}`),
          valid.replace('"quantity"', `${poison},"quantity"`)
        ]) {
          assert.strictEqual(codeOf(yield* buyer.post("/api/v1/orders", body)), "400 VALIDATION_ERROR", body)
        }
        const cancel = yield* buyer.post(`/api/v1/orders/${id}/cancel`, `{${poison}}`)
        assert.strictEqual(codeOf(cancel), "400 VALIDATION_ERROR")
        const query = yield* buyer.get(`/api/v1/orders?${key}=x&${key}[polluted]=1`)
        assert.strictEqual(codeOf(query), "400 VALIDATION_ERROR")
      }
      // Names that only look alike are data, and come back as they were.
      const odd = { toString: "a", valueOf: "b", hasOwnProperty: "c", "": "d", "emoji 🎫": "é" }
      const { json } = yield* createOrder(buyer, { ...newOrder(), metadata: odd })
      assert.deepStrictEqual((yield* buyer.get(`/api/v1/orders/${textAt(json, "id")}`)).json, {
        ...Object.fromEntries(Object.entries(json ?? {}).filter(([name]) => name !== "clientSecret")),
        metadata: odd
      })
      assert.deepStrictEqual(Object.getOwnPropertyNames(Object.prototype).sort(), before)
      assert.strictEqual(at({}, "polluted"), undefined)
    })
  )

  it.effect("2.4 text is stored to the character, or refused where PostgreSQL could not store it", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const reasons = [
        "'; drop table orders; --",
        "${jndi:ldap://x}",
        "<script>alert(1)</script>",
        "line\nbreak\ttab \u202e\u0007",
        "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 " + "é".repeat(400)
      ]
      for (const reason of reasons) {
        const { id } = yield* createOrder(buyer, newOrder(1))
        const { status } = yield* buyer.post(`/api/v1/orders/${id}/cancel`, { reason })
        assert.strictEqual(status, 200, reason)
        const { json } = yield* buyer.get(`/api/v1/orders/${id}/events`)
        const cancelled = listAt(json, "events").find((event) => at(event, "eventType") === "ORDER_CANCELLED")
        assert.strictEqual(at(cancelled, "metadata", "reason"), reason)
      }
      const { id } = yield* createOrder(buyer, newOrder(1))
      for (const reason of ["", "   ", "nul \u0000", "half \ud800", "x".repeat(501)]) {
        const answer = yield* buyer.post(`/api/v1/orders/${id}/cancel`, { reason })
        assert.strictEqual(codeOf(answer), "400 VALIDATION_ERROR", JSON.stringify(reason))
      }
      const metadata = [
        { note: "nul \u0000" },
        { "nul \u0000": 1 },
        { note: "half \ud800" },
        { big: "x".repeat(17_000) }
      ]
      for (const each of metadata) {
        const answer = yield* buyer.post("/api/v1/orders", { ...newOrder(), metadata: each })
        assert.strictEqual(codeOf(answer), "400 VALIDATION_ERROR")
      }
    })
  )
})

layer(memoryServer({ bodyBytesMax: 4_000_000 }), live)("long bodies", (it) => {
  it.effect("2.4 that nest deeper than any stack are refused, however long a body may be", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      for (const open of ["[", '{"a":']) {
        const metadata = `${open.repeat(100_000)}1${(open === "[" ? "]" : "}").repeat(100_000)}`
        const answer = yield* buyer.post("/api/v1/orders", `{"metadata":{"x":${metadata}}}`)
        assert.strictEqual(codeOf(answer), "400 VALIDATION_ERROR")
        assert.strictEqual(at(answer.json, "errors", 0, "message"), "is nested deeper than 32 levels")
      }
    })
  )
})

overEveryStore("paths, queries and headers", (it) => {
  it.effect("8 ids that are none are a 400 or a 404", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const { id } = yield* createOrder(buyer)
      const ids = [
        id.toUpperCase(),
        `{${id}}`,
        `%7B${id}%7D`,
        `${id}%00`,
        "%00",
        "..",
        "%2e%2e",
        "..%2f..%2fetc%2fpasswd",
        `${id}%20`,
        ` ${id}`.replace(" ", "+"),
        "x".repeat(10_000),
        "%",
        "%zz",
        "%c0%ae",
        "0",
        "null",
        "undefined",
        "1;select",
        "00000000-0000-0000-0000-000000000000",
        "*"
      ]
      for (const each of ids) {
        for (const [method, path] of [
          ["GET", `/api/v1/orders/${each}`],
          ["GET", `/api/v1/orders/${each}/events`],
          ["POST", `/api/v1/orders/${each}/cancel`],
          ["GET", `/api/v1/orders/${id}/refunds/${each}`]
        ] as const) {
          const answer = yield* buyer.ask({ method, path })
          assert.include([400, 404], answer.status, `${method} ${path.slice(0, 80)}`)
          assert.strictEqual(answer.headers["content-type"], "application/problem+json")
        }
      }
      assert.strictEqual(codeOf(yield* buyer.get(`/api/v1/orders/${id.toUpperCase()}`)), "400 VALIDATION_ERROR")
    })
  )

  it.effect("8 queries that are unknown, repeated or out of bounds are a 400", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const queries = [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1e1",
        "limit=+5",
        "limit=%205",
        "limit=5.0",
        "limit=",
        "limit=1&limit=2",
        "offset=-1",
        "offset=10001",
        "offset=1000000000",
        "status=pending",
        "status=CONFIRMED&status=PENDING",
        "status[]=PENDING",
        "status=NOTHING",
        `eventId=${demo.eventId.toUpperCase()}X`,
        "eventId=x",
        "userId=x",
        "cursor=",
        "cursor=%00",
        `cursor=${"A".repeat(300)}`,
        "sort=total",
        "statuss=PENDING"
      ]
      for (const query of queries) {
        assert.strictEqual(codeOf(yield* buyer.get(`/api/v1/orders?${query}`)), "400 VALIDATION_ERROR", query)
      }
      for (const query of ["minutes=-1", "minutes=1441", "limit=101", "minutes=x", "tenantId=x"]) {
        const answer = yield* asService("GET", `/internal/v1/orders/expiring?${query}`)
        assert.strictEqual(codeOf(answer), "400 VALIDATION_ERROR", query)
      }
    })
  )

  it.effect("8 headers that come twice, or are out of shape, are a 400", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const { id } = yield* createOrder(buyer)
      const bad: ReadonlyArray<Record<string, string | ReadonlyArray<string>>> = [
        { "idempotency-key": ["a", "b"] },
        { "idempotency-key": ["a", "a"] },
        { "idempotency-key": "" },
        { "idempotency-key": "x".repeat(256) },
        { "idempotency-key": "tab\there" },
        { "idempotency-key": "ümlaut" },
        { "if-match": "3" },
        { "if-match": 'W/"3"' },
        { "if-match": '"3", "4"' },
        { "if-match": ['"3"', '"3"'] },
        { "if-match": '"0"' }
      ]
      for (const headers of bad) {
        const answer = yield* buyer.ask({ method: "POST", path: `/api/v1/orders/${id}/reserve`, headers })
        assert.strictEqual(codeOf(answer), "400 VALIDATION_ERROR", JSON.stringify(headers))
      }
      for (const key of ["x", "x".repeat(255), "{}\"'\\;--", "a b"]) {
        const answer = yield* buyer.post("/api/v1/orders", newOrder(99), { "idempotency-key": key })
        assert.strictEqual(at(answer.json, "errors", 0, "path"), "items[0].quantity", key)
      }
    })
  )

  it.effect("8 a request id is echoed if it is harmless, and made if it is not", () =>
    Effect.gen(function* () {
      const echoed = (given: string | ReadonlyArray<string>) =>
        Effect.map(
          ask({ path: "/health/liveness", headers: { "x-request-id": given } }),
          ({ headers }) => headers["x-request-id"]
        )
      assert.strictEqual(yield* echoed("Abc.1_2-3"), "Abc.1_2-3")
      for (const given of ["", "x".repeat(65), "a b", "a;b", "<x>", "é", ["a", "b"]]) {
        assert.match((yield* echoed(given)) ?? "", /^[0-9a-f-]{36}$/)
      }
      const missing = yield* ask({ path: `/api/v1/orders/${absent}`, headers: { "x-request-id": "mine" } })
      assert.strictEqual(at(missing.json, "requestId"), "mine")
    })
  )
})
