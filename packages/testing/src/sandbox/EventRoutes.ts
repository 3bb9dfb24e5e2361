/**
 * The event sandbox's HTTP face: contract, section 2, plus controls that add events and change their status.
 */
import { DateTime, Effect, Option, Result, Schema } from "effect"
import { EventId, TenantId } from "@tickettoken/order-domain/Ids"
import { demo } from "./catalogue.ts"
import { CurrencyCode } from "./Engine.ts"
import * as Directory from "./EventDirectory.ts"
import type { Journal } from "./Journal.ts"
import { control, get, type Route } from "./Routes.ts"
import { replying } from "./Wire.ts"

/** An event to add; what is left out is as in the demo: USD, on sale, 60 days ahead, three hours long. */
export const NewEvent = Schema.Struct({
  id: Schema.optionalKey(EventId),
  tenantId: Schema.optionalKey(TenantId),
  name: Schema.optionalKey(Schema.NonEmptyString),
  status: Schema.optionalKey(Directory.EventStatus),
  currency: Schema.optionalKey(CurrencyCode),
  startsAt: Schema.optionalKey(Schema.DateTimeUtcFromString),
  endsAt: Schema.optionalKey(Schema.DateTimeUtcFromString),
  timezone: Schema.optionalKey(Schema.NonEmptyString)
})
export type NewEvent = typeof NewEvent.Type

/** Fills in what a new event leaves out. `uuid` makes ids. */
export const completeEvent = Effect.fnUntraced(function* (given: NewEvent, uuid: Effect.Effect<string>) {
  const startsAt = given.startsAt ?? DateTime.add(yield* DateTime.now, { days: 60 })
  const event: Directory.Event = {
    tenantId: demo.tenantId,
    name: "Another Night",
    status: "ON_SALE",
    currency: "USD",
    timezone: "America/New_York",
    startsAt,
    endsAt: DateTime.add(startsAt, { hours: 3 }),
    ...given,
    id: given.id ?? EventId.make(yield* uuid)
  }
  return event
})

const StatusRequest = Schema.Struct({ status: Directory.EventStatus })
const Nothing = Schema.Struct({})

const replyEvent = replying(Directory.Event, (encoded) => ({ event: encoded }))

/** What is not even an id is no event either. */
const noEvent = (id: string) =>
  replyEvent(Result.fail(new Directory.EventRefusal({ code: "EVENT_NOT_FOUND", message: `there is no event ${id}` })))

export const eventRoutes = (
  { perform }: Journal<Directory.EventState, Directory.EventFact>,
  uuid: Effect.Effect<string>
): ReadonlyArray<Route> => {
  const about = (
    id: string,
    answer: (id: EventId) => Effect.Effect<Result.Result<Directory.Event, Directory.EventRefusal>>
  ) =>
    Option.match(Schema.decodeUnknownOption(EventId)(id), {
      onNone: () => Effect.succeed(noEvent(id)),
      onSome: (eventId) => Effect.map(answer(eventId), replyEvent)
    })
  const setStatus = (id: string, status: Directory.EventStatus) =>
    about(id, (eventId) => perform((state) => Directory.setStatus(state, { id: eventId, status })))
  return [
    get("events.get", "/internal/events/:id", ({ id, ...owner }) =>
      about(id, (eventId) => perform((state) => Directory.getEvent(state, { id: eventId, ...owner })))
    ),
    control("POST", "/sandbox/events", NewEvent, ({ body }) =>
      Effect.flatMap(completeEvent(body, uuid), (event) =>
        Effect.map(
          perform((state) => Directory.addEvent(state, { event })),
          replyEvent
        )
      )
    ),
    control("POST", "/sandbox/events/:id/cancel", Nothing, ({ id }) => setStatus(id, "CANCELLED")),
    control("POST", "/sandbox/events/:id/status", StatusRequest, ({ body, id }) => setStatus(id, body.status))
  ]
}
