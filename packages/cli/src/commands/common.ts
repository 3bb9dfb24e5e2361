/**
 * The flags and arguments that many commands share.
 */
import { OrderId } from "@tickettoken/order-domain/Ids"
import { Schema } from "effect"
import { Argument, Flag } from "effect/cli"
import { actorFlag, tenantFlag } from "../Operator.ts"
import { outputFlag } from "../Output.ts"

const REASON_CHARS_MAX = 500

/** Of every command about orders. */
export const common = { output: outputFlag, tenant: tenantFlag, actor: actorFlag }

export const orderArgument = Argument.String("order-id").pipe(
  Argument.withDescription("The order's id"),
  Argument.withSchema(OrderId)
)

export const reasonFlag = Flag.String("reason").pipe(
  Flag.withDescription("Why; kept in the audit history"),
  Flag.withSchema(Schema.NonEmptyString.check(Schema.isMaxLength(REASON_CHARS_MAX)))
)
