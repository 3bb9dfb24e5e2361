/**
 * The command that shows what waits for a person: alarms.
 */
import { AlarmKind, Alarms, type KeptAlarm } from "@tickettoken/order-domain/ports/Alarms"
import { TenantId } from "@tickettoken/order-domain/Ids"
import { DateTime, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { outputFlag, type Printable, print } from "../Output.ts"
import { withPorts } from "../WithOperator.ts"

const LIMIT_MAX = 1_000
const LIMIT_DEFAULT = 100

const alarms = Command.make(
  "alarms",
  {
    output: outputFlag,
    tenant: Flag.String("tenant").pipe(
      Flag.withDescription("Only of this tenant; else of all, and of the installation"),
      Flag.withSchema(TenantId),
      Flag.optional
    ),
    kind: Flag.Literals("kind", AlarmKind.literals).pipe(
      Flag.withDescription("Only alarms of this kind"),
      Flag.optional
    ),
    all: Flag.Boolean("all").pipe(Flag.withDescription("Also those that are over"), Flag.withDefault(false)),
    limit: Flag.Int("limit").pipe(
      Flag.withDescription(`At most this many, 1 to ${LIMIT_MAX}`),
      Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: LIMIT_MAX }))),
      Flag.withDefault(LIMIT_DEFAULT)
    )
  },
  Effect.fn(function* ({ all, kind, limit, output, tenant }) {
    const { list } = yield* Alarms
    const kept = yield* list({
      tenantId: Option.getOrNull(tenant),
      kind: Option.getOrNull(kind),
      cleared: all,
      limit
    })
    yield* print(output, alarmsTable(kept))
  })
).pipe(
  Command.withDescription("List what the service has noticed and can not settle alone, newest first"),
  Command.withExamples([{ command: "orders alarms --all", description: "Also those that are over" }]),
  withPorts
)

const alarmsTable = (kept: ReadonlyArray<KeptAlarm>): Printable => ({
  json: {
    alarms: kept.map(({ alarm, clearedAt, raisedAt, seen, seenAt }) => ({
      ...alarm,
      raisedAt: DateTime.formatIso(raisedAt),
      seenAt: DateTime.formatIso(seenAt),
      seen,
      clearedAt: clearedAt === null ? null : DateTime.formatIso(clearedAt)
    }))
  },
  header: ["KIND", "TENANT", "SUBJECT", "SINCE", "OVER", "DETAIL"],
  rows: kept.map(({ alarm, clearedAt, raisedAt }) => [
    alarm.kind,
    alarm.tenantId ?? "-",
    alarm.subject,
    DateTime.formatIso(raisedAt),
    clearedAt === null ? "-" : DateTime.formatIso(clearedAt),
    alarm.detail
  ]),
  note: kept.length === 0 ? "no alarms" : undefined
})

export const alarmCommands = [alarms] as const
