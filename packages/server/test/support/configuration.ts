/** The configuration as tests read it: from a record instead of the environment. */
import { AppConfig } from "@tickettoken/order-server/AppConfig"
import { ConfigProvider, Effect } from "effect"

/** As a process would have it: `preserveEmptyStrings` is off, so the reader itself must notice what is empty. */
const providerOf = (env: Readonly<Record<string, string>>) => ConfigProvider.fromEnvRecord(env)

/** The configuration of this environment. */
export const read = (env: Readonly<Record<string, string>>) =>
  Effect.provide(AppConfig, AppConfig.layer).pipe(Effect.provideService(ConfigProvider.ConfigProvider, providerOf(env)))

/** What is wrong with this environment, one "NAME problem" each. */
export const faultsOf = (env: Readonly<Record<string, string>>) =>
  Effect.map(Effect.flip(read(env)), ({ faults }) => faults.map(({ problem, variable }) => `${variable} ${problem}`))
