/**
 * Writes packages/server/openapi.json, the HTTP contract that people review. packages/server/test/http/OpenApi.test.ts
 * fails when it is not what the code says.
 */
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { OpenApi } from "effect/http-api"
import { OrderServiceApi } from "@tickettoken/order-server/contract/Api"

const file = fileURLToPath(new URL("../packages/server/openapi.json", import.meta.url))
writeFileSync(file, `${JSON.stringify(OpenApi.fromApi(OrderServiceApi), null, 2)}\n`)
console.log(file)
