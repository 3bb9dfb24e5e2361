/**
 * Writes packages/server/asyncapi.json, the contract of messages that people review. packages/server/test/messaging/asyncApi.test.ts
 * fails when it is not what the code says.
 */
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { asyncApi } from "@tickettoken/order-server/contract/Messages"

const file = fileURLToPath(new URL("../packages/server/asyncapi.json", import.meta.url))
writeFileSync(file, `${JSON.stringify(asyncApi(), null, 2)}\n`)
console.log(file)
