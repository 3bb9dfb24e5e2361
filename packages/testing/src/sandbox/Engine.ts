/**
 * What the three sandbox engines share: they are event-sourced, pure and synchronous.
 *
 * A request meets a state and an instant, and gives facts and a reply. The new state is the old one folded over those
 * facts and nothing else, so a journal of facts is all it takes to rebuild an engine. No clock, no randomness and no
 * HTTP in here: the sandbox servers and the in-memory ports of the test kit wrap the very same functions.
 */
import { Schema } from "effect"

/** How facts become a state. */
export interface Engine<State, Fact> {
  readonly empty: State
  readonly apply: (state: State, fact: Fact) => State
}

/** The outcome of one request. `facts` is empty when the request changed nothing. */
export interface Step<State, Fact, Reply> {
  readonly state: State
  readonly facts: ReadonlyArray<Fact>
  readonly reply: Reply
}

/** The step that these facts make. */
export const stepWith = <State, Fact, Reply>(
  engine: Engine<State, Fact>,
  state: State,
  facts: ReadonlyArray<Fact>,
  reply: Reply
): Step<State, Fact, Reply> => ({ state: facts.reduce(engine.apply, state), facts, reply })

/** The state that a journal of facts stands for. */
export const rebuild = <State, Fact>(engine: Engine<State, Fact>, facts: Iterable<Fact>): State => {
  let state = engine.empty
  for (const fact of facts) {
    state = engine.apply(state, fact)
  }
  return state
}

/** One tenant's name space: the same id in two tenants means two things, so neither learns of the other. */
export const scoped = (tenantId: string, ...path: ReadonlyArray<string>): string => [tenantId, ...path].join("/")

/** The key of a request, as the header carries it: 1 to 255 printable ASCII characters. */
export const IdempotencyKey = Schema.String.check(
  Schema.isPattern(/^[\x20-\x7e]{1,255}$/, { expected: "1 to 255 printable ASCII characters" })
)

/** An ISO 4217 code. Wider than the order service's list on purpose: the sandbox must be able to name a wrong one. */
export const CurrencyCode = Schema.String.check(Schema.isPattern(/^[A-Z]{3}$/, { expected: "a currency code" }))
