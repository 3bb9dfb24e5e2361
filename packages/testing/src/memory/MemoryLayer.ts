/**
 * Every port in memory: what a test provides to run the whole core on a test clock.
 *
 * `MemoryWorld` (what is stored), `MemoryServices` (what truly happened elsewhere) and `ScriptedFaults` (what goes
 * wrong next) stay visible, so that a test can set a scene and look behind it.
 */
import { Layer } from "effect"
import type { OrderPolicies } from "@tickettoken/order-domain/ports/Policies"
import { type Catalogue, demoCatalogue } from "../sandbox/catalogue.ts"
import * as EventCatalogMemory from "./EventCatalogMemory.ts"
import * as IdentifiersMemory from "./IdentifiersMemory.ts"
import * as MemoryServices from "./MemoryServices.ts"
import * as PaymentsMemory from "./PaymentsMemory.ts"
import * as PoliciesMemory from "./PoliciesMemory.ts"
import * as StoreLayer from "./StoreLayer.ts"
import * as TicketsMemory from "./TicketsMemory.ts"

export interface MemoryOptions {
  /** Policies that differ from the defaults, for every tenant. */
  readonly policies?: Partial<OrderPolicies>
  /** What is on sale. Default: the demo. */
  readonly catalogue?: (firstStart: Parameters<typeof demoCatalogue>[0]) => Catalogue
}

/** All ports over one fresh world. */
export const layerWith = ({ catalogue = demoCatalogue, policies = {} }: MemoryOptions) =>
  Layer.mergeAll(TicketsMemory.layer, PaymentsMemory.layer, EventCatalogMemory.layer).pipe(
    Layer.provideMerge(MemoryServices.layerWith(catalogue)),
    Layer.provideMerge(StoreLayer.layer),
    Layer.merge(Layer.merge(IdentifiersMemory.layer, PoliciesMemory.layerWith(policies)))
  )

/** All ports over one fresh world, with the domain's policies and the demo catalogue. */
export const layer = layerWith({})
