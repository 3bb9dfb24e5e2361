// One PostgreSQL for the whole run; a test makes its own database in it (test/support/postgres.ts).
import { defineConfig } from "vitest/config"

/** Real databases, sockets and processes: each is quick, and on busy cores none of them is. */
const REAL_THINGS_MILLIS_MAX = 300_000

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/postgresSetup.ts"],
    testTimeout: REAL_THINGS_MILLIS_MAX,
    hookTimeout: REAL_THINGS_MILLIS_MAX
  }
})
