/**
 * The Redis of this run, if it has one: what uses it must do without it too.
 */
import { Context, Effect, Layer, Option } from "effect"
import { Redis } from "effect/persistence"
import type { RedisAddress } from "./IoRedis.ts"

export class OptionalRedis extends Context.Service<OptionalRedis, Option.Option<Redis.Redis["Service"]>>()(
  "@tickettoken/order-server/redis/OptionalRedis"
) {
  static readonly layer = (address: Option.Option<RedisAddress>): Layer.Layer<OptionalRedis> =>
    Option.match(address, {
      onNone: () => Layer.succeed(OptionalRedis, Option.none()),
      onSome: (where) =>
        Layer.effect(OptionalRedis, Effect.map(Redis.Redis, Option.some)).pipe(Layer.provide(client(where)))
    })
}

/** Loaded for those who have one: a start without it is faster. */
const client = (where: RedisAddress) =>
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("./IoRedis.ts")),
      (IoRedis) => IoRedis.layer(where)
    )
  )
