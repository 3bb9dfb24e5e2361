// One PostgreSQL for the whole run; a test makes its own database in it (test/support/postgres.ts).
import { defineConfig } from "vitest/config"

/** Real databases, sockets and processes: each is quick, and all of them together on two busy cores are not. */
const REAL_THINGS_MILLIS_MAX = 30_000

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/postgresSetup.ts"],
    testTimeout: REAL_THINGS_MILLIS_MAX,
    hookTimeout: REAL_THINGS_MILLIS_MAX
  }
})
