/**
 * Order numbers that people read out: `ORD-20251122-7KQX4M`. Unique per tenant, never an authorisation (rule 3.11).
 *
 * Chance is an argument: the workflow draws the numbers and retries on a collision.
 */
import { DateTime, Schema } from "effect"

/**
 * The 26 letters and digits of a suffix. Of every pair that looks alike at most one is here: no 0 O, 1 I L, B (8),
 * G (6), S (5), Z (2), U (V). Six of them make 309 million numbers a day and tenant.
 */
export const ORDER_NUMBER_ALPHABET = "23456789ACDEFHJKMNPQRTVWXY"

/** The letters of a suffix at first. */
export const SUFFIX_LENGTH_MIN = 6

/** The longest suffix: with it a number has 25 characters, half of the column. */
export const SUFFIX_LENGTH_MAX = 12

/** After so many collisions the suffix gets one more letter. */
export const TRIES_PER_LENGTH = 20

/** `ORD-`, the UTC day of creation, and 6 to 12 letters of {@link ORDER_NUMBER_ALPHABET}. */
export const OrderNumber = Schema.String.check(
  Schema.isPattern(new RegExp(`^ORD-[0-9]{8}-[${ORDER_NUMBER_ALPHABET}]{${SUFFIX_LENGTH_MIN},${SUFFIX_LENGTH_MAX}}$`), {
    expected: "an order number such as ORD-20251122-7KQX4M"
  })
).pipe(Schema.brand("OrderNumber"))
export type OrderNumber = typeof OrderNumber.Type

/** How many letters to draw for a try: 6 for the tries 0 to 19, 7 for 20 to 39, and so on up to 12. */
export const suffixLength = (attempt: number): number =>
  Math.min(SUFFIX_LENGTH_MIN + Math.max(0, Math.floor(attempt / TRIES_PER_LENGTH)), SUFFIX_LENGTH_MAX)

/**
 * One letter per random whole number, by its remainder: draw below `ORDER_NUMBER_ALPHABET.length`, or from a range so
 * wide that the remainder's bias does not matter (2^32).
 */
export const drawSuffix = (randomInts: ReadonlyArray<number>): string =>
  randomInts.map((int) => ORDER_NUMBER_ALPHABET.charAt(Math.abs(int % ORDER_NUMBER_ALPHABET.length))).join("")

/** The number of an order created at `now`, with a suffix that {@link drawSuffix} made. */
export const formatOrderNumber = (now: DateTime.Utc, suffix: string): OrderNumber =>
  OrderNumber.make(`ORD-${DateTime.formatIsoDateUtc(now).replaceAll("-", "")}-${suffix}`)
