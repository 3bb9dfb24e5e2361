/**
 * `Alarms` in memory.
 */
import { type DateTime, Effect, Layer, Result } from "effect"
import { type Alarm, Alarms, type KeptAlarm } from "@tickettoken/order-domain/ports/Alarms"
import { MemoryWorld, type WorldState } from "./MemoryWorld.ts"

const isOpenOne =
  ({ kind, subject, tenantId }: Pick<Alarm, "kind" | "subject" | "tenantId">) =>
  ({ alarm, clearedAt }: KeptAlarm): boolean =>
    clearedAt === null && alarm.kind === kind && alarm.tenantId === tenantId && alarm.subject === subject

const raise = (alarm: Alarm) => (world: WorldState, now: DateTime.Utc) => {
  const isIt = isOpenOne(alarm)
  const alarms = world.alarms.some(isIt)
    ? world.alarms.map((known) => (isIt(known) ? { ...known, alarm, seenAt: now, seen: known.seen + 1 } : known))
    : [...world.alarms, { alarm, raisedAt: now, seenAt: now, seen: 1, clearedAt: null }]
  return Result.succeed([undefined, { ...world, alarms }] as const)
}

const clear = (alarm: Pick<Alarm, "kind" | "subject" | "tenantId">) => (world: WorldState, now: DateTime.Utc) => {
  const isIt = isOpenOne(alarm)
  const alarms = world.alarms.map((known) => (isIt(known) ? { ...known, clearedAt: now } : known))
  return Result.succeed([undefined, { ...world, alarms }] as const)
}

export const layer = Layer.effect(
  Alarms,
  Effect.map(MemoryWorld, (world) =>
    Alarms.of({
      raise: Effect.fn("Alarms.raise")((alarm) => world.transact(raise(alarm))),
      clear: Effect.fn("Alarms.clear")((alarm) => world.transact(clear(alarm))),
      list: Effect.fn("Alarms.list")(({ cleared, kind, limit, oldestFirst, tenantId }) =>
        Effect.map(world.snapshot, ({ alarms }) =>
          (oldestFirst === true ? alarms : alarms.toReversed())
            .filter(({ alarm, clearedAt }) => {
              const isAsked = (kind ?? alarm.kind) === alarm.kind && (tenantId ?? alarm.tenantId) === alarm.tenantId
              return isAsked && (cleared || clearedAt === null)
            })
            .slice(0, limit)
        )
      )
    })
  )
)
