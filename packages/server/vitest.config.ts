// One PostgreSQL for the whole run; a test makes its own database in it (test/support/postgres.ts).
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: { include: ["test/**/*.test.ts"], globalSetup: ["test/support/postgresSetup.ts"] }
})
