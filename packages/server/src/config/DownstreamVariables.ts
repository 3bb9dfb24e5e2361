/**
 * The variables that say how other services are called: how long, how often, and when no more.
 */
import { STEP_SECONDS_MAX } from "@tickettoken/order-domain/Work"
import * as Kind from "./ConfigKinds.ts"
import { withDefault } from "./Variable.ts"

const section = "Other services"

/** By the name under which the server knows each one. */
export const downstreamVariables = {
  downstreamAttemptTimeout: withDefault({
    name: "ORDER_DOWNSTREAM_ATTEMPT_TIMEOUT_SECONDS",
    section,
    kind: Kind.secondsBelow(STEP_SECONDS_MAX, 0.05),
    default: "5",
    description: "How long one attempt of a call may take."
  }),
  downstreamDeadline: withDefault({
    name: "ORDER_DOWNSTREAM_DEADLINE_SECONDS",
    section,
    kind: Kind.secondsBelow(STEP_SECONDS_MAX, 0.05),
    default: "7",
    description:
      "How long a call may take in all. Less than a step of work takes, so that its outcome is written by the one who asked. An attempt is repeated only if one more that takes its whole time would end before this."
  }),
  downstreamRetriesMax: withDefault({
    name: "ORDER_DOWNSTREAM_RETRIES_MAX",
    section,
    kind: Kind.whole("attempts", 0, 10),
    default: "3",
    description: "How often an attempt without an answer is repeated within its call, with the same key."
  }),
  downstreamRetryDelayMillis: withDefault({
    name: "ORDER_DOWNSTREAM_RETRY_DELAY_MS",
    section,
    kind: Kind.whole("milliseconds", 1, 5000),
    default: "100",
    description:
      "The longest pause before the first repetition; before each further one it may be twice as long. The pause itself is chosen at random from none to all of it."
  }),
  downstreamRetryShare: withDefault({
    name: "ORDER_DOWNSTREAM_RETRY_PERCENTAGE",
    section,
    kind: Kind.percentage,
    default: "10",
    description:
      "How many repetitions there may be for a hundred calls of one service, beside ten that are saved up for quiet times."
  }),
  downstreamConnectionsMax: withDefault({
    name: "ORDER_DOWNSTREAM_CONNECTIONS_MAX",
    section,
    kind: Kind.whole("connections", 1, 10_000),
    default: "128",
    description: "Connections to one service. Requests beyond them wait, within the time of their attempt."
  }),
  eventFresh: withDefault({
    name: "ORDER_EVENT_CACHE_SECONDS",
    section,
    kind: Kind.seconds(0, 3600),
    default: "10",
    description: "How long what the event service says of an event counts before it is asked again."
  }),
  eventStale: withDefault({
    name: "ORDER_EVENT_CACHE_STALE_SECONDS",
    section,
    kind: Kind.seconds(0, 86_400),
    default: "300",
    description:
      "How old its last answer may be while it gives no new one. After that orders for the event are refused with 503."
  }),
  circuitFailureShare: withDefault({
    name: "ORDER_CIRCUIT_FAILURE_PERCENTAGE",
    section,
    kind: Kind.percentage,
    default: "50",
    description:
      "When so many of the last attempts have failed, nothing is sent for a while. Broken connections, timeouts and 5xx count; a 4xx never does."
  }),
  circuitCalls: withDefault({
    name: "ORDER_CIRCUIT_CALLS",
    section,
    kind: Kind.whole("attempts", 1, 1000),
    default: "10",
    description: "How many attempts of one service and class are looked at, and how many there must have been."
  }),
  circuitOpen: withDefault({
    name: "ORDER_CIRCUIT_OPEN_SECONDS",
    section,
    kind: Kind.seconds(0.1, 300),
    default: "30",
    description: "How long nothing is sent then. After that one request finds out."
  })
}
