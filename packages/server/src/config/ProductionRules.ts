/**
 * What production refuses to start with: missing credentials and addresses, and credentials that everybody knows (A34).
 */
import { Option, Redacted } from "effect"
import { digestOf, sameDigest } from "../auth/ServiceKeys.ts"
import type { RabbitAddress } from "../rabbitmq/Session.ts"
import type { RedisAddress } from "../redis/IoRedis.ts"
import type { ConfigFault } from "./ConfigFaults.ts"
import type { ConfigValues } from "./ConfigTable.ts"
import { FIRST_ACCOUNT } from "./MessageVariables.ts"
import { urlPart } from "./urlPart.ts"
import type { VariableInfo } from "./Variable.ts"

/** Whole credentials that stand in manuals, images and templates. */
const knownWords = [
  "admin",
  "demo",
  "guest",
  "orders",
  "pass",
  "password",
  "postgres",
  "root",
  "secret",
  "test",
  "tickettoken",
  "user"
]

/** Parts of credentials that were written to be replaced: the original service's, jwt.io's and the usual ones. */
const sampleMarks = [
  "256-bit",
  "change-me",
  "change-this",
  "change_me",
  "changeme",
  "example",
  "placeholder",
  "replace-me",
  "sample",
  "supersecret",
  "super-secret",
  "your-secret",
  "your_secret"
]

const isSample = (text: string): boolean => {
  const lower = text.toLowerCase()
  return knownWords.includes(lower) || sampleMarks.some((mark) => lower.includes(mark))
}

const sampleDigests = [...knownWords, ...sampleMarks, "your-256-bit-secret"].map(digestOf)

/** A random secret of 32 bytes has more, in any alphabet that people use. */
const DIFFERENT_CHARS_MIN = 10

const SERVICE_SECRET_CHARS_MIN = 32

const SAMPLE = "is a known sample: make one of your own, for instance with `openssl rand -base64 48`"

/** Variables that must be set. `isSet` knows which are, readable or not. */
export const missingInProduction = (
  table: ReadonlyArray<VariableInfo>,
  isSet: (name: string) => boolean
): ReadonlyArray<ConfigFault> =>
  table.flatMap(({ name, requiredInProduction }) =>
    requiredInProduction && !isSet(name) ? [{ variable: name, problem: "must be set in production" }] : []
  )

const textOf = (value: Option.Option<Redacted.Redacted> | undefined): string | undefined =>
  value === undefined || Option.isNone(value) ? undefined : Redacted.value(value.value)

const secretProblem = (text: string): string | undefined => {
  if (isSample(text)) return SAMPLE
  return new Set(text).size < DIFFERENT_CHARS_MIN ? "is too easy to guess: few of its characters differ" : undefined
}

const databaseProblem = (text: string): string | undefined => {
  const password = URL.parse(text)?.password ?? ""
  if (password === "") return "must hold a password in production"
  return isSample(urlPart(password) ?? password) ? "holds a known sample as its password" : undefined
}

const redisPasswordOf = (address: Option.Option<RedisAddress> | undefined): string | undefined =>
  address === undefined || Option.isNone(address)
    ? undefined
    : Redacted.value(address.value.password ?? Redacted.make(""))

const redisProblem = (password: string): string | undefined => {
  if (password === "") return "must hold a password in production"
  return isSample(password) ? "holds a known sample as its password" : undefined
}

const rabbitProblem = ({ password, username }: RabbitAddress): string | undefined => {
  const secret = Redacted.value(password)
  if (username === FIRST_ACCOUNT) return `must not use the account ${FIRST_ACCOUNT} in production`
  if (username === "" || secret === "") return "must hold a user and a password in production"
  return isSample(secret) ? "holds a known sample as its password" : undefined
}

const outgoingKeyProblem = (text: string): string | undefined => {
  const credential = text.slice(text.indexOf(".") + 1)
  if (isSample(credential)) return SAMPLE
  return credential.length < SERVICE_SECRET_CHARS_MIN
    ? `must have a secret of at least ${SERVICE_SECRET_CHARS_MIN} characters in production`
    : undefined
}

/** Whoever sits between a page that came by http and its reader decides what the page does. */
const isUnsafeOrigin = (origin: string): boolean => !origin.startsWith("https://")

/** Credentials and origins that are too weak. What could not be read is not looked at. */
export const weakInProduction = (values: Partial<ConfigValues>): ReadonlyArray<ConfigFault> => {
  const faults: Array<ConfigFault> = []
  const look = (variable: string, text: string | undefined, problemOf: (text: string) => string | undefined): void => {
    const problem = text === undefined ? undefined : problemOf(text)
    if (problem !== undefined) faults.push({ variable, problem })
  }
  look("DATABASE_URL", textOf(values.databaseUrl), databaseProblem)
  look("ORDER_SERVICE_KEY", textOf(values.serviceKey), outgoingKeyProblem)
  look("JWT_SECRET", textOf(values.jwtSecret), secretProblem)
  look("ORDER_METRICS_TOKEN", textOf(values.metricsToken), secretProblem)
  look("REDIS_URL", redisPasswordOf(values.redisUrl), redisProblem)
  look("REDIS_PASSWORD", textOf(values.redisPassword), redisProblem)
  const rabbit = values.rabbitUrl === undefined ? undefined : Option.getOrUndefined(values.rabbitUrl)
  const brokerProblem = rabbit === undefined ? undefined : rabbitProblem(rabbit)
  if (brokerProblem !== undefined) faults.push({ variable: "RABBITMQ_URL", problem: brokerProblem })
  if (values.corsOrigins !== undefined && Option.exists(values.corsOrigins, (all) => all.some(isUnsafeOrigin))) {
    faults.push({ variable: "ORDER_CORS_ORIGINS", problem: "must name https origins in production" })
  }
  const keys = values.serviceKeys === undefined ? [] : Option.getOrElse(values.serviceKeys, () => [])
  for (const [at, { digest }] of keys.entries()) {
    if (sampleDigests.some((sample) => sameDigest(sample, digest))) {
      faults.push({ variable: "SERVICE_KEYS", problem: `entry ${at + 1} holds the digest of a known sample` })
    }
  }
  return faults
}
