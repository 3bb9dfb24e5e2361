/** A client that sends a request, or a part of it, and then breaks the connection, whatever the server is doing. */
import { Effect } from "effect"
import { createConnection, type Socket } from "node:net"

export interface RawRequest {
  readonly port: number
  readonly path: string
  readonly headers: { readonly [name: string]: string }
  readonly body: object
}

/** How much of the request is on its way when the client hangs up. */
export type SentPart = "half of the headers" | "half of the body" | "all of it"

const bytesOf = ({ body, headers, path }: RawRequest, part: SentPart): string => {
  const text = JSON.stringify(body)
  const head = [
    `POST ${path} HTTP/1.1`,
    "host: 127.0.0.1",
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(text)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  ].join("\r\n")
  switch (part) {
    case "half of the headers":
      return head.slice(0, head.length / 2)
    case "half of the body":
      return `${head}\r\n\r\n${text.slice(0, text.length / 2)}`
    case "all of it":
      return `${head}\r\n\r\n${text}`
  }
}

const connectAndWrite = (port: number, bytes: string, onData: () => void): Effect.Effect<Socket> =>
  Effect.callback((resume) => {
    const socket = createConnection({ host: "127.0.0.1", port }, () =>
      socket.write(bytes, () => resume(Effect.succeed(socket)))
    )
    socket.on("data", onData)
    socket.on("error", () => undefined)
  })

const reset = (socket: Socket): Effect.Effect<void> =>
  Effect.callback((resume) => {
    socket.once("close", () => resume(Effect.void))
    socket.resetAndDestroy()
  })

/** Sends this part of a POST, waits for the moment, and resets the connection. Says whether the server had answered. */
export const sendAndHangUp = Effect.fnUntraced(function* (
  request: RawRequest,
  part: SentPart,
  moment: Effect.Effect<void>
) {
  let answered = false
  const socket = yield* connectAndWrite(request.port, bytesOf(request, part), () => {
    answered = true
  })
  yield* moment
  yield* reset(socket)
  return answered
})
