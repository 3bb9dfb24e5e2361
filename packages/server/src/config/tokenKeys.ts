/**
 * Where the keys of bearer tokens come from: one secret, or an address that publishes them, and never both.
 */
import { Option } from "effect"
import type { KeySource } from "../auth/SigningKeys.ts"
import type { ConfigFault } from "./ConfigFaults.ts"
import type { ConfigValues } from "./ConfigTable.ts"

/** `None`: the run makes a secret of its own. */
export const tokenKeysOf = ({ jwksUrl, jwtSecret }: ConfigValues): Option.Option<KeySource> =>
  Option.orElse(
    Option.map(jwksUrl, (url): KeySource => ({ _tag: "Published", url })),
    () => Option.map(jwtSecret, (secret): KeySource => ({ _tag: "Secret", secret }))
  )

const loopback = new Set(["localhost", "127.0.0.1", "[::1]"])

/** Settings that do not go together. What could not be read is not looked at. */
export const tokenKeyFaults = ({ jwksUrl, jwtSecret, nodeEnv }: Partial<ConfigValues>): ReadonlyArray<ConfigFault> => {
  if (jwksUrl === undefined || jwtSecret === undefined) return []
  const faults: Array<ConfigFault> = []
  if (Option.isSome(jwksUrl) && Option.isSome(jwtSecret)) {
    faults.push({ variable: "JWT_JWKS_URL", problem: "must not be set beside JWT_SECRET" })
  }
  // Whoever can change the answer on its way can sign tokens.
  if (
    nodeEnv === "production" &&
    Option.exists(jwksUrl, ({ hostname, protocol }) => protocol !== "https:" && !loopback.has(hostname))
  ) {
    faults.push({ variable: "JWT_JWKS_URL", problem: "must be an https URL in production" })
  }
  return faults
}

/** One of the two must be there where people are served. */
export const missingTokenKeys = ({ jwksUrl, jwtSecret }: Partial<ConfigValues>): ReadonlyArray<ConfigFault> =>
  jwksUrl !== undefined && jwtSecret !== undefined && Option.isNone(jwksUrl) && Option.isNone(jwtSecret)
    ? [{ variable: "JWT_SECRET", problem: "must be set in production, or JWT_JWKS_URL" }]
    : []
