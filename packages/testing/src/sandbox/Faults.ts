/**
 * What may go wrong, where, how often: a plan of faults as data, and the dice that decide about each call.
 *
 * The dice are a pure function of seed, rule, fault and the number of the call under that rule. So a plan fires at the
 * same calls in every run, whatever other routes do in between, and every fault counts how often it fired: a test whose
 * fault never fired has tested nothing.
 */
import { Effect, Ref, Schema } from "effect"
import { RefundStatus } from "./PaymentFacts.ts"

const Probability = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const Millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 600_000 }))

/** How long a hanging call is kept when its client does not give up. */
const HANG_MILLIS_MAX = 120_000

/** `times`: fires at most so often. Both may be left out: always, without end. */
const chance = {
  probability: Schema.optionalKey(Probability),
  times: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0)))
}

/** A wrong answer: one cent off, another currency, no fields, not JSON, far too long, or a redirect. */
export const Lie = Schema.Literals(["amount", "currency", "missing", "html", "huge", "redirect"])
export type Lie = typeof Lie.Type

/**
 * One rule: which calls it is about, and what may happen to them. A bare number is a probability (for `latencyMs`:
 * milliseconds, always). A rule without a route is about every call; a path may hold `*` for one segment.
 */
export const FaultRule = Schema.Struct({
  operation: Schema.optionalKey(Schema.NonEmptyString),
  method: Schema.optionalKey(Schema.NonEmptyString),
  path: Schema.optionalKey(Schema.NonEmptyString),
  /** Waits before doing anything; a client that gives up does not take its request back. */
  latencyMs: Schema.optionalKey(Schema.Union([Millis, Schema.Struct({ ...chance, value: Millis })])),
  /** 500 without the effect. */
  failBefore: Schema.optionalKey(Schema.Union([Probability, Schema.Struct(chance)])),
  /** The effect, and then no answer (the connection is cut) or a 500. */
  failAfter: Schema.optionalKey(
    Schema.Union([
      Probability,
      Schema.Struct({ ...chance, how: Schema.optionalKey(Schema.Literals(["destroy", "status"])) })
    ])
  ),
  /** No answer while the client waits, before the effect or after it. */
  hang: Schema.optionalKey(
    Schema.Union([
      Probability,
      Schema.Struct({
        ...chance,
        when: Schema.optionalKey(Schema.Literals(["before", "after"])),
        forMs: Schema.optionalKey(Millis)
      })
    ])
  ),
  /** A wrong answer about a right effect. */
  lie: Schema.optionalKey(Schema.Union([Probability, Schema.Struct({ ...chance, about: Schema.optionalKey(Lie) })])),
  /** The same request arrives twice; an announcement is sent twice. */
  duplicate: Schema.optionalKey(Schema.Union([Probability, Schema.Struct(chance)])),
  /** Refunds go pending or fail. */
  refundOutcome: Schema.optionalKey(Schema.Union([RefundStatus, Schema.Struct({ ...chance, value: RefundStatus })]))
})
export type FaultRule = typeof FaultRule.Type

export const FaultPlan = Schema.Struct({
  seed: Schema.optionalKey(Schema.Int),
  rules: Schema.Array(FaultRule).check(Schema.isMaxLength(100))
})
export type FaultPlan = typeof FaultPlan.Type

/** A call as the rules see it. */
export interface FaultCall {
  readonly operation: string
  readonly method: string
  readonly path: string
}

/** What happens to one call. */
export interface Fired {
  readonly latencyMs: number
  readonly failBefore: boolean
  readonly failAfter: "destroy" | "status" | undefined
  readonly hang: { readonly when: "before" | "after"; readonly forMs: number } | undefined
  readonly lie: Lie | undefined
  readonly duplicate: boolean
  readonly refundOutcome: RefundStatus | undefined
}

/** The call nothing happens to. */
export const unharmed: Fired = {
  latencyMs: 0,
  failBefore: false,
  failAfter: undefined,
  hang: undefined,
  lie: undefined,
  duplicate: false,
  refundOutcome: undefined
}

export type FaultName = keyof Fired

export interface FaultState {
  readonly plan: FaultPlan
  /** Calls under each rule, by the rule's place in the plan. */
  readonly calls: ReadonlyArray<number>
  /** How often each fault of each rule fired. */
  readonly hits: ReadonlyArray<{ readonly [Name in FaultName]?: number }>
}

export const withPlan = (plan: FaultPlan): FaultState => ({
  plan,
  calls: plan.rules.map(() => 0),
  hits: plan.rules.map(() => ({}))
})

/** One fault of a rule, with defaults filled in. */
interface Hazard {
  readonly fault: FaultName
  readonly probability: number
  readonly times: number
  readonly harm: Partial<Fired>
}

const hazard = (
  fault: FaultName,
  { probability = 1, times = Number.POSITIVE_INFINITY }: { readonly probability?: number; readonly times?: number },
  harm: Partial<Fired>
): Hazard => ({ fault, probability, times, harm })

