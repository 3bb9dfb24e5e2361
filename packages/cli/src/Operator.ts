/**
 * On whose account the command acts: the tenant, and the operator's name for the audit history.
 */
import type { Caller } from "@tickettoken/order-domain/Actor"
import { TenantId } from "@tickettoken/order-domain/Ids"
import { Config, Context, Effect, Layer, Option, Schema } from "effect"
import { Flag } from "effect/cli"
import { Backend } from "./Backend.ts"
import { CommandFailed } from "./ExitCode.ts"

const ACTOR_CHARS_MAX = 255

export const tenantFlag = Flag.String("tenant").pipe(
  Flag.withDescription("The tenant to act for; else ORDERS_TENANT_ID, else the demo's in an embedded run"),
  Flag.withSchema(TenantId),
  Flag.optional
)

export const actorFlag = Flag.String("actor").pipe(
  Flag.withDescription("Your name in the audit history; else USER"),
  Flag.withSchema(Schema.NonEmptyString.check(Schema.isMaxLength(ACTOR_CHARS_MAX))),
  Flag.optional
)

/** What every command that works on orders is told. */
export interface Account {
  readonly tenant: Option.Option<TenantId>
  readonly actor: Option.Option<string>
}

/** An operator of one tenant: what all workflows take as the caller. */
export class Operator extends Context.Service<Operator, Caller>()("@tickettoken/order-cli/Operator") {
  static readonly layer = (account: Account): Layer.Layer<Operator, CommandFailed, Backend> =>
    Layer.effect(
      Operator,
      Effect.all({ tenantId: tenantOf(account), name: nameOf(account) }).pipe(
        Effect.map(({ name, tenantId }) => ({
          tenantId,
          actor: { kind: "operator", id: name, ip: null },
          vip: false
        }))
      )
    )
}

/** A variable that nobody needs. Set to nothing it reads as absent. */
const variable = (name: string) => Effect.option(Config.String(name))

const tenantOf = Effect.fnUntraced(function* ({ tenant }: Account) {
  if (Option.isSome(tenant)) return tenant.value
  const named = yield* variable("ORDERS_TENANT_ID")
  if (Option.isSome(named)) {
    return yield* Schema.decodeEffect(TenantId)(named.value).pipe(
      Effect.mapError(
        () => new CommandFailed({ code: "configuration", message: "ORDERS_TENANT_ID must be a UUID in lower case" })
      )
    )
  }
  const backend = yield* Backend
  const fallback = yield* backend.defaultTenant
  if (Option.isSome(fallback)) return fallback.value
  return yield* new CommandFailed({ code: "usage", message: "say --tenant, or set ORDERS_TENANT_ID" })
})

const nameOf = ({ actor }: Account) => operatorName(actor)

/** The operator's name in the audit history: the flag's, else the login's. */
export const operatorName = (actor: Option.Option<string>) =>
  Option.isSome(actor)
    ? Effect.succeed(actor.value)
    : Effect.map(variable("USER"), (user) => Option.getOrElse(user, () => "operator").slice(0, ACTOR_CHARS_MAX))
