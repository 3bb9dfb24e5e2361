// Sweeps over whole tables of amounts, and nothing that waits: quick, but not on busy cores.
import { defineConfig } from "vitest/config"

const BUSY_CORES_MILLIS_MAX = 120_000

export default defineConfig({ test: { include: ["test/**/*.test.ts"], testTimeout: BUSY_CORES_MILLIS_MAX } })
