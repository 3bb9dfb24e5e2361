/**
 * What the commands work on: the ports of the core, the schema of the database, and the server.
 *
 * **Details**
 *
 * The real one is `ServerBackend`, which is loaded by the first command that asks for it: help, completions and wrong
 * calls never load the server's code. Tests give their own.
 */
import type { Actor } from "@tickettoken/order-domain/Actor"
import type { TenantId } from "@tickettoken/order-domain/Ids"
import type { InvariantId } from "@tickettoken/order-domain/Invariants"
import type { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import type { BulkJobReads } from "@tickettoken/order-domain/ports/BulkJobReads"
import type { BulkJobs } from "@tickettoken/order-domain/ports/BulkJobs"
import type { EventCatalog } from "@tickettoken/order-domain/ports/EventCatalog"
import type { EventClosures } from "@tickettoken/order-domain/ports/EventClosures"
import type { Identifiers } from "@tickettoken/order-domain/ports/Identifiers"
import type { Inbox } from "@tickettoken/order-domain/ports/Inbox"
import type { OrderReads } from "@tickettoken/order-domain/ports/OrderReads"
import type { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import type { Outbox } from "@tickettoken/order-domain/ports/Outbox"
import type { Payments } from "@tickettoken/order-domain/ports/Payments"
import type { Policies } from "@tickettoken/order-domain/ports/Policies"
import type { SalesReads } from "@tickettoken/order-domain/ports/SalesReads"
import type { Tickets } from "@tickettoken/order-domain/ports/Tickets"
import type { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import type { WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import type { AuditScope, ChainBreak } from "@tickettoken/order-server/fsck/AuditChain"
import type { CheckResult, Finding } from "@tickettoken/order-server/fsck/Fsck"
import type { Repair } from "@tickettoken/order-server/fsck/Repair"
import { Context, Effect, Layer, type Option } from "effect"
import type { CommandFailed } from "./ExitCode.ts"

/** What the workflows stand on. */
export type Ports =
  | Alarms
  | BulkJobReads
  | BulkJobs
  | EventCatalog
  | EventClosures
  | Identifiers
  | Inbox
  | OrderReads
  | OrderStore
  | Outbox
  | Payments
  | Policies
  | SalesReads
  | Tickets
  | WorkExecutor
  | WorkQueue

/** One migration, and when it was run; `null` while it is pending. */
export interface MigrationStatus {
  readonly name: string
  readonly ranAt: Date | null
}

/** Which orders are looked at, and for what. `null`: for all. */
export interface Asked {
  readonly tenantId: TenantId | null
  readonly only: ReadonlyArray<InvariantId> | null
}

export interface BackendShape {
  /** For whom to act when nobody says: the demo's tenant in an embedded run, else nobody. */
  readonly defaultTenant: Effect.Effect<Option.Option<TenantId>, CommandFailed>
  /** Fails, before anything is asked of it, when the database is not there or not as it must be. */
  readonly ports: Layer.Layer<Ports, CommandFailed>
  readonly migrationStatus: Effect.Effect<ReadonlyArray<MigrationStatus>, CommandFailed>
  /** Runs what is pending and answers the names of what was run. */
  readonly migrate: Effect.Effect<ReadonlyArray<string>, CommandFailed>
  /** Checks what must be true; compared with the sandbox's journals where it stands in for the other services. */
  readonly inspect: (asked: Asked) => Effect.Effect<ReadonlyArray<CheckResult>, CommandFailed>
  /** What can be put right of these; nothing is done. */
  readonly planRepairs: (findings: ReadonlyArray<Finding>) => Effect.Effect<ReadonlyArray<Repair>, CommandFailed>
  /** Puts right what can be, and answers what there was to do. */
  readonly repair: (
    findings: ReadonlyArray<Finding>,
    actor: Actor
  ) => Effect.Effect<ReadonlyArray<Repair>, CommandFailed>
  /** Rows of the audit history that are not as they were written, also compared with an anchor's text. */
  readonly verifyAudit: (
    asked: AuditScope & { readonly anchor: string | null }
  ) => Effect.Effect<ReadonlyArray<ChainBreak>, CommandFailed>
  readonly anchorAudit: (tenantId: TenantId | null) => Effect.Effect<string, CommandFailed>
  /** Serves until it is interrupted. */
  readonly serve: Effect.Effect<void, CommandFailed>
}

export class Backend extends Context.Service<Backend, BackendShape>()("@tickettoken/order-cli/Backend") {
  /** Over DATABASE_URL or the embedded data folder, as the environment says. */
  static readonly layer: Layer.Layer<Backend> = Layer.sync(Backend, () => {
    const loaded = Effect.promise(async () => (await import("./ServerBackend.ts")).backend)
    return {
      defaultTenant: Effect.flatMap(loaded, (backend) => backend.defaultTenant),
      ports: Layer.unwrap(Effect.map(loaded, (backend) => backend.ports)),
      migrationStatus: Effect.flatMap(loaded, (backend) => backend.migrationStatus),
      migrate: Effect.flatMap(loaded, (backend) => backend.migrate),
      inspect: (asked) => Effect.flatMap(loaded, (backend) => backend.inspect(asked)),
      planRepairs: (findings) => Effect.flatMap(loaded, (backend) => backend.planRepairs(findings)),
      repair: (findings, actor) => Effect.flatMap(loaded, (backend) => backend.repair(findings, actor)),
      verifyAudit: (asked) => Effect.flatMap(loaded, (backend) => backend.verifyAudit(asked)),
      anchorAudit: (tenantId) => Effect.flatMap(loaded, (backend) => backend.anchorAudit(tenantId)),
      serve: Effect.flatMap(loaded, (backend) => backend.serve)
    }
  })
}
