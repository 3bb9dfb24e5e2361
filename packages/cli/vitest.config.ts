// The end-to-end test makes its database in one PostgreSQL of the run, as the server's tests do.
import { defineConfig } from "vitest/config"

/** A process takes half a second to start, and several of them on a busy machine much more. */
const PROCESSES_MILLIS_MAX = 300_000

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["../server/test/support/postgresSetup.ts"],
    testTimeout: PROCESSES_MILLIS_MAX
  }
})
