/**
 * The demo's tokens as files in the data folder, so that a command can name them instead of carrying them.
 */
import { Effect, Redacted } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { describeCause } from "../embedded/EmbeddedPostgresError.ts"
import { makeFolder } from "../embedded/makeFolder.ts"
import { startFailure } from "../StartFailure.ts"
import type { DemoTokens } from "../auth/DemoCredentials.ts"

/** What there is to try the service out with. */
export interface Demo {
  /** `null` where others sign tokens for this run. */
  readonly tokens: DemoTokens | null
  /** `<id>.<secret>`. */
  readonly serviceCredential: Redacted.Redacted
  /** Where payments are made, if the sandbox stands in for the payment service. */
  readonly paymentSandbox: URL | null
}

const OWNER_ONLY = 0o600

/** Writes `<data folder>/demo/buyer.token` and its likes, readable by their owner alone, anew at every start. */
export const writeDemoFiles = Effect.fnUntraced(function* (dataFolder: string, demo: Demo) {
  const folder = path.resolve(dataFolder, "demo")
  const files = {
    ...(demo.tokens === null
      ? {}
      : {
          "buyer.token": demo.tokens.buyer,
          "second-buyer.token": demo.tokens.secondBuyer,
          "admin.token": demo.tokens.admin
        }),
    "service.key": demo.serviceCredential
  }
  yield* Effect.tryPromise({
    try: async () => {
      await makeFolder(folder)
      for (const [name, secret] of Object.entries(files)) {
        const file = path.join(folder, name)
        await fs.rm(file, { force: true })
        await fs.writeFile(file, `${Redacted.value(secret)}\n`, { mode: OWNER_ONLY })
      }
    },
    catch: (cause) =>
      startFailure(
        `The demo's tokens can not be written to ${folder} (${describeCause(cause)}): make it writable, or choose another data folder with ORDER_DATA_FOLDER.`
      )
  })
})
