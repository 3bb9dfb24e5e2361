/**
 * Versions of orders as strong entity tags (RFC 9110, section 8.8.3), and requests that name one in `If-Match`.
 */
import type { VersionConflict } from "@tickettoken/order-domain/OrderErrors"
import { Effect, Schema } from "effect"

/** The version that the request named is not the order's: a 412, where a lost race without `If-Match` is a 409. */
export class StaleVersion extends Schema.TaggedError<StaleVersion>()("StaleVersion", { expected: Schema.Int }) {
  override get message(): string {
    return `the order is no longer at version ${this.expected}`
  }
}

export const etagOf = (version: number): string => `"${version}"`

/** The version that an `If-Match` asks for. `*` asks for any, and so does its absence. */
export const expectedVersion = (ifMatch: string | undefined): number | undefined =>
  ifMatch === undefined || ifMatch === "*" ? undefined : Number(ifMatch.slice(1, -1))

/** A version conflict is the answer to `If-Match`, if there was one. */
export const answerIfMatch =
  (expected: number | undefined) =>
  <A, E, R>(
    operation: Effect.Effect<A, E | VersionConflict, R>
  ): Effect.Effect<A, E | VersionConflict | StaleVersion, R> =>
    expected === undefined
      ? operation
      : Effect.mapError(operation, (error) => (isConflict(error) ? new StaleVersion({ expected }) : error))

const isConflict = (error: unknown): error is VersionConflict =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "VersionConflict"
