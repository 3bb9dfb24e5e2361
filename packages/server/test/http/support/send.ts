/** Requests exactly as they are written: no normalised paths, no joined headers, no connection that is kept. */
import { Effect } from "effect"
import { type Agent, request } from "node:http"

export interface Sent {
  readonly port: number
  readonly method?: string
  readonly path: string
  /** A list sends the header more than once. */
  readonly headers?: { readonly [name: string]: string | ReadonlyArray<string> }
  /** Sent as it is; an object becomes JSON. */
  /** Keeps connections; without one each request has its own. */
  readonly agent?: Agent
  readonly body?: string | Uint8Array | object
}

export interface Answer {
  readonly status: number
  readonly headers: { readonly [name: string]: string | undefined }
  readonly text: string
  /** The body as JSON, or `undefined`. */
  readonly json: unknown
}

/** What lies at a path in JSON, `undefined` if nothing does. */
export const at = (json: unknown, ...path: ReadonlyArray<string | number>): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined,
    json
  )

/** The list at a path; anything else fails the test. */
export const listAt = (json: unknown, ...path: ReadonlyArray<string | number>): ReadonlyArray<unknown> => {
  const value = at(json, ...path)
  if (!Array.isArray(value)) throw new Error(`no list at ${path.join(".")} of ${JSON.stringify(json)}`)
  return value
}

/** The text at a path; anything else fails the test. */
export const textAt = (json: unknown, ...path: ReadonlyArray<string | number>): string => {
  const value = at(json, ...path)
  if (typeof value !== "string") throw new Error(`no text at ${path.join(".")} of ${JSON.stringify(json)}`)
  return value
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const bytesOf = (body: Sent["body"]): Uint8Array | undefined => {
  if (body === undefined || body instanceof Uint8Array) return body
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body))
}

/** Sends one request and reads the whole answer. A connection that breaks is a defect. */
export const send = ({ agent, body, headers = {}, method = "GET", path, port }: Sent): Effect.Effect<Answer> =>
  Effect.promise(
    () =>
      new Promise<Answer>((resolve, reject) => {
        const bytes = bytesOf(body)
        const lines = Object.entries(headers).flatMap(([name, value]) =>
          (typeof value === "string" ? [value] : value).flatMap((each) => [name, each])
        )
        const typed = bytes === undefined || Object.keys(headers).some((name) => /^content-type$/i.test(name))
        const call = request(
          {
            host: "127.0.0.1",
            port,
            method,
            path,
            agent: agent ?? false,
            headers: [
              "host",
              `127.0.0.1:${port}`,
              ...(typed ? [] : ["content-type", "application/json"]),
              ...(bytes === undefined ? [] : ["content-length", String(bytes.length)]),
              ...lines
            ]
          },
          (response) => {
            const chunks: Array<Buffer> = []
            response.on("data", (chunk: Buffer) => chunks.push(chunk))
            response.on("error", reject)
            response.on("end", () => {
              const text = Buffer.concat(chunks).toString("utf8")
              const flat = Object.entries(response.headers).map(([name, value]) => [name, String(value)] as const)
              resolve({
                status: response.statusCode ?? 0,
                headers: Object.fromEntries<string>(flat),
                text,
                json: parse(text)
              })
            })
          }
        )
        call.on("error", reject)
        call.end(bytes)
      })
  )
