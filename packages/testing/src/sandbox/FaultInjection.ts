/**
 * Lets the faults of a plan happen to one HTTP call.
 *
 * The effect of a call runs on a fiber of the server: once a request has been read, a client that hangs up no longer
 * takes it back, just as no network would. That is what makes "too slow, but done" (F25, F26, F27) possible.
 */
import { Effect, Fiber, type Scope } from "effect"
import type { Fired, Lie } from "./Faults.ts"
import { problem, type Reply } from "./Wire.ts"

/** More than a careful client reads. */
const HUGE_BYTES = 16 * 1024 * 1024

const isRecord = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Rewrites every member of that name, however deep. */
const rewritten = (value: unknown, rewrite: (name: string, member: unknown) => unknown): unknown => {
  if (Array.isArray(value)) return value.map((item) => rewritten(item, rewrite))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, rewritten(rewrite(name, member), rewrite)])
  )
}

const amountNames = new Set(["amount", "amountCaptured", "price"])

const wrong = (reply: Reply, rewrite: (name: string, member: unknown) => unknown): Reply => {
  const body = rewritten(reply.body, rewrite)
  return isRecord(body) ? { ...reply, body } : reply
}

/** The same answer, but not true. */
export const lieAbout = (about: Lie, reply: Reply): Reply => {
  switch (about) {
    case "amount":
      return wrong(reply, (name, member) => (amountNames.has(name) && typeof member === "number" ? member + 1 : member))
    case "currency":
      return wrong(reply, (name, member) =>
        name === "currency" && typeof member === "string" ? (member === "CAD" ? "AUD" : "CAD") : member
      )
    case "missing":
      return { ...reply, body: {} }
    case "html":
      return { ...reply, contentType: "text/html", body: "<html><body>It works!</body></html>" }
    case "huge":
      return { ...reply, body: { ...(isRecord(reply.body) ? reply.body : {}), padding: "x".repeat(HUGE_BYTES) } }
    case "redirect":
      return { status: 302, contentType: "text/plain", body: "", headers: { location: "http://127.0.0.1:1/elsewhere" } }
  }
}

/** Waits as long as the client does, at most until the fault gives up and cuts the connection. */
const hanging = (forMs: number, cut: Effect.Effect<never>): Effect.Effect<never> =>
  Effect.sleep(forMs).pipe(Effect.andThen(cut))

/** Answers a call the way its faults want it. `cut` ends the connection without an answer. */
export const inject = Effect.fnUntraced(function* (
  scope: Scope.Scope,
  fired: Fired,
  answer: Effect.Effect<Reply>,
  cut: Effect.Effect<never>
) {
  const { duplicate, failAfter, failBefore, hang, latencyMs, lie } = fired
  if (hang?.when === "before") return yield* hanging(hang.forMs, cut)
  const wait = latencyMs > 0 ? Effect.sleep(latencyMs) : Effect.void
  const work = Effect.andThen(
    wait,
    failBefore
      ? Effect.succeed(problem("INJECTED_FAULT", "a fault was injected before the effect"))
      : Effect.tap(answer, () => (duplicate ? answer : Effect.void))
  )
  const reply = yield* Effect.forkIn(work, scope).pipe(Effect.flatMap(Fiber.join))
  if (hang !== undefined) return yield* hanging(hang.forMs, cut)
  if (failBefore) return reply
  if (failAfter === "destroy") return yield* cut
  if (failAfter === "status") return problem("INJECTED_FAULT", "a fault was injected after the effect")
  return lie === undefined || reply.status >= 300 ? reply : lieAbout(lie, reply)
})
