/**
 * The journals of the sandbox's ticket and payment services, for `orders fsck` where the sandbox stands in for them.
 */
import { Effect, Option, Schema } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { type Journals, PaymentFact, TicketFact } from "./Journals.ts"

const journalOf = <Fact>(fact: Schema.Codec<Fact, unknown>) => Schema.Struct({ entries: Schema.Array(fact) })

const readFrom = <Fact>(service: URL, fact: Schema.Codec<Fact, unknown>) =>
  HttpClient.get(new URL("/sandbox/journal", service)).pipe(
    Effect.flatMap(HttpClientResponse.filterStatusOk),
    Effect.flatMap(HttpClientResponse.schemaBodyJson(journalOf(fact))),
    Effect.map(({ entries }) => entries),
    Effect.timeout("10 seconds"),
    // No sandbox there, or one that speaks otherwise: what would be compared with it is not checked.
    Effect.option,
    Effect.map(Option.getOrUndefined)
  )

/** What the sandbox at these addresses has written down; of a service that is not the sandbox, nothing. */
export const read = (services: {
  readonly ticketUrl: URL
  readonly paymentUrl: URL
}): Effect.Effect<Journals, never, HttpClient.HttpClient> =>
  Effect.all({
    tickets: readFrom(services.ticketUrl, TicketFact),
    payments: readFrom(services.paymentUrl, PaymentFact)
  })
