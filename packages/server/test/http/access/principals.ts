/** Everybody who may knock: with no credential, with bad ones, people of two tenants, and services key by key. */
import type { UserId } from "@tickettoken/order-domain/Ids"
import { serviceScopes } from "@tickettoken/order-server/auth/ServiceKeys"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect } from "effect"
import { person } from "../support/buyer.ts"
import { bearer, revokedKey, scopedKey } from "../support/credentials.ts"
import { people, type Person, type Row, isForServices } from "./accessTable.ts"

export type Where = "own" | "foreign" | "absent"

export interface Principal {
  readonly name: string
  readonly headers: { readonly [name: string]: string }
  /** Whose things it may come near to, if anybody's. */
  readonly home: Where | null
  /** What a row expects for it, about something of the first tenant, of another one, and of nobody. */
  readonly expects: (row: Row, where: Where) => number
}

const refused = (name: string, headers: Principal["headers"]): Principal => ({
  name,
  headers,
  home: null,
  expects: () => 401
})

const elsewhereOf = ({ elsewhere }: Row, own: number): number => (elsewhere === null ? own : (elsewhere ?? 404))

/** Somebody of the order's tenant. */
const insider =
  (who: Person): Principal["expects"] =>
  (row, where) => {
    if (isForServices(row)) return 401
    const own = row.who[who]
    return where === "own" || (row.roleFirst === true && own === 403) ? own : elsewhereOf(row, own)
  }

/** Somebody with the same role in the other tenant: nothing of the order's tenant exists for them. */
const outsider =
  (who: Person): Principal["expects"] =>
  (row, where) => {
    if (isForServices(row)) return 401
    const own = row.who[who]
    return where === "foreign" || (row.roleFirst === true && own === 403) ? own : elsewhereOf(row, own)
  }

const service =
  (scope: string, tenant: Where): Principal["expects"] =>
  (row, where) => {
    if (!isForServices(row)) return 401
    if (row.scope !== scope) return 403
    return where === tenant ? row.status : elsewhereOf(row, row.status)
  }

const roleOf = (who: Person): string => (who === "owner" || who === "other buyer" ? "user" : who)

const absentee = "99999999-9999-4999-8999-999999999999"

/** All of them. `owner` and `foreignOwner` have made what the requests are about. */
export const principalsOf = Effect.fnUntraced(function* (owner: UserId, foreignOwner: UserId) {
  const own = { "x-tenant-id": demo.tenantId }
  const all: Array<Principal> = [
    refused("nobody", own),
    refused("a malformed token", { ...own, authorization: "Bearer not.a.token" }),
    refused("an expired token", { ...own, authorization: yield* bearer(owner, { expires: "2 minutes ago" }) }),
    refused("a token of another issuer", { ...own, authorization: yield* bearer(owner, { issuer: "somebody" }) }),
    refused("a revoked service key", { ...own, authorization: revokedKey }),
    refused("a service key that nobody has", { ...own, authorization: `Service-Key ${absentee}.${absentee}` })
  ]
  for (const who of people) {
    const role = roleOf(who)
    const { authorization } = yield* person({ role, ...(who === "owner" ? { userId: owner } : {}) })
    all.push({ name: who, headers: { ...own, authorization }, home: "own", expects: insider(who) })
  }
  for (const who of ["owner", "admin"] as const) {
    const { authorization } = yield* person({
      role: roleOf(who),
      tenantId: demo.secondTenantId,
      ...(who === "owner" ? { userId: foreignOwner } : {})
    })
    const name = who === "owner" ? "the other tenant's buyer" : "the other tenant's admin"
    // It may say what it likes about its tenant: the token counts.
    all.push({ name, headers: { ...own, authorization }, home: "foreign", expects: outsider(who) })
  }
  for (const scope of serviceScopes) {
    const authorization = scopedKey(scope)
    all.push({
      name: `a key for ${scope}`,
      headers: { ...own, authorization },
      home: "own",
      expects: service(scope, "own")
    })
    const other = { "x-tenant-id": demo.secondTenantId, authorization }
    all.push({
      name: `a key for ${scope}, other tenant`,
      headers: other,
      home: "foreign",
      expects: service(scope, "foreign")
    })
  }
  return all
})
