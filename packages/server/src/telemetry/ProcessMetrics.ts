/**
 * The process as its operator sees it: processor, memory, and how late the event loop is.
 */
import { Context, Effect, Layer } from "effect"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { processMetrics } from "./Metrics.ts"

const NANOS_PER_SECOND = 1e9
const MICROS_PER_SECOND = 1e6
const MILLIS_PER_SECOND = 1000

/** How often the event loop is asked. */
const RESOLUTION_MILLIS = 20

export class ProcessMetrics extends Context.Service<
  ProcessMetrics,
  {
    /** Brings the process' metrics up to date. */
    readonly read: Effect.Effect<void>
  }
>()("@tickettoken/order-server/telemetry/ProcessMetrics") {
  static readonly layer = Layer.effect(
    ProcessMetrics,
    Effect.gen(function* () {
      const delay = yield* Effect.acquireRelease(
        Effect.sync(() => {
          const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MILLIS })
          histogram.enable()
          return histogram
        }),
        (histogram) => Effect.sync(() => histogram.disable())
      )
      // The clock of the machine may be moved under us; what has begun has begun.
      yield* processMetrics.startedAt.record(performance.timeOrigin / MILLIS_PER_SECOND, {})
      let usedMicros = 0
      const read = Effect.suspend(() => {
        const { system, user } = process.cpuUsage()
        const { heapUsed, rss } = process.memoryUsage()
        const cpuSeconds = (system + user - usedMicros) / MICROS_PER_SECOND
        usedMicros = system + user
        // What the timer itself takes is no delay. Nothing was measured yet: NaN.
        const late = (nanos: number) =>
          Math.max(0, (nanos || 0) / NANOS_PER_SECOND - RESOLUTION_MILLIS / MILLIS_PER_SECOND)
        const [median, high, worst] = [late(delay.percentile(50)), late(delay.percentile(99)), late(delay.max)]
        delay.reset()
        return Effect.all(
          [
            processMetrics.cpuSeconds.record(cpuSeconds, {}),
            processMetrics.residentBytes.record(rss, {}),
            processMetrics.heapBytes.record(heapUsed, {}),
            processMetrics.eventLoopSeconds.record(median, { quantile: "0.5" }),
            processMetrics.eventLoopSeconds.record(high, { quantile: "0.99" }),
            processMetrics.eventLoopSeconds.record(worst, { quantile: "1" })
          ],
          { discard: true }
        )
      })
      return ProcessMetrics.of({ read })
    })
  )
}
