/** Writes docs/configuration.md and .env.example anew. Run it after a change of a variable: node scripts/generate-config-docs.ts */
import { writeFileSync } from "node:fs"
import { configurationPage, envExample } from "@tickettoken/order-server/config/ConfigDocs"

const root = new URL("../", import.meta.url)
writeFileSync(new URL("docs/configuration.md", root), configurationPage())
writeFileSync(new URL(".env.example", root), envExample())
