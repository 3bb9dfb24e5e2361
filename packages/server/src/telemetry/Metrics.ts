/**
 * What the service tells monitoring about itself. Labels come from closed lists: never a tenant, an order or a text.
 */
import type { AlarmKind } from "@tickettoken/order-domain/ports/Alarms"
import { type Effect, Metric } from "effect"

const alarmsOpen = Metric.gauge("order_service_alarms_open", {
  description: "Alarms that are open, by kind, of all tenants together"
})

/** How many alarms of the kind are open. */
export const setAlarmsOpen = (kind: AlarmKind, count: number): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(alarmsOpen, { kind }), count)
