/**
 * Cursors of order lists: where a page ended, sealed for the one list that it belongs to.
 *
 * The seal is a digest without a secret. It keeps cursors from being mixed up between tenants, users and filters, and
 * typing errors from leading somewhere; a cursor that somebody makes up grants nothing, because the list is the caller's
 * own whatever the position.
 */
import type { Caller } from "@tickettoken/order-domain/Actor"
import { OrderId } from "@tickettoken/order-domain/Ids"
import type { PageKey } from "@tickettoken/order-domain/ports/OrderReads"
import { DateTime, Option, Result, Schema } from "effect"
import { createHash } from "node:crypto"
import { canonicalJson } from "./canonicalJson.ts"

/** Everything that makes one list another one. */
interface ListIdentity {
  readonly tenantId: string
  readonly callerId: string
  /** What the list holds of all orders: JSON. */
  readonly filters: object
}

/** The identity of what this caller asks for. */
export const listIdentity = ({ actor, tenantId }: Caller, filters: object): ListIdentity => ({
  tenantId,
  callerId: actor.id,
  filters
})

const VERSION = "1"
const SEAL_BYTES = 12

const Payload = Schema.fromJsonString(
  Schema.Tuple([
    Schema.Literal(VERSION),
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8.64e15 })),
    OrderId,
    Schema.String
  ])
)
const encodePayload = Schema.encodeSync(Payload)
const decodePayload = Schema.decodeUnknownResult(Payload)

const sealOf = (list: ListIdentity, millis: number, id: OrderId): string =>
  createHash("sha256")
    .update(canonicalJson([VERSION, list, millis, id]))
    .digest()
    .subarray(0, SEAL_BYTES)
    .toString("base64url")

/** The cursor behind the last order of a page. */
export const cursorAfter = (list: ListIdentity, last: PageKey): string => {
  const millis = DateTime.toEpochMillis(last.createdAt)
  return Buffer.from(encodePayload([VERSION, millis, last.id, sealOf(list, millis, last.id)])).toString("base64url")
}

/** Where the list goes on, unless the cursor was made for another list or altered. */
export const readCursor = (list: ListIdentity, cursor: string): Option.Option<PageKey> => {
  const payload = decodePayload(Buffer.from(cursor, "base64url").toString("utf8"))
  if (Result.isFailure(payload)) return Option.none()
  const [, millis, id, seal] = payload.success
  return seal === sealOf(list, millis, id) ? Option.some({ createdAt: DateTime.makeUnsafe(millis), id }) : Option.none()
}
