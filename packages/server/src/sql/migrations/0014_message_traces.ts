/**
 * The trace in which a message of another service was sent: what it leads to here, whenever that is, belongs to it.
 */
export const messageTraces: ReadonlyArray<string> = [
  `alter table inbox add column traceparent text`,
  `grant select (traceparent) on inbox to orders_auditor`
]
