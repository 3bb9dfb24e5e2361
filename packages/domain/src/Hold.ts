/**
 * How long an order holds its tickets. All instants are UTC and arguments: nothing here reads a clock.
 *
 * One hold has three ends, in this order: the deadline that the buyer sees (no renewal, no new payment from then on),
 * the end of grace (a payment that succeeds before it still confirms; expiry acts from then on), and the instant until
 * which the ticket service is asked to keep the stock. Source: rules 3.2 to 3.5.
 */
import { DateTime, Schema } from "effect"

// Fractions are allowed, so that a demonstration or a test can hold for seconds: 0.1 minutes are 6 seconds.
const Minutes = Schema.Finite.check(Schema.isBetween({ minimum: 1 / 60, maximum: 24 * 60 }))

/** The lengths of a hold: a policy value, frozen on the order when it is created. */
export const HoldPolicy = Schema.Struct({
  standardMinutes: Minutes,
  vipMinutes: Minutes,
  /** Between the deadline and the moment expiry may act (rule 3.4). */
  graceMinutes: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 60 })),
  /** Renewals never pass the creation plus this many class lengths (rule 3.3). */
  maxExtensions: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })),
  /** The one extension for a payment that is still processing at expiry (rule 3.5). */
  processingExtensionMinutes: Minutes,
  /** How long expiry keeps asking a payment service that does not answer (rule 3.5). */
  unreachableRetryMinutes: Minutes,
  /** How often expiry looks (rule 3.5). */
  intervalSeconds: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3_600 }))
})
export type HoldPolicy = typeof HoldPolicy.Type

/** The policy in force when a tenant has none of its own. */
export const holdPolicy: HoldPolicy = {
  standardMinutes: 15,
  vipMinutes: 30,
  graceMinutes: 2,
  maxExtensions: 3,
  processingExtensionMinutes: 10,
  unreachableRetryMinutes: 10,
  intervalSeconds: 60
}

/** Which length a hold has (rule 3.2). */
export const HoldClass = Schema.Literals(["standard", "vip"])
export type HoldClass = typeof HoldClass.Type

/** `vip`: the buyer's token says so, or any line's ticket type is marked vip (rule 3.2). */
export const holdClass = (vip: boolean): HoldClass => (vip ? "vip" : "standard")

/** The length of one hold, in minutes. */
export const holdMinutes = (policy: HoldPolicy, vip: boolean): number =>
  holdClass(vip) === "vip" ? policy.vipMinutes : policy.standardMinutes

/** The deadline of a new order: one class length after its creation. */
export const initialDeadline = (policy: HoldPolicy, vip: boolean, createdAt: DateTime.Utc): DateTime.Utc =>
  DateTime.add(createdAt, { minutes: holdMinutes(policy, vip) })

/** The furthest that renewals can push the deadline: `maxExtensions` class lengths after the creation (rule 3.3). */
export const holdLimit = (policy: HoldPolicy, vip: boolean, createdAt: DateTime.Utc): DateTime.Utc =>
  DateTime.add(createdAt, { minutes: policy.maxExtensions * holdMinutes(policy, vip) })

/** Whether a hold may still be renewed or paid anew: not at the deadline, nor after it (rules 3.3, 3.4). */
export const isRenewable = (deadline: DateTime.Utc, now: DateTime.Utc): boolean => DateTime.isLessThan(now, deadline)

/** What a renewal reads. */
export interface Renewal {
  readonly vip: boolean
  readonly createdAt: DateTime.Utc
  /** The deadline as it stands; {@link isRenewable} has been asked. */
  readonly deadline: DateTime.Utc
  readonly now: DateTime.Utc
}

/**
 * The deadline after a renewal: one class length from now, at most the limit, and never earlier than it was, even
 * where the extension for a processing payment had passed the limit (rule 3.3).
 */
export const renewedDeadline = (policy: HoldPolicy, { vip, createdAt, deadline, now }: Renewal): DateTime.Utc =>
  DateTime.max(
    deadline,
    DateTime.min(DateTime.add(now, { minutes: holdMinutes(policy, vip) }), holdLimit(policy, vip, createdAt))
  )

/** Until when stock stays held and a success still confirms: the deadline plus the grace (rule 3.4). */
export const graceEndsAt = (deadline: DateTime.Utc, policy: HoldPolicy): DateTime.Utc =>
  DateTime.add(deadline, { minutes: policy.graceMinutes })

/** Whether expiry may act: from the end of grace on, that instant included (rule 3.5). Until then a success confirms. */
export const isExpired = (deadline: DateTime.Utc, now: DateTime.Utc, policy: HoldPolicy): boolean =>
  DateTime.isLessThanOrEqualTo(graceEndsAt(deadline, policy), now)

/**
 * The deadline after the one extension for a payment still processing (rule 3.5): counted from the later of the old
 * deadline and now, so that a sweep that comes late leaves the payment its ten minutes too.
 */
export const processingDeadline = (policy: HoldPolicy, deadline: DateTime.Utc, now: DateTime.Utc): DateTime.Utc =>
  DateTime.add(DateTime.max(deadline, now), { minutes: policy.processingExtensionMinutes })

/** When expiry stops asking a payment service that did not answer at `firstAskedAt`, and expires anyway (rule 3.5). */
export const unreachableUntil = (policy: HoldPolicy, firstAskedAt: DateTime.Utc): DateTime.Utc =>
  DateTime.add(firstAskedAt, { minutes: policy.unreachableRetryMinutes })

/** Slack for one run of expiry to finish, in seconds: stock must not go back before we have decided. */
const EXPIRY_RUN_SECONDS = 60

/**
 * Until when the ticket service is asked to keep the stock: the end of grace, one interval until expiry looks, the time
 * for which it keeps asking a payment service that does not answer (rule 3.5), and its run. Otherwise a payment that
 * still confirms could find its tickets sold. Every end of an order gives its stock back at once, so a long hold costs
 * nothing.
 */
export const downstreamHoldUntil = (deadline: DateTime.Utc, policy: HoldPolicy): DateTime.Utc =>
  DateTime.add(graceEndsAt(deadline, policy), {
    minutes: policy.unreachableRetryMinutes,
    seconds: policy.intervalSeconds + EXPIRY_RUN_SECONDS
  })
