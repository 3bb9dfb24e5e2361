/** A client that sends a whole request and then breaks the connection, whatever the server is doing. */
import { Effect } from "effect"
import { createConnection } from "node:net"

export interface RawRequest {
  readonly port: number
  readonly path: string
  readonly headers: { readonly [name: string]: string }
  readonly body: object
}

/** Sends a POST, waits, and resets the connection. Says whether the server had answered by then. */
export const sendAndHangUp = ({ body, headers, path, port }: RawRequest, afterMillis: number): Effect.Effect<boolean> =>
  Effect.promise(
    () =>
      new Promise<boolean>((resolve) => {
        let answered = false
        const text = JSON.stringify(body)
        const lines = [
          `POST ${path} HTTP/1.1`,
          "host: 127.0.0.1",
          "content-type: application/json",
          `content-length: ${Buffer.byteLength(text)}`,
          ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
        ]
        const socket = createConnection({ host: "127.0.0.1", port }, () => {
          socket.write(`${lines.join("\r\n")}\r\n\r\n${text}`)
          setTimeout(() => socket.resetAndDestroy(), afterMillis)
        })
        socket.on("data", () => {
          answered = true
        })
        socket.on("error", () => undefined)
        socket.on("close", () => resolve(answered))
      })
  )
