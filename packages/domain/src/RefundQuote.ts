/**
 * What one refund would return: the quote that the real refund must match (rules 4.2 to 4.4). Plain functions on plain
 * data, usable without Effect. Amounts are minor units of the order's currency.
 *
 * **How parts add up.** Every ticket has a fixed share of the captured money: largest remainder over all tickets, in
 * order. Retention is counted on everything returned so far, less what earlier refunds kept, so roundings do not pile
 * up. Any order of returning the tickets therefore returns in all, to the unit, what one refund of everything does.
 * Shares go by position within a line, so after a refund that FAILED one unit may come with a later refund instead.
 */
import { Result, Schema } from "effect"
import {
  AMOUNT_CEILING,
  type AmountOutOfRange,
  allocateGroups,
  Cents,
  checked,
  formatRate,
  minusOrZero,
  portion,
  type Shares,
  smallerOf,
  unsafeCents,
  zeroCents
} from "./Money.ts"
import { subtotalOf } from "./Pricing.ts"
import type { RefundPolicy } from "./RefundPolicy.ts"

/** A line of the order as refunds see it. */
export interface RefundLine {
  readonly itemId: string
  readonly quantity: number
  readonly unitPrice: number
  /** Tickets returned by refunds that are not REJECTED or FAILED, pending ones included. */
  readonly returnedQuantity: number
  /** Those of them that were returned without retention; 0 if absent. */
  readonly waivedQuantity?: number
}

/** How much is asked for: all that is left, an amount in minor units, or tickets. */
export type RefundRequest =
  | { readonly _tag: "Everything" }
  | { readonly _tag: "Amount"; readonly amount: number }
  | { readonly _tag: "Items"; readonly items: RequestedItems }

/** Tickets to return, each item at most once. */
export type RequestedItems = ReadonlyArray<{ readonly itemId: string; readonly quantity: number }>

/** The order and its earlier refunds as plain data, and the request. Amounts in minor units. */
export interface RefundInput {
  readonly subtotal: number
  readonly total: number
  readonly captured: number
  /** The sum of all refunds that are not REJECTED or FAILED (rule 4.4). */
  readonly refundCommitted: number
  readonly lines: ReadonlyArray<RefundLine>
  /** An earlier refund that is not REJECTED or FAILED has kept the fixed part. */
  readonly fixedRetentionTaken: boolean
  readonly request: RefundRequest
  /** False when the organiser cancelled, or the payment was late or double: nothing is kept (rule 4.2). */
  readonly retain: boolean
}

/** What a refund would return, in minor units: `gross` is `amount` + `retained` + `alreadyReturned`. */
export interface RefundQuote {
  readonly policyVersion: string
  /** What the buyer gets. 0 when nothing is left, or for tickets worth no more than their retention. */
  readonly amount: Cents
  /** The share of the captured money that the request stands for. */
  readonly gross: Cents
  /** What is kept of it under rule 4.2. */
  readonly retained: Cents
  /** Whether this refund keeps the fixed part: later ones of the order then pass `fixedRetentionTaken: true`. */
  readonly fixedRetentionTaken: boolean
  /** What earlier refunds of an amount had returned of it. */
  readonly alreadyReturned: Cents
  /** The most that could be refunded before this refund (rule 4.4). */
  readonly refundableRest: Cents
  /** The tickets that come back. */
  readonly items: RequestedItems
}

/** The amount asked for is more than what is left to refund (rule 4.4). */
export class RefundExceedsCaptured extends Schema.TaggedError<RefundExceedsCaptured>()("RefundExceedsCaptured", {
  requested: Cents,
  refundable: Cents
}) {
  override get message(): string {
    return `${this.requested} was asked for, ${this.refundable} can be refunded`
  }
}

/** One fault of a refund request, with its place in the request: `amount`, `items` or `items[0].quantity`. */
export const RefundRequestIssue = Schema.Struct({ path: Schema.String, message: Schema.String })
export type RefundRequestIssue = typeof RefundRequestIssue.Type

/** The request makes no sense for this order; every fault is listed with its place in the request. */
export class RefundRequestInvalid extends Schema.TaggedError<RefundRequestInvalid>()("RefundRequestInvalid", {
  issues: Schema.NonEmptyArray(RefundRequestIssue)
}) {
  override get message(): string {
    return this.issues.map(({ path, message }) => `${path}: ${message}`).join("; ")
  }
}

/** Why there is no refund quote. */
export type RefundError = AmountOutOfRange | RefundRequestInvalid | RefundExceedsCaptured

/**
 * Quotes one refund. Fails with the first that applies: `AmountOutOfRange` (the data are no amounts),
 * {@link RefundRequestInvalid} (no such ticket, an amount below 1), {@link RefundExceedsCaptured} (an amount above the
 * rest). Everything and Items never exceed the rest: they are cut to it.
 */
