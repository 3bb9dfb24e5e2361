// The test projects of the workspace. Vitest 5 no longer reads this file by its name: vitest.config.ts re-exports it.
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    projects: [
      "packages/*",
      { test: { name: "workshop", include: ["test/*.test.ts"] } },
      { test: { name: "chaos", include: ["test/chaos/*.test.ts"] } }
    ]
  }
})
