/** What the answers so far have named, so that requests can be about something: the chain from one to the next. */
import { isObject, listOf } from "./json.ts"
import type { Random } from "./random.ts"

const KEPT_MAX = 60

/** What an `id` is called elsewhere, by the name of the list or object that it stands in. */
const idNames: { readonly [parent: string]: string } = {
  "": "orderId",
  orders: "orderId",
  items: "itemId",
  refunds: "refundId",
  job: "jobId"
}

const same: { readonly [name: string]: string } = { nextCursor: "cursor", nextFailure: "after" }

const kept = new Set(["orderId", "refundId", "itemId", "paymentIntentId", "cursor", "after", "confirmationToken"])

export interface Heard {
  readonly hear: (json: unknown) => void
  readonly note: (name: string, value: string) => void
  /** One of the things of this name, the newest most often. */
  readonly one: (name: string, random: Random) => string | undefined
}

export const make = (): Heard => {
  const byName = new Map<string, Array<string>>()
  const note = (name: string, value: string): void => {
    const values = byName.get(name) ?? []
    values.push(value)
    if (values.length > KEPT_MAX) values.shift()
    byName.set(name, values)
  }
  const hear = (json: unknown, parent = ""): void => {
    for (const each of Array.isArray(json) ? listOf(json) : []) hear(each, parent)
    if (!isObject(json)) return
    for (const [key, value] of Object.entries(json)) {
      const name = key === "id" ? idNames[parent] : (same[key] ?? key)
      if (typeof value === "string" && name !== undefined && (key === "id" || kept.has(name))) note(name, value)
      else hear(value, key)
    }
  }
  return {
    hear,
    note,
    one: (name, random) => {
      const values = byName.get(name) ?? []
      return values.length === 0 ? undefined : values.at(-1 - Math.floor(random.next() * random.next() * values.length))
    }
  }
}
