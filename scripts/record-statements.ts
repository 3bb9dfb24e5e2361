/**
 * Writes down every statement that this build sends to PostgreSQL, with the role that sends it: a later build's tests
 * hold them against its own schema (docs/reliability.md, "Two versions at once"). Run it before a release.
 *
 * The suites of the store run through a proxy that reads PostgreSQL's protocol. DATABASE_URL names the server.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync, writeFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { join } from "node:path"
import { StatementReader } from "./statements/StatementReader.ts"

const root = join(import.meta.dirname, "..")
/** What goes through the store's ports and the jobs, and hardly sends a statement of its own. */
const suites = ["sql/contracts.test.ts", "bulk/runners.test.ts", "fsck/healthy.test.ts"].map(
  (name) => `packages/server/test/${name}`
)

const target = new URL(process.env["DATABASE_URL"] ?? "postgresql://postgres@127.0.0.1:5432/postgres")
const recorded = new Map<string, { role: string; types: ReadonlyArray<number>; text: string }>()

const proxy = createServer((client) => {
  const server = connect(Number(target.port || 5432), target.hostname)
  const reader = new StatementReader((sent) => recorded.set(`${sent.role}\n${sent.text}`, sent))
  client.on("data", (bytes: Buffer) => reader.read(bytes))
  client.pipe(server).pipe(client)
  for (const [one, other] of [
    [client, server],
    [server, client]
  ] as const) {
    one.on("error", () => other.destroy())
    one.on("close", () => other.destroy())
  }
}).listen(0, "127.0.0.1")
await once(proxy, "listening")
const address = proxy.address()
if (address === null || typeof address === "string") throw new Error("the proxy has no port")

const through = new URL(target)
through.host = `127.0.0.1:${address.port}`
const run = spawn("pnpm", ["exec", "vitest", "run", ...suites], {
  cwd: root,
  env: { ...process.env, DATABASE_URL: through.href },
  stdio: "inherit"
})
await once(run, "close")
proxy.close()
if (run.exitCode !== 0) console.warn("a suite has failed: what it would have sent after that is not recorded")

const migrations = readdirSync(join(root, "packages/server/src/sql/migrations")).filter((name) => /^\d{4}_/.test(name))
const last = migrations.toSorted().at(-1)?.slice(0, -3) ?? "none"
const statements = [...recorded.values()]
  .filter(({ text }) => /^\s*(?:with|select|insert|update|delete)\b/i.test(text))
  .toSorted((a, b) => (`${a.role}${a.text}` < `${b.role}${b.text}` ? -1 : 1))
const file = join(root, "packages/server/test/sql/statements", `${last}.json`)
writeFileSync(file, `${JSON.stringify(statements, null, 2)}\n`)
console.log(`${statements.length} statements in ${file}`)
process.exit(0)
