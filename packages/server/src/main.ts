/** The service as a process: `node dist/main.js`. */
import { Effect } from "effect"
import { runAsProcess } from "./runService.ts"

runAsProcess(({ port }) => Effect.logInfo(`listening on port ${port}`))
