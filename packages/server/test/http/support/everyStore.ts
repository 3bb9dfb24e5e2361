/** Runs one suite over the HTTP layer twice: with the store in memory, and with the store on PostgreSQL. */
import { layer, type Vitest } from "@effect/vitest"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { Layer } from "effect"
import { layerStore } from "../../sql/database.ts"
import { memoryServer, type ServerOptions, serverOver } from "./testServer.ts"

/** Real sockets, and for PostgreSQL a database of its own. */
export const live = { excludeTestServices: true, timeout: "300 seconds" } as const

/** A server over PostgreSQL. Faults can be scripted for the services around it, not for the database. */
const postgresServer = (options: ServerOptions = {}) =>
  serverOver(Layer.merge(layerStore, ScriptedFaults.layer), options)

export const overEveryStore = (
  name: string,
  suite: (it: Vitest.MethodsNonLive<Layer.Success<ReturnType<typeof serverOver<never, never, never>>>>) => void,
  options: ServerOptions = {}
): void => {
  layer(memoryServer(options), live)(`${name}, in memory`, suite)
  layer(postgresServer(options), live)(`${name}, on PostgreSQL`, suite)
}
