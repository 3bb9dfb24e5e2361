/**
 * Counts the checks of the acceptance run and prints one line for each.
 */

let passed = 0
let failed = 0

/** Runs one check: it passes unless it throws. */
export const check = async (what: string, run: () => unknown): Promise<void> => {
  try {
    await run()
    passed += 1
    console.log(`ok      ${what}`)
  } catch (cause) {
    failed += 1
    console.log(`FAILED  ${what}\n        ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

/** Prints the sum as the last line and answers the exit code. */
export const finish = (): number => {
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

/** A JSON answer with its status, as far as it can be read. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: Body
}

/** The fields that checks look at. An answer that lacks one fails the check that wants it. */
export interface Body {
  readonly id: string
  readonly status: string
  readonly code: string
  readonly amount: number
  readonly paymentStatus: string
  readonly paymentIntentId: string
  readonly createdAt: string
  readonly reservationExpiresAt: string
  readonly pricing: Readonly<Record<"subtotal" | "platformFee" | "processingFee" | "tax" | "total", number>>
  readonly tickets: ReadonlyArray<unknown>
  readonly refunds: ReadonlyArray<{ readonly amount: number }>
  readonly events: ReadonlyArray<{
    readonly eventType: string
    readonly userId: string
    readonly ipAddress: string
    readonly actor: { readonly kind: string; readonly id: string }
  }>
  readonly pagination: { readonly total: number }
}

const parse: (text: string) => Body = JSON.parse

/** Reads an answer's JSON; what is not JSON has no fields. */
export const readBody = (text: string): Body => parse(text.trimStart().startsWith("{") ? text : "{}")

/** Calls an HTTP endpoint with a JSON body. */
export const call = async (
  method: string,
  url: string,
  options: { readonly token?: string; readonly body?: unknown; readonly headers?: Record<string, string> } = {}
): Promise<Answer> => {
  const response = await fetch(url, {
    method,
    headers: {
      ...(options.token === undefined ? {} : { authorization: options.token }),
      ...(options.body === undefined ? {} : { "content-type": "application/json" }),
      ...options.headers
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) })
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: readBody(text) }
}

/** Asks again until the answer is the wanted one: things that go on by themselves are waited for, within a bound. */
export const eventually = async <A>(
  what: string,
  ask: () => Promise<A>,
  isWanted: (answer: A) => boolean,
  seconds: number
): Promise<A> => {
  const until = performance.now() + seconds * 1000
  for (;;) {
    const answer = await ask()
    if (isWanted(answer)) return answer
    if (performance.now() > until) throw new Error(`${what}: not within ${seconds} s; last: ${JSON.stringify(answer)}`)
    await new Promise((resume) => setTimeout(resume, 100))
  }
}
