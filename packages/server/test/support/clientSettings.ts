/** How clients behave: as production sets them, and with one thing or another out of a test's way. */
import { BasisPoints } from "@tickettoken/order-domain/Money"
import { Circuits, type CircuitSettings } from "@tickettoken/order-server/clients/Circuits"
import type { DownstreamOptions } from "@tickettoken/order-server/clients/Downstream"
import { OptionalRedis } from "@tickettoken/order-server/redis/OptionalRedis"
import { Duration, Layer, Option } from "effect"

export type ClientSettings = Omit<DownstreamOptions, "baseUrl" | "serviceKey">

export const production: ClientSettings = {
  attemptTimeout: Duration.seconds(5),
  deadline: Duration.seconds(7),
  retry: { max: 3, delay: Duration.millis(100), share: BasisPoints.make(1000) }
}

/** Each attempt stands for itself. */
export const once = { ...production.retry, max: 0 }

const productionCircuit: CircuitSettings = {
  failureShare: BasisPoints.make(5000),
  calls: 10,
  openFor: Duration.seconds(30)
}

/** More than a test sends: no circuit opens. */
export const neverOpens: Partial<CircuitSettings> = { calls: 10_000 }

/** Circuits of one process. */
export const circuitsWith = (changed: Partial<CircuitSettings>) =>
  Circuits.layer({ ...productionCircuit, ...changed }).pipe(Layer.provide(OptionalRedis.layer(Option.none())))