export const quoteRefund = (input: RefundInput, policy: RefundPolicy): Result.Result<RefundQuote, RefundError> => {
  const account = accountOf(input, policy)
  if (Result.isFailure(account)) return Result.fail(account.failure)
  switch (input.request._tag) {
    case "Everything":
      return Result.succeed(quoteEverything(input, account.success))
    case "Amount":
      return quoteAmount(input, account.success, input.request.amount)
    case "Items":
      return quoteItems(input, account.success, input.request.items)
  }
}

/** The standing of an order before a refund, in minor units. */
interface Account {
  readonly policy: RefundPolicy
  readonly captured: Cents
  readonly committed: Cents
  /** The subtotal of tickets returned so far with retention. */
  readonly returnedSubtotal: Cents
  /** What earlier refunds have kept. */
  readonly kept: Cents
  /** What can be refunded (rule 4.4): captured, less committed, less all that will have been kept in the end. */
  readonly rest: Cents
}

const accountOf = (input: RefundInput, policy: RefundPolicy): Result.Result<Account, AmountOutOfRange> =>
  Result.gen(function* () {
    const subtotal = yield* checked(input.subtotal)
    const captured = yield* checked(input.captured)
    const committed = yield* checked(input.refundCommitted)
    yield* subtotalOf(input.lines)
    const waivedSubtotal = yield* subtotalOf(
      input.lines.map((line) => ({ unitPrice: line.unitPrice, quantity: waivedOf(line) }))
    )
    const returnedSubtotal = yield* subtotalOf(
      input.lines.map((line) => ({ unitPrice: line.unitPrice, quantity: line.returnedQuantity - waivedOf(line) }))
    )
    const retainableSubtotal = minusOrZero(subtotal, waivedSubtotal)
    const kept = retentionOf(policy, returnedSubtotal, input.fixedRetentionTaken)
    const keptInTheEnd = retentionOf(policy, retainableSubtotal, input.fixedRetentionTaken || retainableSubtotal > 0)
    const uncommitted = minusOrZero(captured, committed)
    const rest = input.retain ? minusOrZero(uncommitted, keptInTheEnd) : uncommitted
    return { policy, captured, committed, returnedSubtotal, kept, rest }
  })

/** The retention of a refunded subtotal under rule 4.2, in minor units, with or without the fixed part. */
const retentionOf = (policy: RefundPolicy, subtotal: Cents, withFixed: boolean): Cents =>
  unsafeCents(
    // No captured amount is above the ceiling, so keeping more than that keeps no more.
    Math.min(portion(subtotal, policy.retentionRate, "down") + (withFixed ? policy.retentionFixed : 0), AMOUNT_CEILING)
  )

/** All that is left: exactly the rest, and every ticket that is not back yet. */
const quoteEverything = (input: RefundInput, account: Account): RefundQuote => {
  const uncommitted = minusOrZero(account.captured, account.committed)
  const gross = input.retain ? minusOrZero(uncommitted, account.kept) : uncommitted
  const retained = minusOrZero(gross, account.rest)
  return {
    ...quoteOf(input, account, { gross, retained }),
    items: input.lines
      .map((line) => ({ itemId: line.itemId, quantity: openQuantity(line) }))
      .filter(({ quantity }) => quantity > 0)
  }
}

/** Exactly the given amount; no ticket comes back and nothing more is kept of it (rule 4.4). */
const quoteAmount = (
  input: RefundInput,
  account: Account,
  amount: number
): Result.Result<RefundQuote, AmountOutOfRange | RefundRequestInvalid | RefundExceedsCaptured> => {
  const requested = checked(amount)
  if (Result.isFailure(requested)) return Result.fail(requested.failure)
  if (requested.success === 0) {
    return Result.fail(new RefundRequestInvalid({ issues: [{ path: "amount", message: "at least 1" }] }))
  }
  return requested.success > account.rest
    ? Result.fail(new RefundExceedsCaptured({ requested: requested.success, refundable: account.rest }))
    : Result.succeed(quoteOf(input, account, { gross: requested.success, retained: zeroCents }))
}

/** The shares of the given tickets, less the retention they bring due, cut to the rest (rule 4.2). */
const quoteItems = (
  input: RefundInput,
  account: Account,
  items: RequestedItems
): Result.Result<RefundQuote, AmountOutOfRange | RefundRequestInvalid> => {
  const [first, ...others] = itemIssues(input.lines, items)
  if (first !== undefined) return Result.fail(new RefundRequestInvalid({ issues: [first, ...others] }))
  const quantities = new Map(items.map(({ itemId, quantity }) => [itemId, quantity]))
  const quantityOf = (line: RefundLine): number => quantities.get(line.itemId) ?? 0
  const subtotal = subtotalOf(
    input.lines.map((line) => ({
      unitPrice: line.unitPrice,
      quantity: line.returnedQuantity - waivedOf(line) + quantityOf(line)
    }))
  )
  if (Result.isFailure(subtotal)) return Result.fail(subtotal.failure)
  const gross = sharesOf(account.captured, input.lines, quantityOf)
  const due = input.retain ? minusOrZero(retentionOf(account.policy, subtotal.success, true), account.kept) : zeroCents
  return Result.succeed({ ...quoteOf(input, account, { gross, retained: smallerOf(gross, due) }), items })
}

