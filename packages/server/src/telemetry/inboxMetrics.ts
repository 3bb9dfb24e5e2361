/**
 * Counts what comes of the messages of other services: an inbox around the inbox. Those that change an order end with its
 * commit, which orderMetrics.ts counts.
 */
import { Inbox } from "@tickettoken/order-domain/ports/Inbox"
import { Effect, Layer } from "effect"
import { messages } from "./Metrics.ts"

/** The inbox that it is given, with what was received and ended counted. */
export const layer: Layer.Layer<Inbox, never, Inbox> = Layer.effect(
  Inbox,
  Effect.map(Inbox, (inbox) =>
    Inbox.of({
      ...inbox,
      receive: (message) =>
        Effect.tap(inbox.receive(message), (claimed) =>
          messages.consumed.record(1, { outcome: claimed === null ? "known" : "new" })
        ),
      end: (lease, end) =>
        Effect.tap(
          inbox.end(lease, end),
          messages.consumed.record(1, { outcome: end._tag === "Dead" ? "dead" : "unchanged" })
        ),
      retry: (lease, how) => Effect.tap(inbox.retry(lease, how), messages.consumed.record(1, { outcome: "retried" }))
    })
  )
)
