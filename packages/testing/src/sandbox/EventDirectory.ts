/**
 * The event sandbox's engine: events that are added, looked up and change their status.
 */
import { HashMap, Option, Result, Schema } from "effect"
import { EventId, TenantId } from "@tickettoken/order-domain/Ids"
import { CurrencyCode, type Engine, type Step, stepWith } from "./Engine.ts"

export const EventStatus = Schema.Literals(["DRAFT", "ON_SALE", "SOLD_OUT", "CANCELLED", "POSTPONED", "ENDED"])
export type EventStatus = typeof EventStatus.Type

export const Event = Schema.Struct({
  id: EventId,
  tenantId: TenantId,
  name: Schema.NonEmptyString,
  status: EventStatus,
  currency: CurrencyCode,
  startsAt: Schema.DateTimeUtcFromString,
  endsAt: Schema.DateTimeUtcFromString,
  timezone: Schema.NonEmptyString
})
export type Event = typeof Event.Type

export class EventRefusal extends Schema.TaggedError<EventRefusal>()("EventRefusal", {
  code: Schema.Literals(["EVENT_NOT_FOUND", "EVENT_EXISTS"]),
  message: Schema.String
}) {}

/** What has happened, in the order in which it happened. `kind` is the word on the wire. */
export const EventFact = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("event.added"), event: Event }),
  Schema.Struct({
    kind: Schema.Literal("event.status-changed"),
    tenantId: TenantId,
    eventId: EventId,
    status: EventStatus
  })
])
export type EventFact = typeof EventFact.Type

export interface EventState {
  readonly events: HashMap.HashMap<EventId, Event>
}

export type EventStep = Step<EventState, EventFact, Result.Result<Event, EventRefusal>>

const apply = (state: EventState, fact: EventFact): EventState => {
  switch (fact.kind) {
    case "event.added":
      return { events: HashMap.set(state.events, fact.event.id, fact.event) }
    case "event.status-changed":
      return { events: HashMap.modify(state.events, fact.eventId, (event) => ({ ...event, status: fact.status })) }
  }
}

export const engine: Engine<EventState, EventFact> = { empty: { events: HashMap.empty() }, apply }

const refuse = (state: EventState, code: EventRefusal["code"], message: string): EventStep =>
  stepWith(engine, state, [], Result.fail(new EventRefusal({ code, message })))

const notFound = (state: EventState, id: EventId): EventStep =>
  refuse(state, "EVENT_NOT_FOUND", `there is no event ${id}`)

/** The event as it is, if the tenant has it. A caller that names no tenant may see every tenant's. */
export const getEvent = (
  state: EventState,
  request: { readonly id: EventId; readonly tenantId?: TenantId }
): EventStep => {
  const event = Option.getOrUndefined(HashMap.get(state.events, request.id))
  return event === undefined || (request.tenantId !== undefined && event.tenantId !== request.tenantId)
    ? notFound(state, request.id)
    : stepWith(engine, state, [], Result.succeed(event))
}

/** Puts an event into the directory. */
export const addEvent = (state: EventState, request: { readonly event: Event }): EventStep => {
  const { event } = request
  return HashMap.has(state.events, event.id)
    ? refuse(state, "EVENT_EXISTS", `there is already an event ${event.id}`)
    : stepWith(engine, state, [{ kind: "event.added", event }], Result.succeed(event))
}

/** Gives an event another status, for instance CANCELLED. */
export const setStatus = (
  state: EventState,
  request: { readonly id: EventId; readonly status: EventStatus }
): EventStep => {
  const { id: eventId, status } = request
  const event = Option.getOrUndefined(HashMap.get(state.events, eventId))
  if (event === undefined) return notFound(state, eventId)
  const { tenantId } = event
  const facts = event.status === status ? [] : [{ kind: "event.status-changed", tenantId, eventId, status } as const]
  return stepWith(engine, state, facts, Result.succeed({ ...event, status }))
}