/** Whatever a rule may say about one of its faults. */
interface Spelt {
  readonly probability?: number
  readonly times?: number
  readonly how?: "destroy" | "status"
  readonly when?: "before" | "after"
  readonly forMs?: number
  readonly about?: Lie
}

/** A bare number is a probability. */
const spelt = (given: number | Spelt): Spelt => (typeof given === "number" ? { probability: given } : given)

const hazardsOf = (rule: FaultRule): ReadonlyArray<Hazard> => {
  const hazards: Array<Hazard> = []
  const { duplicate, failAfter, failBefore, hang, latencyMs, lie, refundOutcome } = rule
  if (latencyMs !== undefined) {
    const given = typeof latencyMs === "number" ? { value: latencyMs } : latencyMs
    hazards.push(hazard("latencyMs", given, { latencyMs: given.value }))
  }
  if (failBefore !== undefined) hazards.push(hazard("failBefore", spelt(failBefore), { failBefore: true }))
  if (failAfter !== undefined) {
    const given = spelt(failAfter)
    hazards.push(hazard("failAfter", given, { failAfter: given.how ?? "destroy" }))
  }
  if (hang !== undefined) {
    const { forMs = HANG_MILLIS_MAX, when = "before", ...given } = spelt(hang)
    hazards.push(hazard("hang", given, { hang: { when, forMs } }))
  }
  if (lie !== undefined) {
    const given = spelt(lie)
    hazards.push(hazard("lie", given, { lie: given.about ?? "amount" }))
  }
  if (duplicate !== undefined) hazards.push(hazard("duplicate", spelt(duplicate), { duplicate: true }))
  if (refundOutcome !== undefined) {
    const given = typeof refundOutcome === "string" ? { value: refundOutcome } : refundOutcome
    hazards.push(hazard("refundOutcome", given, { refundOutcome: given.value }))
  }
  return hazards
}

const pathPattern = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]+")}$`)

const isAbout = (rule: FaultRule, call: FaultCall): boolean =>
  (rule.operation === undefined || rule.operation === call.operation) &&
  (rule.method === undefined || rule.method.toUpperCase() === call.method) &&
  (rule.path === undefined || pathPattern(rule.path).test(call.path))

/** A number in [0, 1) that depends on nothing but its arguments: FNV-1a, then the finaliser of MurmurHash3. */
export const dice = (seed: number, rule: number, fault: string, call: number): number => {
  let hash = 0x811c9dc5
  for (const char of `${seed}/${rule}/${fault}/${call}`) {
    hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

/** Rolls the dice for one call. Of two rules with the same fault the later one says what it looks like. */
export const draw = (state: FaultState, call: FaultCall): { readonly state: FaultState; readonly fired: Fired } => {
  const seed = state.plan.seed ?? 1
  const calls = [...state.calls]
  const hits = [...state.hits]
  let fired = unharmed
  for (const [index, rule] of state.plan.rules.entries()) {
    if (!isAbout(rule, call)) continue
    const number = calls[index] ?? 0
    calls[index] = number + 1
    for (const { fault, harm, probability, times } of hazardsOf(rule)) {
      const before = hits[index]?.[fault] ?? 0
      if (before >= times || dice(seed, index, fault, number) >= probability) continue
      hits[index] = { ...hits[index], [fault]: before + 1 }
      fired = { ...fired, ...harm }
    }
  }
  return { state: { ...state, calls, hits }, fired }
}

/** The plan with its counters, as `GET /sandbox/faults` shows it. */
export interface FaultReport {
  readonly seed: number
  readonly rules: ReadonlyArray<{
    readonly rule: FaultRule
    readonly calls: number
    readonly hits: { readonly [Name in FaultName]?: number }
  }>
}

export const reportOf = ({ calls, hits, plan }: FaultState): FaultReport => ({
  seed: plan.seed ?? 1,
  rules: plan.rules.map((rule, index) => ({ rule, calls: calls[index] ?? 0, hits: hits[index] ?? {} }))
})

/** The faults of one service: a plan that can be replaced at any time. Replacing it starts the counters anew. */
export interface Faults {
  readonly set: (plan: FaultPlan) => Effect.Effect<void>
  readonly clear: Effect.Effect<void>
  readonly report: Effect.Effect<FaultReport>
  readonly draw: (call: FaultCall) => Effect.Effect<Fired>
}

export const make: Effect.Effect<Faults> = Effect.map(Ref.make(withPlan({ rules: [] })), (state) => ({
  set: (plan) => Ref.set(state, withPlan(plan)),
  clear: Ref.set(state, withPlan({ rules: [] })),
  report: Effect.map(Ref.get(state), reportOf),
  draw: (call) =>
    Ref.modify(state, (before) => {
      const { fired, state: after } = draw(before, call)
      return [fired, after]
    })
}))
