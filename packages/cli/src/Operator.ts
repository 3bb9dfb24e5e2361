/**
 * On whose account the command acts: the tenant, and the operator's name for the audit history.
 */
import type { Caller } from "@tickettoken/order-domain/Actor"
import { TenantId } from "@tickettoken/order-domain/Ids"
import { Config } from "effect"
import { Flag } from "effect/cli"

export const tenantFlag = Flag.String("tenant").pipe(
  Flag.withDescription("The tenant to act for"),
  Flag.withFallbackConfig(Config.String("ORDERS_TENANT_ID")),
  Flag.withSchema(TenantId)
)

export const actorFlag = Flag.String("actor").pipe(
  Flag.withDescription("Your name in the audit history"),
  Flag.withFallbackConfig(Config.String("USER")),
  Flag.withDefault("operator")
)

/** An operator of one tenant. */
export const operator = (tenantId: TenantId, name: string): Caller => ({
  tenantId,
  actor: { kind: "operator", id: name, ip: null },
  vip: false
})
