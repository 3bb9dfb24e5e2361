/**
 * What one address may ask for before anybody has looked at its credentials (rule 7.4).
 *
 * **Details**
 *
 * Two limits: requests of any kind, and credentials that were refused. An address that has reached one of them is turned
 * away before a signature is computed. Every replica counts for itself: a flood of strangers must not become a flood of
 * questions to Redis. An IPv6 network of 64 bits is one address, as it is one customer.
 */
import { Context, Effect, Layer } from "effect"
import { isIPv6 } from "node:net"
import { monotonicMillis } from "../monotonicMillis.ts"
import { count } from "./RateLimits.ts"
import type { Verdict } from "./Verdict.ts"
import * as WindowLog from "./WindowLog.ts"

/** A minute, of one address, at one replica. */
export interface AddressLimitOptions {
  readonly requests: number
  readonly badCredentials: number
}

/** Addresses of the last minute that are remembered, for each of the two limits. */
const KEYS_MAX = 50_000

export class AddressLimits extends Context.Service<
  AddressLimits,
  {
    /** Counts a request of this address and says whether it goes on. */
    readonly enter: (address: string | null) => Effect.Effect<Verdict>
    /** Its credentials were refused. */
    readonly refused: (address: string | null) => Effect.Effect<void>
  }
>()("@tickettoken/order-server/limits/AddressLimits") {
  static readonly layer = (options: AddressLimitOptions): Layer.Layer<AddressLimits> =>
    Layer.sync(AddressLimits, () => make(options))
}

const make = ({ badCredentials, requests }: AddressLimitOptions) => {
  const entries = WindowLog.make(KEYS_MAX)
  const refusals = WindowLog.make(KEYS_MAX)
  return AddressLimits.of({
    enter: Effect.fnUntraced(function* (address) {
      const key = keyOf(address)
      const now = yield* monotonicMillis
      const asStranger = refusals.look(key, badCredentials, now)
      if (!asStranger.allowed) {
        yield* count("bad_credentials", asStranger)
        return asStranger
      }
      const verdict = entries.take(key, requests, now)
      yield* count("address", verdict)
      return verdict
    }),
    refused: (address) => Effect.map(monotonicMillis, (now) => void refusals.take(keyOf(address), badCredentials, now))
  })
}

const NETWORK_GROUPS = 4

const keyOf = (address: string | null): string => {
  if (address === null || !isIPv6(address)) return address ?? "unknown"
  const [head = "", tail] = address.toLowerCase().split("::")
  const groups = head === "" ? [] : head.split(":")
  // What `::` leaves out are zeros; an address that ends within the first half is all zeros there.
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === "" ? 0 : tail.split(":").length)
  const all = [...groups, ...Array<string>(Math.max(0, missing)).fill("0"), ...(tail ?? "").split(":")]
  const network = all
    .slice(0, NETWORK_GROUPS)
    .map((group) => Number.parseInt(group === "" ? "0" : group, 16).toString(16))
  return `${network.join(":")}::/64`
}
