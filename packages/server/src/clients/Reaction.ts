/**
 * What is done about an attempt that brought no answer: the one table.
 *
 * **Details**
 *
 * - `retried`: the same request may be sent again in this call, with its key
 * - `counted`: it speaks against the service, and so may open its circuit
 *
 * A 4xx never counts: it is about the request, our credential or our rate, and a service that can say so works.
 */

/**
 * - transport: no connection, or one that broke
 * - timeout: nothing, or not all of it, in time
 * - failing: a 5xx
 * - busy: the service asks for patience (408, 425, 429), or our key is still at work there
 * - wrong: something that is no answer and stays none, such as a page, a redirect or a refused credential
 * - turnedAway: our own circuit is open, and nothing was sent
 */
export type Failure = "transport" | "timeout" | "failing" | "busy" | "wrong" | "turnedAway"

interface Reaction {
  readonly retried: boolean
  readonly counted: boolean
}

export const reactions: { readonly [Kind in Failure]: Reaction } = {
  transport: { retried: true, counted: true },
  timeout: { retried: true, counted: true },
  failing: { retried: true, counted: true },
  busy: { retried: true, counted: false },
  wrong: { retried: false, counted: false },
  turnedAway: { retried: false, counted: false }
}

/** Said of the request itself. The other 4xx are about credentials, routes, sizes or load: an outage to us. */
const refusalStatuses = new Set([400, 402, 404, 409, 410, 422])

const busyStatuses = new Set([408, 425, 429])

/** How an answer with this status is read: as yes, as a no that needs a code, or as no answer. */
export const readingOf = (status: number): "accepted" | "refused" | Failure => {
  if (status >= 200 && status <= 299) return "accepted"
  if (status >= 500) return "failing"
  if (refusalStatuses.has(status)) return "refused"
  return busyStatuses.has(status) ? "busy" : "wrong"
}
