/**
 * What the configuration says to the HTTP layer.
 */
import type { Currency } from "@tickettoken/order-domain/Currency"
import { Context } from "effect"

export interface HttpSettingsShape {
  /** The longest body that is read, in bytes. */
  readonly bodyBytesMax: number
  /** Origins whose pages may call from a browser. */
  readonly corsOrigins: ReadonlyArray<string>
  /** The currency of an order that names none. */
  readonly defaultCurrency: Currency
}

export const HttpSettings = Context.Reference<HttpSettingsShape>("@tickettoken/order-server/http/HttpSettings", {
  defaultValue: () => ({ bodyBytesMax: 65_536, corsOrigins: [], defaultCurrency: "USD" })
})
