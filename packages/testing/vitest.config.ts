// Whole stories on a test clock, many seeds each.
import { defineConfig } from "vitest/config"

/** They wait for nothing real: only for their turn on a machine that may be busy. */
const STORIES_MILLIS_MAX = 60_000

export default defineConfig({
  test: { include: ["test/**/*.test.ts"], testTimeout: STORIES_MILLIS_MAX }
})
