/**
 * Where Redis is, made of one variable or of three.
 */
import { Option } from "effect"
import type { RedisAddress } from "../redis/IoRedis.ts"
import type { ConfigFault } from "./ConfigFaults.ts"
import type { ConfigValues } from "./ConfigTable.ts"

/** `None`: there is no Redis. */
export const redisOf = (values: ConfigValues): Option.Option<RedisAddress> =>
  Option.orElse(values.redisUrl, () =>
    Option.map(values.redisHost, (host) => ({
      host,
      port: values.redisPort,
      ...(Option.isSome(values.redisPassword) ? { password: values.redisPassword.value } : {})
    }))
  )

/** Settings that do not go together. What could not be read is not looked at. */
export const redisFaults = (values: Partial<ConfigValues>): ReadonlyArray<ConfigFault> => {
  const isSet = (value: Option.Option<unknown> | undefined): boolean => value !== undefined && Option.isSome(value)
  const { nodeEnv, redisHost, redisPassword, redisUrl } = values
  const faults: Array<ConfigFault> = []
  if (isSet(redisUrl) && isSet(redisHost))
    faults.push({ variable: "REDIS_HOST", problem: "must not be set beside REDIS_URL" })
  if (isSet(redisPassword) && !isSet(redisHost)) {
    faults.push({ variable: "REDIS_PASSWORD", problem: "is of no use without REDIS_HOST" })
  }
  if (nodeEnv === "production" && isSet(redisHost) && redisPassword !== undefined && !isSet(redisPassword)) {
    faults.push({ variable: "REDIS_PASSWORD", problem: "must be set in production when REDIS_HOST is" })
  }
  return faults
}
