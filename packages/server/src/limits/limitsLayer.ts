/**
 * The rate limits of a run, as configured: counted together where there is a Redis, and alone where there is none.
 */
import { Effect, Layer, Option } from "effect"
import { Redis } from "effect/persistence"
import type { Configuration } from "../AppConfig.ts"
import { OptionalRedis } from "../redis/OptionalRedis.ts"
import * as RateLimitsRedis from "../redis/RateLimitsRedis.ts"
import { AddressLimits } from "./AddressLimits.ts"
import { RateLimits } from "./RateLimits.ts"
import { TrustedProxies } from "./TrustedProxies.ts"

const ofPeople = ({ mode, rateLimits }: Configuration) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const redis = yield* OptionalRedis
      if (Option.isNone(redis)) {
        if (mode === "production")
          yield* Effect.logWarning("REDIS_URL is not set: every replica counts rate limits alone")
        return RateLimits.layer(rateLimits.operations)
      }
      const shared = yield* Effect.provideService(RateLimitsRedis.make(), Redis.Redis, redis.value)
      return RateLimits.layer(rateLimits.operations, shared)
    })
  )

export const limitsLayer = (config: Configuration) =>
  Layer.mergeAll(
    ofPeople(config),
    AddressLimits.layer(config.rateLimits.addresses),
    Option.match(config.trustedProxies, {
      onNone: () => Layer.empty,
      onSome: (proxies) => Layer.succeed(TrustedProxies, proxies)
    })
  )
