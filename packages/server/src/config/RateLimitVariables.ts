/**
 * The variables of the rate limits: where replicas count together, how much is let through, and whose word counts for
 * where a request comes from.
 */
import { Redacted, Result } from "effect"
import { parse as parseProxies, type TrustedProxies } from "../limits/TrustedProxies.ts"
import type { RedisAddress } from "../redis/IoRedis.ts"
import * as Kind from "./ConfigKinds.ts"
import { urlPart } from "./urlPart.ts"
import { optional, withDefault } from "./Variable.ts"

const REDIS_PORT = 6379

const redisUrl: Kind.Kind<RedisAddress> = {
  label: "redis or rediss URL",
  read: (text) => {
    const url = URL.parse(text)
    const database = /^\/?(\d{0,4})$/.exec(url?.pathname ?? "x")?.[1]
    const user = urlPart(url?.username ?? "")
    const password = urlPart(url?.password ?? "")
    const isRedis = url !== null && ["redis:", "rediss:"].includes(url.protocol) && url.hostname !== ""
    if (!isRedis || database === undefined || user === undefined || password === undefined || url.search !== "") {
      return Result.fail(["must be a URL such as redis://:password@host:6379/0, with a host"])
    }
    return Result.succeed({
      host: url.hostname.replaceAll(/^\[|\]$/g, ""),
      port: url.port === "" ? REDIS_PORT : Number(url.port),
      database: Number(database),
      tls: url.protocol === "rediss:",
      ...(user === "" ? {} : { username: user }),
      ...(password === "" ? {} : { password: Redacted.make(password, { label: "REDIS_URL" }) })
    })
  }
}

const redisPassword: Kind.Kind<Redacted.Redacted> = {
  label: "text",
  read: (text) => Result.succeed(Redacted.make(text, { label: "REDIS_PASSWORD" }))
}

const proxies: Kind.Kind<TrustedProxies> = {
  label: "addresses and networks with commas between them",
  read: (text) => Result.mapError(parseProxies(text), (problem) => [problem])
}

const LIMIT_MAX = 1_000_000

const perMinute = (name: string, standard: string, description: string) =>
  withDefault({
    name,
    section: "Rate limits",
    kind: Kind.whole("requests", 1, LIMIT_MAX),
    default: standard,
    description
  })

/** By the name under which the server knows each one. */
export const rateLimitVariables = {
  redisUrl: optional({
    name: "REDIS_URL",
    section: "Redis",
    kind: redisUrl,
    secret: true,
    description:
      "Where replicas count rate limits together. Never needed to start: while Redis is away, or without one, every replica counts for itself."
  }),
  redisHost: optional({
    name: "REDIS_HOST",
    section: "Redis",
    kind: Kind.plainText,
    description: "The same in parts, with the two below; not beside `REDIS_URL`."
  }),
  redisPort: withDefault({
    name: "REDIS_PORT",
    section: "Redis",
    kind: Kind.port,
    default: String(REDIS_PORT),
    description: "The port at `REDIS_HOST`."
  }),
  redisPassword: optional({
    name: "REDIS_PASSWORD",
    section: "Redis",
    kind: redisPassword,
    secret: true,
    description: "The password at `REDIS_HOST`."
  }),
  createLimit: perMinute("RATE_LIMIT_CREATE_PER_MINUTE", "10", "Orders that a user may create, in any 60 seconds."),
  reserveLimit: perMinute("RATE_LIMIT_RESERVE_PER_MINUTE", "5", "Renewals of holds by a user, in any 60 seconds."),
  cancelLimit: perMinute("RATE_LIMIT_CANCEL_PER_MINUTE", "5", "Cancellations by a user, in any 60 seconds."),
  refundLimit: perMinute("RATE_LIMIT_REFUND_PER_MINUTE", "3", "Requests for a refund by a user, in any 60 seconds."),
  addressLimit: perMinute(
    "RATE_LIMIT_ADDRESS_PER_MINUTE",
    "60000",
    "Requests of any kind from one address to one replica, in any 60 seconds. Counted before credentials are looked at."
  ),
  badCredentialsLimit: perMinute(
    "RATE_LIMIT_BAD_CREDENTIALS_PER_MINUTE",
    "60",
    "Refused credentials from one address at one replica, in any 60 seconds; after that it is turned away unheard."
  ),
  trustedProxies: optional({
    name: "ORDER_TRUSTED_PROXIES",
    section: "Rate limits",
    kind: proxies,
    description:
      "Proxies whose `X-Forwarded-For` is believed. Needed behind a load balancer: without it everybody behind one is one address."
  })
}
