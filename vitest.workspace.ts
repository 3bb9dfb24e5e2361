// The test projects of the workspace. Vitest 5 no longer reads this file by its name: vitest.config.ts re-exports it.
import { defineConfig } from "vitest/config"

/** Every file is read, and tools are run: a second or two, but not on busy cores. */
const BUSY_CORES_MILLIS_MAX = 120_000

export default defineConfig({
  test: {
    projects: [
      "packages/*",
      { test: { name: "workshop", include: ["test/*.test.ts"], testTimeout: BUSY_CORES_MILLIS_MAX } },
      // After all others: it starts and kills ten processes, and what it waits for should not be the other tests.
      { test: { name: "chaos", include: ["test/chaos/*.test.ts"], sequence: { groupOrder: 1 } } }
    ]
  }
})
