/**
 * What every `Policies` must do: sell under the domain's defaults until a tenant says otherwise.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { bulkCancelPolicy } from "@tickettoken/order-domain/BulkConfirmation"
import { feeSchedules } from "@tickettoken/order-domain/FeeSchedule"
import { holdPolicy } from "@tickettoken/order-domain/Hold"
import { TenantId } from "@tickettoken/order-domain/Ids"
import { orderLimits } from "@tickettoken/order-domain/OrderLimits"
import { Policies } from "@tickettoken/order-domain/ports/Policies"
import { refundPolicy } from "@tickettoken/order-domain/RefundPolicy"
import { randomUuid } from "../TestOrders.ts"
import { type ContractOptions, suiteOptions } from "./TestTime.ts"

export const policiesContract = <E>(
  name: string,
  policies: Layer.Layer<Policies, E>,
  options: ContractOptions = {}
): void =>
  layer(policies, suiteOptions(options))(`Policies: ${name}`, (it) => {
    it.effect("gives a tenant without policies of its own the defaults", () =>
      Effect.gen(function* () {
        const service = yield* Policies
        assert.deepStrictEqual(yield* service.of(TenantId.make(yield* randomUuid)), {
          fees: feeSchedules,
          limits: orderLimits,
          hold: holdPolicy,
          refunds: refundPolicy,
          latePayment: "reacquire",
          declines: "keep-hold",
          bulkCancel: bulkCancelPolicy
        })
      })
    )
  })
