/**
 * Looks at the Node that runs it before anything else does: an older one can not even read the program.
 *
 * `pnpm` puts the workspace's own Node 24 first on the path where npm has one for the platform; elsewhere it is the
 * machine's.
 */
import { spawn } from "node:child_process"
import module from "node:module"
import { fileURLToPath } from "node:url"

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)

/** By then the first one to start has had its welcome; a later start finds what was made. */
const PREPARE_AFTER_MILLIS = 5000

const prepareNextStart = () => {
  const script = fileURLToPath(new URL("./startBundle.ts", import.meta.url))
  spawn(process.execPath, [script], { stdio: ["ignore", "ignore", "inherit"] }).unref()
}

if (major > 22 || (major === 22 && minor >= 19)) {
  // Compiled code is kept from one start to the next: beside the packages, since it runs with our rights.
  module.enableCompileCache?.(fileURLToPath(new URL("../node_modules/.cache/node-compile", import.meta.url)))
  const { bundledStart } = await import("./startBundle.ts")
  const bundle = bundledStart()
  await import(bundle ?? "./start.ts")
  if (bundle === undefined) setTimeout(prepareNextStart, PREPARE_AFTER_MILLIS).unref()
} else {
  process.stderr.write(`Node ${process.versions.node} is too old: TicketToken Orders runs on Node 22.19 or newer.\n`)
  process.exitCode = 1
}
