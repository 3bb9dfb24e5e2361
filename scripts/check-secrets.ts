/**
 * No file of the repository holds a credential. What a test or an example needs one for is named here with its reason.
 */
import { lintSource } from "@secretlint/core"
import { creator } from "@secretlint/secretlint-rule-preset-recommend"
import { execFileSync } from "node:child_process"
import { readFileSync, statSync } from "node:fs"
import { extname, join } from "node:path"

const root = join(import.meta.dirname, "..")

/** What looks like one and is none, and why. */
const excepted: ReadonlyArray<{ readonly where: RegExp; readonly messageId: string; readonly why: string }> = [
  { where: /(^|\/)test\//, messageId: "PostgreSQLConnection", why: "addresses of databases that do not exist" },
  { where: /^\.ci\/run$/, messageId: "PostgreSQLConnection", why: "puts a password of its own run into a URL" }
]

/** Longer ones are generated, and say nothing that their sources do not. */
const BYTES_MAX = 1_000_000

const config = { rules: [{ id: "@secretlint/secretlint-rule-preset-recommend", rule: creator }] }

/** What stands in a file that should not, one line each, without the thing itself. */
const faultsIn = async (path: string, content: string): Promise<ReadonlyArray<string>> => {
  const { messages } = await lintSource({
    source: { filePath: path, content, ext: extname(path), contentType: "text" },
    options: { config, maskSecrets: true }
  })
  return messages
    .filter((message) => !excepted.some(({ messageId, where }) => where.test(path) && message.messageId === messageId))
    .map(({ loc, messageId }) => `${path}:${loc.start.line} ${messageId}`)
}

// A check that finds nothing has to be able to.
const planted = `postgresql://orders:${"hunter2".repeat(2)}@db.internal:5432/orders`
if ((await faultsIn("planted.txt", planted)).length !== 1) throw new Error("the scan does not see a planted secret")

const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8"
})
  .split("\0")
  .filter((path) => path !== "")
const faults: Array<string> = []
for (const path of files) {
  const file = join(root, path)
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true || statSync(file).size > BYTES_MAX) continue
  faults.push(...(await faultsIn(path, readFileSync(file, "utf8"))))
}
for (const fault of faults) console.error(fault)
console.log(`${files.length} files, ${faults.length} faults`)
process.exitCode = faults.length === 0 ? 0 : 1
