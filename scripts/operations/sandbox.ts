/**
 * The sandbox as compose.yaml runs it, for the run of docs/operations.md: a process of its own that ends with this one.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"

interface Ports {
  readonly tickets: number
  readonly payments: number
  readonly events: number
  /** Where payments are announced. */
  readonly orders: number
  readonly key: string
}

/** Starts it and waits until it listens. */
export const startSandbox = async ({ events, key, orders, payments, tickets }: Ports): Promise<void> => {
  const child = spawn(process.execPath, [join(import.meta.dirname, "../sandbox.ts")], {
    env: {
      ORDER_SANDBOX_TICKET_PORT: String(tickets),
      ORDER_SANDBOX_PAYMENT_PORT: String(payments),
      ORDER_SANDBOX_EVENT_PORT: String(events),
      SANDBOX_ORDER_SERVICE_URL: `http://127.0.0.1:${orders}`,
      SANDBOX_SERVICE_KEY: key
    },
    stdio: ["ignore", "pipe", "inherit"]
  })
  process.on("exit", () => child.kill())
  await Promise.race([
    once(child.stdout, "data"),
    once(child, "close").then(() => Promise.reject(new Error("the sandbox has not started")))
  ])
}
