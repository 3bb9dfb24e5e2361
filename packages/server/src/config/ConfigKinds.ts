/**
 * What a variable of the environment can hold: how its text is read, and how the documentation names that.
 *
 * A problem never repeats the text: somebody may have put a secret into the wrong variable.
 */
import { Currency } from "@tickettoken/order-domain/Currency"
import { AMOUNT_CEILING, type BasisPoints, Cents, parsePercentage } from "@tickettoken/order-domain/Money"
import { Duration, type LogLevel, Redacted, Result, Schema } from "effect"
import { otlpHeadersOf } from "./otlpHeaders.ts"

/** A value, or every problem with the text: each completes the sentence "PORT ...". */
type Reading<A> = Result.Result<A, ReadonlyArray<string>>

export interface Kind<out A> {
  /** What the documentation says. */
  readonly label: string
  readonly read: (text: string) => Reading<A>
}

const problem = (text: string): Reading<never> => Result.fail([text])

const DIGITS_MAX = 15

/** Digits only: no sign, no exponent, no space, no `0x`. */
const wholeNumber = (text: string): number =>
  /^\d+$/.test(text) && text.length <= DIGITS_MAX ? Number(text) : Number.NaN

/** A whole number of something between two ends. */
export const whole = (unit: string, minimum: number, maximum: number): Kind<number> => ({
  label: `${unit}, ${minimum} to ${maximum}`,
  read: (text) => {
    const value = wholeNumber(text)
    return value >= minimum && value <= maximum
      ? Result.succeed(value)
      : problem(`must be a whole number of ${unit} from ${minimum} to ${maximum}`)
  }
})

/** A TCP port. 0 takes any that is free. */
export const port: Kind<number> = {
  label: "port, 0 to 65535",
  read: (text) => {
    const value = wholeNumber(text)
    return value <= 65_535 ? Result.succeed(value) : problem("must be a port from 0 to 65535")
  }
}

/** An amount of money in minor units. */
export const cents: Kind<Cents> = {
  label: `minor units, 0 to ${AMOUNT_CEILING}`,
  read: (text) => {
    const value = wholeNumber(text)
    return value <= AMOUNT_CEILING
      ? Result.succeed(Cents.make(value))
      : problem(`must be a whole amount in minor units (cents) from 0 to ${AMOUNT_CEILING}`)
  }
}

/** A decimal percentage, exactly as basis points: "2.9" is 290. */
export const percentage: Kind<BasisPoints> = {
  label: "percentage, at most two decimals",
  read: (text) =>
    Result.mapError(parsePercentage(text), () => [
      "must be a percentage from 0 to 100 with at most two decimals, such as 2.9"
    ])
}

/** Minutes with up to four decimals, to the nearest second: "0.5" is 30 seconds, "0.0167" is one. */
export const minutes = (minimumSeconds: number, maximumSeconds: number): Kind<Duration.Duration> => ({
  label: `minutes, ${ends(minimumSeconds, maximumSeconds)}, decimals to the second`,
  read: (text) => {
    const value = /^\d{1,7}(?:\.\d{1,4})?$/.test(text) ? Math.round(Number(text) * 60) : Number.NaN
    return value >= minimumSeconds && value <= maximumSeconds
      ? Result.succeed(Duration.seconds(value))
      : problem(`must be minutes, ${ends(minimumSeconds, maximumSeconds)}, with at most four decimals`)
  }
})

const ends = (minimumSeconds: number, maximumSeconds: number): string =>
  `${minimumSeconds} s to ${maximumSeconds / 60} min`

const LIST_MAX = 5

