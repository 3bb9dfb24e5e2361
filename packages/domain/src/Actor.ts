/**
 * Who asks for something: the name that every audit row carries.
 */
import { Schema } from "effect"
import { TenantId } from "./Ids.ts"

/**
 * The parts a caller can play. `user` owns orders; `support`, `finance` and `admin` are staff of one tenant;
 * `service` is another service with a key of its own; `operator` works on the database through the command line;
 * `system` is one of our own jobs.
 */
export const ActorKind = Schema.Literals(["user", "support", "finance", "admin", "service", "operator", "system"])
export type ActorKind = typeof ActorKind.Type

/** The one who acts: `id` is the token's subject, the service key's id, the operator's login or the job's name. */
export const Actor = Schema.Struct({
  kind: ActorKind,
  id: Schema.NonEmptyString.check(Schema.isMaxLength(255)),
  ip: Schema.NullOr(Schema.String)
})
export type Actor = typeof Actor.Type

/** A verified caller: tenant and actor come from the verified credential only (rule 7.2). */
export const Caller = Schema.Struct({
  tenantId: TenantId,
  actor: Actor,
  /** The token said `customerTier: "vip"` (rule 3.2). */
  vip: Schema.Boolean
})
export type Caller = typeof Caller.Type

/** One of our own jobs, acting for a tenant. */
export const systemActor = (job: string): Actor => ({ kind: "system", id: job, ip: null })

/** Staff who may act on any order of their tenant. */
export const isAdmin = (actor: Actor): boolean => actor.kind === "admin" || actor.kind === "operator"

/** Staff who may see any order of their tenant; only {@link isAdmin} may change one. */
export const seesAllOrders = (actor: Actor): boolean => actor.kind !== "user"
