// The test projects of the workspace. Vitest 5 no longer reads this file by its name: vitest.config.ts re-exports it.
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    projects: [
      "packages/*",
      { test: { name: "workshop", include: ["test/*.test.ts"] } },
      // After all others: it starts and kills ten processes, and what it waits for should not be the other tests.
      { test: { name: "chaos", include: ["test/chaos/*.test.ts"], sequence: { groupOrder: 1 } } }
    ]
  }
})
