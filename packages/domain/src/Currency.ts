/**
 * The currencies an order can have, and how an amount of one is written.
 *
 * Decimals come from the ISO 4217 table below, never from `Intl`: its data differs between runtimes and releases
 * (rule 1.6).
 */
import { Schema } from "effect"
import type { Cents } from "./Money.ts"

/** A currency that orders are sold in (rule 1.6). */
export const Currency = Schema.Literals(["USD", "EUR", "GBP", "CAD", "AUD"])
export type Currency = typeof Currency.Type

/**
 * ISO 4217 exponents: how many decimals the minor unit has. Wider than {@link Currency} on purpose: currencies with
 * 0 and 3 decimals are known before one of them is sold, so nobody can take 2 for granted.
 */
export const isoExponents = {
  AUD: 2,
  BHD: 3,
  CAD: 2,
  CHF: 2,
  CLP: 0,
  DKK: 2,
  EUR: 2,
  GBP: 2,
  ISK: 0,
  JOD: 3,
  JPY: 0,
  KRW: 0,
  KWD: 3,
  MXN: 2,
  NOK: 2,
  NZD: 2,
  OMR: 3,
  PLN: 2,
  SEK: 2,
  SGD: 2,
  TND: 3,
  USD: 2,
  VND: 0
} as const satisfies { readonly [Code in Currency]: number } & { readonly [code: string]: number }

/** A currency whose decimals are known. */
export type IsoCurrency = keyof typeof isoExponents

/** The order's currency has no row in a table of fees, limits or thresholds (rule 1.6). */
export class CurrencyNotSupported extends Schema.TaggedError<CurrencyNotSupported>()("CurrencyNotSupported", {
  currency: Schema.String,
  /** The table that has no such row. */
  table: Schema.Literals(["fees", "limits"])
}) {
  override get message(): string {
    return `${this.currency} has no row in the table of ${this.table}`
  }
}

/** An amount in minor units with its decimals and its code: `23338` of USD is "233.38 USD", of JPY "23338 JPY". */
export const format = (amount: Cents, currency: IsoCurrency): string => {
  const decimals = isoExponents[currency]
  const digits = String(amount).padStart(decimals + 1, "0")
  const point = digits.length - decimals
  return decimals === 0 ? `${digits} ${currency}` : `${digits.slice(0, point)}.${digits.slice(point)} ${currency}`
}
