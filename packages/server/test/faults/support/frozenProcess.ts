/** Another process that holds the lock of an order and is stopped by the kernel while it does (holdLock.ts). */
import type { Order } from "@tickettoken/order-domain/Order"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import * as path from "node:path"
import * as readline from "node:readline"

/** Starts it and freezes it; it is killed with the scope. */
export const freezeWithLock = Effect.fnUntraced(function* (url: string, { id, tenantId }: Order) {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [path.join(import.meta.dirname, "holdLock.ts"), url, tenantId, id], {
        stdio: ["pipe", "pipe", "inherit"]
      })
    ),
    (started) => Effect.sync(() => started.kill("SIGKILL"))
  )
  const lines = readline.createInterface(child.stdout)[Symbol.asyncIterator]()
  const nextLine = Effect.map(
    Effect.promise(() => lines.next()),
    ({ value }) => String(value)
  )
  const first = yield* nextLine
  if (first !== "locked") return yield* Effect.die(new Error(`the other process says ${first}`))
  child.kill("SIGSTOP")
  return {
    /** Lets it go on; what came of its transaction. */
    wakeUp: Effect.suspend(() => {
      child.kill("SIGCONT")
      child.stdin.write("\n")
      return nextLine
    })
  }
})
