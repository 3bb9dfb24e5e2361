/**
 * The policies that orders are sold under, made of the numbers in the configuration.
 *
 * An order keeps the name of its fee schedule and refund policy for ever, so other numbers get another name: one that is
 * spelt from the numbers themselves.
 */
import type { Currency } from "@tickettoken/order-domain/Currency"
import { type FeeSchedule, type FeeTable, standard } from "@tickettoken/order-domain/FeeSchedule"
import { type HoldPolicy, holdPolicy } from "@tickettoken/order-domain/Hold"
import type { OrderLimits } from "@tickettoken/order-domain/OrderLimits"
import type { OrderPolicies } from "@tickettoken/order-domain/ports/Policies"
import { type RefundPolicy, refundPolicy } from "@tickettoken/order-domain/RefundPolicy"
import { Duration, Equal } from "effect"
import type { ConfigFault } from "./ConfigFaults.ts"
import type { ConfigValues } from "./ConfigTable.ts"

/** The same row for each supported currency; the others have none and are not sold (rule 1.6). */
const rows = <Row>(currencies: ReadonlyArray<Currency>, row: Row): { readonly [Code in Currency]?: Row } =>
  Object.fromEntries(currencies.map((currency) => [currency, row]))

const feeTable = (values: ConfigValues): FeeTable => {
  const { platformFee, processingFee, processingFeeFixed, supportedCurrencies, taxRate } = values
  const numbers = {
    platformRate: platformFee,
    processingRate: processingFee,
    processingFixed: processingFeeFixed,
    taxRate
  }
  const asStandard: FeeSchedule = { ...standard, ...numbers }
  const version = ["config", platformFee, processingFee, processingFeeFixed, taxRate].join("-")
  return rows(supportedCurrencies, Equal.equals(asStandard, standard) ? standard : { ...asStandard, version })
}

const limits = (values: ConfigValues): OrderLimits => ({
  linesMax: values.linesMax,
  quantityPerLineMax: values.quantityPerLineMax,
  quantityPerTypeMax: values.quantityPerTypeMax,
  quantityPerOrderMax: values.quantityPerOrderMax,
  ordersPerUserPerDayMax: values.ordersPerUserPerDayMax,
  ordersActivePerUserPerEventMax: values.ordersPerUserPerEventMax,
  freeOrdersAllowed: values.freeOrders,
  value: rows(values.supportedCurrencies, { totalMin: values.totalMin, totalMax: values.totalMax })
})

const hold = (values: ConfigValues): HoldPolicy => ({
  ...holdPolicy,
  standardMinutes: Duration.toMinutes(values.holdLength),
  vipMinutes: Duration.toMinutes(values.vipHoldLength),
  graceMinutes: Duration.toMinutes(values.grace),
  intervalSeconds: Duration.toSeconds(values.expiryInterval)
})

const refunds = (values: ConfigValues): RefundPolicy => {
  const { refundAutoApproveBelow, refundCutoffHours, refundRetention, refundRetentionFixed, supportedCurrencies } =
    values
  const asStandard: RefundPolicy = {
    ...refundPolicy,
    cutoffHours: refundCutoffHours,
    retentionRate: refundRetention,
    retentionFixed: refundRetentionFixed,
    autoApproveBelow: rows(supportedCurrencies, refundAutoApproveBelow)
  }
  if (Equal.equals(asStandard, refundPolicy)) return refundPolicy
  const numbers = [refundCutoffHours, refundRetention, refundRetentionFixed, refundAutoApproveBelow]
  return { ...asStandard, version: ["config", ...numbers, [...supportedCurrencies].sort().join(".")].join("-") }
}

/** The policies of every tenant: the configuration knows no difference between them. */
export const policiesOf = (values: ConfigValues): OrderPolicies => ({
  fees: feeTable(values),
  limits: limits(values),
  hold: hold(values),
  refunds: refunds(values),
  latePayment: values.latePayment,
  declines: values.declines,
  bulkCancel: { unconfirmedCentsMax: rows(values.supportedCurrencies, values.bulkUnconfirmedCentsMax) }
})

/** Numbers that are fine alone and not together. What could not be read is not looked at. */
export const policyFaults = (values: Partial<ConfigValues>): ReadonlyArray<ConfigFault> => {
  const faults: Array<ConfigFault> = []
  const atMost = (variable: string, value: number | undefined, limit: string, maximum: number | undefined): void => {
    if (value === undefined || maximum === undefined || value <= maximum) return
    faults.push({ variable, problem: `must not be more than ${limit}` })
  }
  atMost("MIN_ORDER_VALUE_CENTS", values.totalMin, "MAX_ORDER_VALUE_CENTS", values.totalMax)
  atMost(
    "MAX_QUANTITY_PER_ITEM",
    values.quantityPerLineMax,
    "ORDER_MAX_QUANTITY_PER_TICKET_TYPE",
    values.quantityPerTypeMax
  )
  atMost(
    "ORDER_MAX_QUANTITY_PER_TICKET_TYPE",
    values.quantityPerTypeMax,
    "ORDER_MAX_QUANTITY_PER_ORDER",
    values.quantityPerOrderMax
  )
  const { defaultCurrency, supportedCurrencies } = values
  if (defaultCurrency !== undefined && supportedCurrencies?.includes(defaultCurrency) === false) {
    faults.push({ variable: "DEFAULT_CURRENCY", problem: "must be one of SUPPORTED_CURRENCIES" })
  }
  return faults
}
