/** Services on their default ports: suites that need one run where it answers. */
import { connect } from "node:net"

const required = process.env["REQUIRE_SERVICES"] === "1"

export const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy()
      resolve(true)
    })
    socket.on("error", () => resolve(false))
  })

/** Says once why a suite does not run, or fails where everything has to be there. */
export const orSkip = (isThere: boolean, what: string): boolean => {
  if (!isThere && required) throw new Error(`${what}, and REQUIRE_SERVICES=1`)
  if (!isThere) process.stderr.write(`skipped: ${what}\n`)
  return isThere
}
