/**
 * The service as a process of its own, with crash points around its ports.
 *
 * It waits for a first line of stops on stdin before it starts, takes more at any time, and prints a line for each that
 * is reached. Its leases last longer than any test, so that what is parked is parked: a test ages them.
 */
import { runAsProcess } from "@tickettoken/order-server/runService"
import * as crashPorts from "@tickettoken/order-testing/chaos/crashPorts"
import * as CrashStops from "@tickettoken/order-testing/chaos/CrashStops"
import { Duration, Effect, Schema } from "effect"
import { writeSync } from "node:fs"
import * as readline from "node:readline"

const decodeStops = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(CrashStops.CrashStop)))

// Written at once: the process may not come to another line.
const print = (line: string): void => void writeSync(process.stdout.fd, `${line}\n`)

const stops = CrashStops.make(({ point, subject }) => print(`reached ${point} ${subject}`))

const lines = readline.createInterface(process.stdin)
lines.on("line", (line) => {
  stops.add(decodeStops(line))
  print("stops taken")
})
lines.once("line", () =>
  runAsProcess(({ port }) => Effect.sync(() => print(`listening on port ${port}`)), {
    store: { workLease: Duration.hours(1) },
    ports: crashPorts.layer(stops)
  })
)
