/**
 * What every `Alarms` must do: one open alarm for one matter, however often and by whomever it is noticed.
 */
import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, type Layer } from "effect"
import type { TenantId } from "@tickettoken/order-domain/Ids"
import { type Alarm, type AlarmQuery, Alarms } from "@tickettoken/order-domain/ports/Alarms"
import { freshBuyer, randomUuid } from "../TestOrders.ts"
import { type ContractOptions, suiteOptions, TestTime } from "./TestTime.ts"

const everything: AlarmQuery = { tenantId: null, kind: null, cleared: true, limit: 1_000 }

const freshAlarm = Effect.fnUntraced(function* (options: Partial<Alarm> = {}) {
  const { tenantId } = yield* freshBuyer
  const alarm: Alarm = { kind: "WORK_REFUSED", tenantId, subject: yield* randomUuid, detail: "it says no", ...options }
  return alarm
})

/** The alarms about this subject, whosever they are. */
const about = Effect.fnUntraced(function* ({ subject }: Alarm, query: Partial<AlarmQuery> = {}) {
  const alarms = yield* Alarms
  return (yield* alarms.list({ ...everything, ...query })).filter(({ alarm }) => alarm.subject === subject)
})

export const alarmsContract = <E>(
  name: string,
  alarms: Layer.Layer<Alarms | TestTime, E>,
  options: ContractOptions = {}
): void =>
  layer(alarms, suiteOptions(options))(`Alarms: ${name}`, (it) => {
    it.effect("raises one alarm for one matter, and counts how often it is noticed", () =>
      Effect.gen(function* () {
        const { raise } = yield* Alarms
        const time = yield* TestTime
        const alarm = yield* freshAlarm()
        yield* raise(alarm)
        yield* time.passMinutes(5)
        yield* raise({ ...alarm, detail: "it says no again" })
        const kept = yield* about(alarm)
        assert.deepStrictEqual(
          kept.map((one) => [one.alarm, one.seen, one.clearedAt]),
          [[{ ...alarm, detail: "it says no again" }, 2, null]]
        )
        const [{ raisedAt, seenAt } = { raisedAt: undefined, seenAt: undefined }] = kept
        if (raisedAt === undefined) return assert.fail("it was raised")
        assert.isTrue(DateTime.isGreaterThanOrEqualTo(seenAt, DateTime.add(raisedAt, { minutes: 5 })))
      })
    )

    it.effect("ends an alarm once its matter is over, and raises another one when it comes back", () =>
      Effect.gen(function* () {
        const { clear, raise } = yield* Alarms
        const alarm = yield* freshAlarm()
        yield* clear(alarm)
        assert.deepStrictEqual(yield* about(alarm), [])
        yield* raise(alarm)
        yield* clear(alarm)
        yield* clear(alarm)
        assert.deepStrictEqual(yield* about(alarm, { cleared: false }), [])
        yield* raise(alarm)
        const kept = yield* about(alarm)
        assert.deepStrictEqual(
          kept.map(({ clearedAt, seen }) => [clearedAt === null, seen]),
          [
            [true, 1],
            [false, 1]
          ]
        )
      })
    )

    it.effect("7.1 keeps apart what is of one tenant, of another, and of the installation", () =>
      Effect.gen(function* () {
        const { clear, raise } = yield* Alarms
        const alarm = yield* freshAlarm()
        const foreign = { ...alarm, tenantId: (yield* freshBuyer).tenantId }
        const ours = { ...alarm, tenantId: null }
        for (const one of [alarm, foreign, ours]) yield* raise(one)
        const tenantsOf = (tenantId: TenantId | null) =>
          Effect.map(about(alarm, { tenantId, cleared: false }), (kept) => kept.map((one) => one.alarm.tenantId))
        assert.deepStrictEqual(yield* tenantsOf(null), [null, foreign.tenantId, alarm.tenantId])
        assert.deepStrictEqual(yield* tenantsOf(alarm.tenantId), [alarm.tenantId])
        yield* clear(ours)
        assert.deepStrictEqual(yield* tenantsOf(null), [foreign.tenantId, alarm.tenantId])
        yield* clear(foreign)
        assert.deepStrictEqual(yield* tenantsOf(alarm.tenantId), [alarm.tenantId])
      })
    )

    it.effect("lists the newest or the oldest first, by kind, as many as are asked for", () =>
      Effect.gen(function* () {
        const { list, raise } = yield* Alarms
        const first = yield* freshAlarm()
        const tenantId = first.tenantId
        const second = yield* freshAlarm({ tenantId, kind: "OUTBOX_STUCK" })
        const third = yield* freshAlarm({ tenantId })
        for (const one of [first, second, third]) yield* raise(one)
        const subjects = (query: Partial<AlarmQuery>) =>
          Effect.map(list({ ...everything, tenantId, ...query }), (kept) => kept.map(({ alarm }) => alarm.subject))
        assert.deepStrictEqual(yield* subjects({}), [third.subject, second.subject, first.subject])
        assert.deepStrictEqual(yield* subjects({ limit: 2 }), [third.subject, second.subject])
        assert.deepStrictEqual(yield* subjects({ limit: 2, oldestFirst: true }), [first.subject, second.subject])
        assert.deepStrictEqual(yield* subjects({ kind: "WORK_REFUSED" }), [third.subject, first.subject])
      })
    )

    it.effect("raises one alarm when many notice the same at once", () =>
      Effect.gen(function* () {
        const { raise } = yield* Alarms
        const alarm = yield* freshAlarm()
        yield* Effect.all(
          Array.from({ length: 12 }, () => raise(alarm)),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          (yield* about(alarm)).map(({ seen }) => seen),
          [12]
        )
      })
    )
  })
