// The end-to-end test makes its database in one PostgreSQL of the run, as the server's tests do.
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: { include: ["test/**/*.test.ts"], globalSetup: ["../server/test/support/postgresSetup.ts"] }
})
