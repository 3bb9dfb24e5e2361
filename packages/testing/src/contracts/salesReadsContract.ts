/**
 * What every `SalesReads` must do: figures of a known past to the unit, the same as a recount of all orders whatever has
 * happened to them, and one tenant's alone.
 */
import { assert, layer } from "@effect/vitest"
import { Arbitrary, DateTime, Effect, type Layer, Schema } from "effect"
import { EventId, TenantId } from "@tickettoken/order-domain/Ids"
import type { Order } from "@tickettoken/order-domain/Order"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import type { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { type EventSales, type SalesInterval, SalesReads } from "@tickettoken/order-domain/ports/SalesReads"
import { salesFigures } from "@tickettoken/order-domain/SalesFigures"
import { addSums, noSums, salesPartsOf, type Sums } from "@tickettoken/order-domain/SalesMeasures"
import { commandOf, histories, payableDrafts } from "../arbitraries.ts"
import { type DraftOptions, freshBuyer, randomUuid } from "../TestOrders.ts"
import { type PathStep, pathsTo } from "../TestOrdersByState.ts"
import { askRefund, refundNumbers, refundSettled, strayPayment } from "../TestOrdersNews.ts"
import { begin, happen, play } from "./salesFixture.ts"
import { createConfirmed, createPayable, reload } from "./storeFixture.ts"
import { type ContractOptions, suiteOptions, TestTime } from "./TestTime.ts"

/** How a suite has everything counted that has happened. */
export interface SalesContractOptions<R> extends ContractOptions {
  readonly settle: Effect.Effect<unknown, { readonly _tag: string }, R>
}

const day = (text: string): DateTime.Utc => DateTime.makeUnsafe(`${text}T00:00:00Z`)
const instant = (text: string): DateTime.Utc => DateTime.makeUnsafe(`${text}Z`)

const march = { from: day("2026-03-01"), until: day("2026-04-01") }

const step = (minute: number, command: PathStep["command"]): PathStep => ({ minute, command })

const MINUTES_PER_DAY = 24 * 60

/** One order each: when it was created, what then happened, and what it was for. */
const past: ReadonlyArray<readonly [string, ReadonlyArray<PathStep>, Omit<DraftOptions, "tenantId">]> = [
  // 233.38 USD, paid within a minute, in another hour and day than created.
  ["2026-03-10T23:59:00", pathsTo.CONFIRMED, {}],
  // The same in euros.
  ["2026-03-11T10:00:00", pathsTo.CONFIRMED, { currency: "EUR" }],
  // Given back in full but for 5.30, three weeks later.
  [
    "2026-03-11T10:30:00",
    [
      ...pathsTo.CONFIRMED,
      step(20 * MINUTES_PER_DAY, (order) => askRefund(order)),
      step(21 * MINUTES_PER_DAY, (order) => refundSettled(order, refundNumbers.request, "Succeeded"))
    ],
    { startsInHours: 24 * 60 }
  ],
  // Free: no payment, no revenue, a ticket all the same.
  [
    "2026-03-11T11:00:00",
    [step(0, () => OrderCommand.HoldGranted()), ...pathsTo.CONFIRMED.slice(-1)],
    { lines: [{ unitPrice: 0, quantity: 1 }] }
  ],
  // A second payment that nobody asked for: no revenue, and its return no refund.
  [
    "2026-03-11T12:00:00",
    [
      ...pathsTo.CONFIRMED,
      step(5, (order) => strayPayment(order)),
      step(6, (order) => refundSettled(order, refundNumbers.stray, "Succeeded"))
    ],
    {}
  ],
  ["2026-03-11T13:00:00", pathsTo.EXPIRED, {}],
  ["2026-03-11T13:10:00", pathsTo["PENDING/AWAITING_PAYMENT"], {}],
  ["2026-03-11T13:20:00", pathsTo["RESERVED/AWAITING_PAYMENT"], {}],
  ["2026-03-11T13:30:00", [step(0, () => OrderCommand.HoldRefused({ ticketTypeId: null }))], {}],
  ["2026-03-11T13:40:00", pathsTo.CANCELLED, { startsInHours: 48 }],
  ["2026-03-11T13:50:00", pathsTo.REFUNDED, { startsInHours: 48 }],
  // Out of the range.
  ["2026-02-28T23:00:00", pathsTo.CONFIRMED, {}]
]

/** By a key: what parts come to; what comes to nothing is left out. */
const counted = (entries: ReadonlyArray<readonly [string, Partial<Sums>]>) => {
  const sums = new Map<string, Sums>()
  for (const [key, part] of entries) sums.set(key, addSums(sums.get(key) ?? noSums, part))
  const some = [...sums].filter(([, each]) => Object.values(each).some((value) => value !== 0))
  return Object.fromEntries(some.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

const keyOf = (at: DateTime.Utc, currency: string): string => `${DateTime.formatIso(at)} ${currency}`

export const salesReadsContract = <R, E>(
  name: string,
  reads: Layer.Layer<OrderStore | SalesReads | TestTime | R, E>,
  { settle, ...options }: SalesContractOptions<R>
): void =>
  layer(reads, suiteOptions(options))(`SalesReads: ${name}`, (it) => {
    const recorded = Effect.fnUntraced(function* () {
      const tenantId = TenantId.make(yield* randomUuid)
      const eventId = EventId.make(yield* randomUuid)
      const orders = yield* Effect.forEach(past, ([createdAt, path, draft]) =>
        play(instant(createdAt), path, { tenantId, eventId, ...draft })
      )
      yield* settle
      return { tenantId, eventId, orders }
    })

    it.effect("tells the figures of a known month, to the unit", () =>
      Effect.gen(function* () {
        const { tenantId } = yield* recorded()
        const sales = yield* SalesReads
        const { totals } = yield* sales.totals({ tenantId, ...march })
        const { holdToPay, money, orders, rates, statuses } = salesFigures(totals)
        assert.deepStrictEqual(orders, {
          created: 11,
          refused: 1,
          held: 10,
          open: 2,
          renewed: 1,
          confirmed: 7,
          cancelled: 2,
          expired: 1,
          refunded: 4
        })
        assert.deepStrictEqual(statuses, {
          PENDING: 1,
          RESERVED: 1,
          CONFIRMED: 4,
          COMPLETED: 0,
          CANCELLED: 2,
          EXPIRED: 1,
          REFUNDED: 2
        })
        // 7 of 8, 2 of 8, 1 of 8, 4 of 7.
        assert.deepStrictEqual<object>(rates, { conversion: 8750, cancellation: 2500, expiry: 1250, refund: 5714 })
        assert.deepStrictEqual(holdToPay, {
          orders: 6,
          averageSeconds: 60,
          within1Minute: 6,
          within5Minutes: 6,
          within15Minutes: 6,
          within30Minutes: 6
        })
        assert.deepStrictEqual(money, [
          {
            currency: "USD",
            orders: 6,
            tickets: 11,
            revenue: 116_690,
            averageOrderValue: 19_448,
            subtotal: 100_000,
            platformFee: 5000,
            processingFee: 3050,
            tax: 8640,
            refunds: 1,
            refunded: 22_808,
            retained: 530,
            net: 93_882,
            returned: 5000
          },
          {
            currency: "EUR",
            orders: 1,
            tickets: 2,
            revenue: 23_338,
            averageOrderValue: 23_338,
            subtotal: 20_000,
            platformFee: 1000,
            processingFee: 610,
            tax: 1728,
            refunds: 0,
            refunded: 0,
            retained: 0,
            net: 23_338,
            returned: 0
          }
        ])
      })
    )

    it.effect("puts a sale where it was confirmed and a refund where it was settled, weeks after the order", () =>
      Effect.gen(function* () {
        const { tenantId } = yield* recorded()
        const sales = yield* SalesReads
        const of = (from: string, until: string, interval: SalesInterval) =>
          Effect.map(sales.series({ tenantId, from: day(from), until: day(until), interval }), ({ buckets }) =>
            buckets.flatMap(({ currency, startsAt, sums }) => [
              [DateTime.formatIso(startsAt), currency, sums.pending + sums.confirmed, sums.sales, sums.refundedCents]
            ])
          )
        assert.deepStrictEqual(yield* of("2026-03-10", "2026-03-11", "hour"), [
          ["2026-03-10T23:00:00.000Z", "USD", 1, 0, 0]
        ])
        const [first] = yield* of("2026-03-11", "2026-03-12", "hour")
        assert.deepStrictEqual(first, ["2026-03-11T00:00:00.000Z", "USD", 0, 1, 0])
        assert.deepStrictEqual(yield* of("2026-04-01", "2026-04-02", "day"), [
          ["2026-04-01T00:00:00.000Z", "USD", 0, 0, 22_808]
        ])
        assert.deepStrictEqual(yield* of("2026-04-02", "2026-05-01", "day"), [])
      })
    )

    it.effect("ranks the events of each currency by their revenue", () =>
      Effect.gen(function* () {
        const { eventId, tenantId } = yield* recorded()
        const small = EventId.make(yield* randomUuid)
        yield* play(instant("2026-03-12T08:00:00"), pathsTo.CONFIRMED, {
          tenantId,
          eventId: small,
          lines: [{ unitPrice: 2000, quantity: 1 }]
        })
        yield* settle
        const sales = yield* SalesReads
        const usd: ReadonlyArray<EventSales> = [
          { eventId, currency: "USD", orders: 6, tickets: 11, revenue: 116_690, refunded: 22_808 },
          { eventId: small, currency: "USD", orders: 1, tickets: 1, revenue: 2363, refunded: 0 }
        ]
        const eur: EventSales = { eventId, currency: "EUR", orders: 1, tickets: 2, revenue: 23_338, refunded: 0 }
        const top = (currency: "EUR" | "GBP" | null, limit: number) =>
          Effect.map(sales.topEvents({ tenantId, ...march, currency, limit }), ({ events }) => events)
        assert.deepStrictEqual(yield* top(null, 10), [...usd, eur])
        assert.deepStrictEqual(yield* top(null, 1), [...usd.slice(0, 1), eur])
        assert.deepStrictEqual(yield* top("EUR", 10), [eur])
        assert.deepStrictEqual(yield* top("GBP", 10), [])
      })
    )

    it.effect("tells a tenant nothing of another one", () =>
      Effect.gen(function* () {
        yield* recorded()
        const sales = yield* SalesReads
        const tenantId = TenantId.make(yield* randomUuid)
        const query = { tenantId, ...march }
        assert.deepStrictEqual((yield* sales.totals(query)).totals, [])
        assert.deepStrictEqual((yield* sales.series({ ...query, interval: "hour" })).buckets, [])
        assert.deepStrictEqual((yield* sales.topEvents({ ...query, currency: null, limit: 5 })).events, [])
        assert.deepStrictEqual((yield* sales.live(tenantId, 60)).sales, [])
        assert.strictEqual((yield* sales.holds(tenantId)).open, 0)
      })
    )

    it.effect("shows what was sold in the last hour at once, by the minute", () =>
      Effect.gen(function* () {
        const sales = yield* SalesReads
        const time = yield* TestTime
        const tenantId = TenantId.make(yield* randomUuid)
        const another = Effect.map(freshBuyer, (buyer) => ({ ...buyer, tenantId }))
        yield* createConfirmed(yield* another)
        yield* time.passMinutes(90)
        yield* createConfirmed(yield* another)
        yield* time.passMinutes(10)
        yield* createConfirmed(yield* another, { currency: "EUR" })
        const { now, sales: sold } = yield* sales.live(tenantId, 60)
        const minutesAgo = (at: DateTime.Utc) =>
          Math.round((DateTime.toEpochMillis(DateTime.startOf(now, "minute")) - DateTime.toEpochMillis(at)) / 60_000)
        assert.deepStrictEqual(
          sold.map(({ currency, orders, revenue }) => [currency, orders, revenue]),
          [
            ["USD", 1, 23_338],
            ["EUR", 1, 23_338]
          ]
        )
        assert.isTrue([10, 11].includes(sold[0] === undefined ? -1 : minutesAgo(sold[0].startsAt)))
        assert.isTrue(sold.every(({ startsAt }) => DateTime.toEpochMillis(startsAt) % 60_000 === 0))
      })
    )

    it.effect("3.4 counts open holds by how soon they run out, and those that have", () =>
      Effect.gen(function* () {
        const sales = yield* SalesReads
        const time = yield* TestTime
        const tenantId = TenantId.make(yield* randomUuid)
        const another = Effect.map(freshBuyer, (buyer) => ({ ...buyer, tenantId }))
        yield* createPayable(yield* another)
        yield* time.passMinutes(12)
        yield* createPayable(yield* another, { vip: true })
        yield* createPayable(yield* another)
        yield* createConfirmed(yield* another)
        const { now: _, ...soon } = yield* sales.holds(tenantId)
        assert.deepStrictEqual(soon, { open: 3, overdue: 0, within1Minute: 0, within5Minutes: 1, within15Minutes: 2 })
        yield* time.passMinutes(4)
        const { now: __, ...later } = yield* sales.holds(tenantId)
        assert.deepStrictEqual(later, { open: 3, overdue: 1, within1Minute: 0, within5Minutes: 0, within15Minutes: 1 })
      })
    )

    it.effect("whatever has happened, and whenever it was counted, comes to what a recount of all orders does", () =>
      Effect.gen(function* () {
        const sales = yield* SalesReads
        const tenantId = TenantId.make(yield* randomUuid)
        const eventIds = [EventId.make(yield* randomUuid), EventId.make(yield* randomUuid)] as const
        const samples = yield* Arbitrary.sampleEffect(
          Arbitrary.all([payableDrafts, histories(STEPS), Arbitrary.schema(Beginning)]),
          { count: HISTORIES, seed: SEED }
        )
        const orders: Array<Order> = []
        for (const [draft, history, { event, minute, point, settles }] of samples) {
          const createdAt = DateTime.add(march.from, { minutes: minute })
          let order = yield* begin(createdAt, {
            tenantId,
            eventId: eventIds[event] ?? eventIds[0],
            currency: draft.currency,
            terms: draft.terms,
            lines: [{ unitPrice: 100 + (draft.items[0].unitPrice % 30_000), quantity: draft.items[0].quantity }],
            startsInHours: 48
          })
          let now = createdAt
          for (const { command, minute: after } of pathsTo[point]) {
            now = DateTime.add(createdAt, { minutes: after })
            order = yield* happen(order, command(order), now)
          }
          for (const happening of history) {
            now = DateTime.add(now, { seconds: happening.waitSeconds })
            order = yield* happen(order, commandOf(order, happening), now)
            if (settles && happening.n === 0) yield* settle
          }
          orders.push(order)
        }
        yield* settle
        const stored = yield* Effect.forEach(orders, reload)
        const parts = stored.flatMap(salesPartsOf)
        assert.isAbove(parts.filter(({ sums }) => sums.sales === 1).length, HISTORIES / 10)
        assert.isAbove(parts.filter(({ sums }) => (sums.refundedCents ?? 0) > 0).length, 2)
        const query = { tenantId, from: march.from, until: day("2027-12-31") }
        for (const interval of ["hour", "day"] as const) {
          const { buckets } = yield* sales.series({ ...query, interval })
          assert.deepStrictEqual(
            counted(buckets.map(({ currency, startsAt, sums }) => [keyOf(startsAt, currency), sums])),
            counted(parts.map(({ at, currency, sums }) => [keyOf(DateTime.startOf(at, interval), currency), sums]))
          )
        }
        const { totals } = yield* sales.totals(query)
        assert.deepStrictEqual(
          counted(totals.map(({ currency, sums }) => [currency, sums])),
          counted(parts.map(({ currency, sums }) => [currency, sums]))
        )
        const { events } = yield* sales.topEvents({ ...query, currency: null, limit: 10 })
        const byEvent = counted(parts.map(({ currency, eventId, sums }) => [`${currency} ${eventId}`, sums]))
        assert.isAbove(events.length, 2)
        for (const { currency, eventId, orders: sold, refunded, revenue, tickets } of events) {
          const sums = byEvent[`${currency} ${eventId}`] ?? noSums
          assert.deepStrictEqual(
            [sold, tickets, revenue, refunded],
            [sums.sales, sums.tickets, sums.revenue, sums.refundedCents]
          )
        }
      })
    )
  })

const HISTORIES = 60
const STEPS = 12
const SEED = 20_261_127

const Beginning = Schema.Struct({
  point: Schema.Literals([
    "PENDING/HOLDING",
    "PENDING/AWAITING_PAYMENT",
    "CONFIRMED",
    "CONFIRMED",
    "CANCELLED",
    "EXPIRED"
  ]),
  event: Schema.Literals([0, 1]),
  minute: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 * 24 * 60 })),
  /** Whether what has happened so far is counted now and then, or only in the end. */
  settles: Schema.Boolean
})