/** Minutes with commas between them, each more than the one before. */
export const risingMinutes = (
  minimumSeconds: number,
  maximumSeconds: number
): Kind<ReadonlyArray<Duration.Duration>> => {
  const one = minutes(minimumSeconds, maximumSeconds)
  return {
    label: `1 to ${LIST_MAX} rising ${one.label}, with commas between them`,
    read: (text) => {
      const all = Result.all(text.split(",").map((part) => one.read(part.trim())))
      const isRising = (list: ReadonlyArray<Duration.Duration>) =>
        list.every((value, at) => at === 0 || Duration.isGreaterThan(value, list[at - 1] ?? value))
      return Result.isSuccess(all) && all.success.length <= LIST_MAX && isRising(all.success)
        ? Result.succeed(all.success)
        : problem(
            `must be 1 to ${LIST_MAX} rising minutes, ${ends(minimumSeconds, maximumSeconds)}, with commas between them`
          )
    }
  }
}

/** Seconds with up to three decimals. */
export const seconds = (minimum: number, maximum: number): Kind<Duration.Duration> => ({
  label: `seconds, ${minimum} to ${maximum}, up to three decimals`,
  read: (text) => {
    const value = /^\d{1,7}(?:\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN
    return value >= minimum && value <= maximum
      ? Result.succeed(Duration.millis(Math.round(value * 1000)))
      : problem(`must be seconds from ${minimum} to ${maximum}, with at most three decimals`)
  }
})

/** Seconds that must stay below what they are a part of. */
export const secondsBelow = (limit: number, minimum: number): Kind<Duration.Duration> => ({
  label: `seconds, ${minimum} to less than ${limit}, up to three decimals`,
  read: (text) => {
    const reading = seconds(minimum, limit).read(text)
    return Result.isSuccess(reading) && Duration.isLessThan(reading.success, Duration.seconds(limit))
      ? reading
      : problem(`must be seconds from ${minimum} to less than ${limit}, with at most three decimals`)
  }
})

/** One of a few words. */
export const oneOf = <const Word extends string>(...words: ReadonlyArray<Word>): Kind<Word> => ({
  label: words.join(" | "),
  read: (text) => {
    const word = words.find((known) => known === text)
    return word === undefined ? problem(`must be one of ${words.join(", ")}`) : Result.succeed(word)
  }
})

export const flag: Kind<boolean> = {
  label: "true | false",
  read: (text) => Result.map(oneOf("true", "false").read(text), (word) => word === "true")
}

const logLevels: { readonly [name: string]: LogLevel.LogLevel } = {
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  error: "Error",
  fatal: "Fatal",
  none: "None"
}

/** The original specification writes levels in lower case; either case is fine. */
export const logLevel: Kind<LogLevel.LogLevel> = {
  label: Object.keys(logLevels).join(" | "),
  read: (text) => {
    const name = text.toLowerCase()
    const level = Object.hasOwn(logLevels, name) ? logLevels[name] : undefined
    return level === undefined ? problem(`must be one of ${Object.keys(logLevels).join(", ")}`) : Result.succeed(level)
  }
}

export const currency: Kind<Currency> = oneOf(...Currency.literals)

const currencyList = Schema.decodeUnknownOption(Schema.Array(Currency))

/** Currencies with commas between them, each once. */
export const currencies: Kind<ReadonlyArray<Currency>> = {
  label: "currencies with commas between them",
  read: (text) => {
    const names = text.split(",").map((name) => name.trim())
    const known = currencyList(names)
    return known._tag === "Some" && new Set(names).size === names.length
      ? Result.succeed(known.value)
      : problem(`must name currencies, each once, with commas between them, of ${Currency.literals.join(", ")}`)
  }
}

const TEXT_CHARS_MAX = 255

/** One line of plain text. */
export const plainText: Kind<string> = {
  label: "text",
  read: (text) =>
    text.trim() === text && text.length <= TEXT_CHARS_MAX && /^[\x20-\x7e]+$/.test(text)
      ? Result.succeed(text)
      : problem(`must be 1 to ${TEXT_CHARS_MAX} printable characters without spaces around them`)
}

/** A path of the file system; may hold any character but NUL. */
export const folder: Kind<string> = {
  label: "path of a folder",
  read: (text) => (text.includes("\0") ? problem("must be the path of a folder") : Result.succeed(text))
}

/** Where a service answers. Credentials have variables of their own, so that an address may be logged. */
export const serviceUrl: Kind<URL> = {
  label: "http or https URL",
  read: (text) => {
    const url = URL.parse(text)
    if (url === null || !["http:", "https:"].includes(url.protocol)) return problem("must be an http or https URL")
    if (url.username !== "" || url.password !== "") return problem("must not hold a user or a password")
    return url.search === "" && url.hash === "" ? Result.succeed(url) : problem("must not hold a query or a fragment")
  }
}

const ORIGINS_MAX = 50

const isOrigin = (text: string): boolean => {
  const url = URL.parse(text)
  return url !== null && ["http:", "https:"].includes(url.protocol) && url.origin === text && !text.includes("*")
}

/** Origins as a browser names them. A `*` would let every page on the web in. */
export const origins: Kind<ReadonlyArray<string>> = {
  label: "origins with commas between them",
  read: (text) => {
    const all = text.split(",").map((origin) => origin.trim())
    return all.length <= ORIGINS_MAX && all.every(isOrigin) && new Set(all).size === all.length
      ? Result.succeed(all)
      : problem(`must name at most ${ORIGINS_MAX} origins, each once and in full, such as https://pages.example:8443`)
  }
}

/** Where PostgreSQL answers, with the credentials for it. */
export const databaseUrl: Kind<Redacted.Redacted> = {
  label: "postgres URL",
  read: (text) => {
    const url = URL.parse(text)
    const isDatabase = url !== null && ["postgres:", "postgresql:"].includes(url.protocol) && url.hostname !== ""
    return isDatabase && url.pathname.length > 1
      ? Result.succeed(Redacted.make(text, { label: "DATABASE_URL" }))
      : problem("must be a URL such as postgresql://user@host:5432/database, with host and database")
  }
}

/** The shortest secret that HS256 may have: as many bits as its digest. */
export const JWT_SECRET_BYTES_MIN = 32

export const jwtSecret: Kind<Redacted.Redacted> = {
  label: `text of at least ${JWT_SECRET_BYTES_MIN} bytes`,
  read: (text) =>
    text.trim() === text && new TextEncoder().encode(text).length >= JWT_SECRET_BYTES_MIN
      ? Result.succeed(Redacted.make(text, { label: "JWT_SECRET" }))
      : problem(`must have at least ${JWT_SECRET_BYTES_MIN} bytes and no spaces around them`)
}

/** As long as somebody would make it who has a generator for it. */
const SCRAPE_TOKEN_CHARS_MIN = 24
const SCRAPE_TOKEN_CHARS_MAX = 255

export const scrapeToken: Kind<Redacted.Redacted> = {
  label: `text of ${SCRAPE_TOKEN_CHARS_MIN} to ${SCRAPE_TOKEN_CHARS_MAX} characters without spaces`,
  read: (text) =>
    /^[\x21-\x7e]+$/.test(text) && text.length >= SCRAPE_TOKEN_CHARS_MIN && text.length <= SCRAPE_TOKEN_CHARS_MAX
      ? Result.succeed(Redacted.make(text, { label: "ORDER_METRICS_TOKEN" }))
      : problem(`must have ${SCRAPE_TOKEN_CHARS_MIN} to ${SCRAPE_TOKEN_CHARS_MAX} printable characters and no spaces`)
}

export const otlpHeaders: Kind<Redacted.Redacted> = {
  label: "name=value,name=value",
  read: (text) =>
    otlpHeadersOf(text) === undefined
      ? problem("must be name=value pairs with commas between them, values percent-encoded")
      : Result.succeed(Redacted.make(text, { label: "OTEL_EXPORTER_OTLP_HEADERS" }))
}
