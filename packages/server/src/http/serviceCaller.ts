/**
 * A service as the caller of a workflow.
 */
import type { Caller } from "@tickettoken/order-domain/Actor"
import type { TenantId } from "@tickettoken/order-domain/Ids"
import { Effect } from "effect"
import { CurrentService } from "../contract/Auth.ts"
import { CurrentRequest } from "./CurrentRequest.ts"

/** The service as the audit history names it, acting for the tenant that it states. */
export const callerFor = Effect.fnUntraced(function* (tenantId: TenantId) {
  const { keyId } = yield* CurrentService
  const { about, clientAddress } = yield* CurrentRequest
  about.set("tenantId", tenantId)
  const caller: Caller = { tenantId, actor: { kind: "service", id: keyId, ip: clientAddress }, vip: false }
  return caller
})
