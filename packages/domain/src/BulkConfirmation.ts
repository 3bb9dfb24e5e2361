/**
 * The second look before much money goes back: above the tenant's limit a bulk cancellation is carried out only with the
 * token of a dry run (rule 5).
 *
 * The token says in plain text what the dry run has counted: tenant, event, orders, and cents by currency. It is no
 * secret and grants nothing; it shows that whoever asks has seen these numbers. It covers what does not go beyond them,
 * so that a hold which runs out in between spoils nothing, and an order that is made in between asks for a new look.
 */
import { Schema } from "effect"
import type { BulkCancelPlan } from "./BulkCancel.ts"
import type { CentsByCurrency } from "./BulkJob.ts"
import { Currency } from "./Currency.ts"
import type { EventId, TenantId } from "./Ids.ts"

/** The most that a run may return without a confirmation, by currency; a currency without a row always needs one. */
export interface BulkCancelPolicy {
  readonly unconfirmedCentsMax: CentsByCurrency
}

/** 10 000.00 of any currency. */
export const BULK_UNCONFIRMED_CENTS_MAX = 1_000_000

export const bulkCancelPolicy: BulkCancelPolicy = {
  unconfirmedCentsMax: Object.fromEntries(Currency.literals.map((currency) => [currency, BULK_UNCONFIRMED_CENTS_MAX]))
}

/** The run would return more than the tenant's limit, and no dry run was confirmed. Nothing was changed. */
export class ConfirmationRequired extends Schema.TaggedError<ConfirmationRequired>()("ConfirmationRequired", {
  orders: Schema.Int
}) {
  override get message(): string {
    return `cancelling ${this.orders} orders returns more than the limit: make a dry run and send its confirmation token`
  }
}

/** The token is of another event, or more orders or money have come since its dry run. Nothing was changed. */
export class ConfirmationStale extends Schema.TaggedError<ConfirmationStale>()("ConfirmationStale", {
  orders: Schema.Int
}) {
  override get message(): string {
    return "the confirmation token does not cover what would be cancelled now: make a new dry run"
  }
}

export interface EventOfTenant {
  readonly tenantId: TenantId
  readonly eventId: EventId
}

/** The token of a dry run. */
export const confirmationToken = ({ eventId, tenantId }: EventOfTenant, plan: BulkCancelPlan): string =>
  [tenantId, eventId, plan.orders, ...amountsOf(plan.refundCents).map(([code, cents]) => `${code}=${cents}`)].join(":")

const amountsOf = (cents: CentsByCurrency): ReadonlyArray<readonly [Currency, number]> =>
  Currency.literals.flatMap((currency) => {
    const amount = cents[currency]
    return amount === undefined ? [] : [[currency, amount] as const]
  })

/** The confirmation that this plan still lacks; `null` if it may be carried out. */
export const missingConfirmation = (
  event: EventOfTenant,
  plan: BulkCancelPlan,
  { unconfirmedCentsMax }: BulkCancelPolicy,
  token: string | undefined
): ConfirmationRequired | ConfirmationStale | null => {
  const amounts = amountsOf(plan.refundCents)
  if (amounts.every(([currency, cents]) => cents <= (unconfirmedCentsMax[currency] ?? 0))) return null
  if (token === undefined) return new ConfirmationRequired({ orders: plan.orders })
  const [tenantId, eventId, orders, ...confirmed] = token.split(":")
  const limits = new Map(confirmed.map((amount) => [amount.slice(0, 3), Number(amount.slice(4))]))
  const isCovered =
    tenantId === event.tenantId &&
    eventId === event.eventId &&
    plan.orders <= Number(orders) &&
    amounts.every(([currency, cents]) => cents <= (limits.get(currency) ?? 0))
  return isCovered ? null : new ConfirmationStale({ orders: plan.orders })
}