/** The quote of a share and what is kept of it: the rest of the account is the most that it returns. */
const quoteOf = (
  input: RefundInput,
  account: Account,
  { gross, retained }: { readonly gross: Cents; readonly retained: Cents }
): RefundQuote => {
  const due = minusOrZero(gross, retained)
  const amount = smallerOf(due, account.rest)
  return {
    policyVersion: account.policy.version,
    amount,
    gross,
    retained,
    fixedRetentionTaken: retained > 0 && !input.fixedRetentionTaken,
    alreadyReturned: minusOrZero(due, amount),
    refundableRest: account.rest,
    items: []
  }
}

/** The part of the captured money that the next `quantityOf` tickets of each line stand for, in minor units. */
const sharesOf = (
  captured: Cents,
  lines: ReadonlyArray<RefundLine>,
  quantityOf: (line: RefundLine) => number
): Cents => {
  const shares = allocateGroups(
    captured,
    lines.map((line) => ({ weight: line.unitPrice, count: line.quantity }))
  )
  const first = (tickets: number, share: Shares): number => share.each * tickets + Math.min(tickets, share.extras)
  return unsafeCents(
    // A part of the whole that was split: never more than the captured amount.
    lines.reduce((sum, line, at) => {
      const share = shares[at] ?? noShares
      const returned = line.returnedQuantity
      return sum + first(returned + quantityOf(line), share) - first(returned, share)
    }, 0)
  )
}

const noShares: Shares = { each: zeroCents, extras: 0 }

const waivedOf = (line: RefundLine): number => line.waivedQuantity ?? 0

const openQuantity = (line: RefundLine): number => Math.max(0, line.quantity - line.returnedQuantity)

/** Every fault of the requested tickets. */
const itemIssues = (lines: ReadonlyArray<RefundLine>, items: RequestedItems): ReadonlyArray<RefundRequestIssue> => {
  const open = new Map(lines.map((line) => [line.itemId, openQuantity(line)]))
  const seen = new Set<string>()
  const faults = items.flatMap(({ itemId, quantity }, at): ReadonlyArray<RefundRequestIssue> => {
    const again = seen.has(itemId)
    seen.add(itemId)
    const most = open.get(itemId)
    if (most === undefined) return [{ path: `items[${at}].itemId`, message: "no such item in this order" }]
    if (again) return [{ path: `items[${at}].itemId`, message: "the item is listed twice" }]
    return Number.isInteger(quantity) && quantity >= 1 && quantity <= most
      ? []
      : [{ path: `items[${at}].quantity`, message: `a whole number from 1 to the ${most} not yet returned` }]
  })
  return items.length === 0 ? [{ path: "items", message: "at least one item" }] : faults
}

/** One step of a refund: an amount in minor units, and the same as a sentence. */
export interface RefundStep {
  readonly step: "captured" | "committed" | "rest" | "gross" | "retained" | "alreadyReturned" | "amount"
  readonly amount: number
  readonly line: string
}

/** How a refund comes to its amount, step by step. Fails as {@link quoteRefund} does. */
export const explainRefund = (
  input: RefundInput,
  policy: RefundPolicy
): Result.Result<ReadonlyArray<RefundStep>, RefundError> =>
  Result.map(quoteRefund(input, policy), (quote) => [
    {
      step: "captured",
      amount: input.captured,
      line: `captured: ${input.captured} for an order of ${input.total}`
    },
    {
      step: "committed",
      amount: input.refundCommitted,
      line: `refunds so far: ${input.refundCommitted}, rejected and failed ones left out`
    },
    {
      step: "rest",
      amount: quote.refundableRest,
      line: `refundable: ${quote.refundableRest}${input.retain ? " once the whole retention is set aside" : ", nothing is retained"}`
    },
    { step: "gross", amount: quote.gross, line: `share of the captured money: ${quote.gross}` },
    { step: "retained", amount: quote.retained, line: retainedLine(input, policy, quote) },
    {
      step: "alreadyReturned",
      amount: quote.alreadyReturned,
      line: `returned before by refunds of an amount: ${quote.alreadyReturned}`
    },
    {
      step: "amount",
      amount: quote.amount,
      line: `refund: ${quote.gross} - ${quote.retained} - ${quote.alreadyReturned} = ${quote.amount}`
    }
  ])

const retainedLine = (input: RefundInput, policy: RefundPolicy, quote: RefundQuote): string => {
  if (!input.retain || input.request._tag === "Amount") return "retained: nothing"
  const fixed = quote.fixedRetentionTaken ? ` + ${policy.retentionFixed} once per order` : ""
  return `retained: ${formatRate(policy.retentionRate)} of the refunded subtotal${fixed} = ${quote.retained}, at most what is refundable (policy ${policy.version})`
}
