#!/usr/bin/env node
/**
 * The executable. It keeps what Node has compiled beside the code, which halves the start of every later run, and so it
 * loads everything else only after that is set up.
 */
import { enableCompileCache } from "node:module"
import * as path from "node:path"

// Not the system's temporary folder: what is loaded from the cache runs with the rights of the operator.
enableCompileCache(path.join(import.meta.dirname, "..", "node_modules", ".cache", "orders"))

// A reader such as `head` may leave early: nobody is left to tell.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error
})

const { start } = await import("./main.ts")
start(process.argv.slice(2))
