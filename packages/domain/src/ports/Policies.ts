/**
 * The policies that a tenant sells under. An order freezes them when it is made.
 */
import { Context, type Effect } from "effect"
import type { BulkCancelPolicy } from "../BulkConfirmation.ts"
import type { FeeTable } from "../FeeSchedule.ts"
import type { HoldPolicy } from "../Hold.ts"
import type { TenantId } from "../Ids.ts"
import type { DeclinePolicy, LatePaymentPolicy } from "../Order.ts"
import type { OrderLimits } from "../OrderLimits.ts"
import type { RefundPolicy } from "../RefundPolicy.ts"

export interface OrderPolicies {
  readonly fees: FeeTable
  readonly limits: OrderLimits
  readonly hold: HoldPolicy
  readonly refunds: RefundPolicy
  readonly latePayment: LatePaymentPolicy
  readonly declines: DeclinePolicy
  readonly bulkCancel: BulkCancelPolicy
}

export class Policies extends Context.Service<
  Policies,
  { readonly of: (tenantId: TenantId) => Effect.Effect<OrderPolicies> }
>()("@tickettoken/order-domain/ports/Policies") {}
