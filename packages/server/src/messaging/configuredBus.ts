/**
 * The bus that the configuration names, if it names one.
 */
import type { EventBus } from "@tickettoken/order-domain/ports/EventBus"
import { type Layer, Option } from "effect"
import type { Configuration } from "../AppConfig.ts"
import { names } from "../rabbitmq/Topology.ts"
import * as EventBusAmqp from "./EventBusAmqp.ts"

export const configuredBus = ({
  rabbit: { address, confirmTimeout, prefetch }
}: Configuration): Layer.Layer<EventBus> | null =>
  Option.isNone(address) ? null : EventBusAmqp.layer({ address: address.value, names, confirmTimeout, prefetch })
