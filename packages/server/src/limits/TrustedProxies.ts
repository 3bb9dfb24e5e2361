/**
 * Whose word counts for where a request comes from.
 *
 * **Details**
 *
 * A proxy adds the address of its own peer at the end of `X-Forwarded-For`. The list is read from that end for as long as
 * a trusted proxy has written it; the first address that is not a trusted proxy is the client. What stands before it was
 * written by the client and is never believed. Nobody is trusted unless the configuration says so.
 */
import { Context, Result } from "effect"
import { BlockList, isIP } from "node:net"

export interface TrustedProxies {
  readonly includes: (address: string) => boolean
}

const toNobody: TrustedProxies = { includes: () => false }

export const TrustedProxies = Context.Reference<TrustedProxies>("@tickettoken/order-server/limits/TrustedProxies", {
  defaultValue: () => toNobody
})

const ENTRIES_MAX = 100

/** More proxies than stand in any row. */
const HOPS_MAX = 20

const familyOf = (address: string): "ipv4" | "ipv6" => (isIP(address) === 6 ? "ipv6" : "ipv4")

/** Reads addresses and networks such as `10.0.0.0/8` with commas between them. */
export const parse = (text: string): Result.Result<TrustedProxies, string> => {
  const list = new BlockList()
  const entries = text.split(",").map((entry) => entry.trim())
  const areGood = entries.length <= ENTRIES_MAX && entries.every((entry) => add(list, entry))
  return areGood
    ? Result.succeed({ includes: (address) => isIP(address) !== 0 && list.check(address, familyOf(address)) })
    : Result.fail(`must be at most ${ENTRIES_MAX} addresses or networks such as 10.0.0.0/8, with commas between them`)
}

const add = (list: BlockList, entry: string): boolean => {
  const [, address = "", bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? []
  const version = isIP(address)
  const bitsMax = version === 6 ? 128 : 32
  // A network of all addresses trusts everybody, which is what the list is there to prevent.
  const length = bits === undefined ? bitsMax : Number(bits)
  if (version === 0 || length === 0 || length > bitsMax) return false
  list.addSubnet(address, length, familyOf(address))
  return true
}

/** The client behind this peer: the peer itself, unless it is a trusted proxy that names somebody else. */
export const clientBehind = (
  peer: string | null,
  forwardedFor: string | undefined,
  proxies: TrustedProxies
): string | null => {
  if (peer === null || forwardedFor === undefined) return peer
  let client = peer
  const hops = forwardedFor.split(",").slice(-HOPS_MAX).reverse()
  for (const hop of hops) {
    const address = plainAddress(hop.trim())
    if (!proxies.includes(client) || isIP(address) === 0) return client
    client = address
  }
  return client
}

/** A dual-stack socket names IPv4 peers in IPv6 notation, and a link-local peer with its network interface. */
export const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "")
