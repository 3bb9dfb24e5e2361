/**
 * Writes who may call what into docs/security.md, from the table that the matrix of tests is run from.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { accessTable, isForServices, people } from "../packages/server/test/http/access/accessTable.ts"

const pageFile = new URL("../docs/security.md", import.meta.url)
const start = "<!-- access:start -->"
const end = "<!-- access:end -->"

/** What a status means to the one who gets it. */
const wordOf = (status: number): string => (status === 403 ? "no" : status === 404 ? "not found" : "yes")

const tables = (): string => {
  const rows = Object.entries(accessTable)
  const forPeople = rows.flatMap(([key, row]) =>
    isForServices(row) ? [] : [`| \`${key}\` | ${people.map((who) => wordOf(row.who[who])).join(" | ")} |`]
  )
  const forServices = rows.flatMap(([key, row]) => (isForServices(row) ? [`| \`${key}\` | \`${row.scope}\` |`] : []))
  return [
    `| With a bearer token | ${people.join(" | ")} |`,
    `|---|${people.map(() => "---|").join("")}`,
    ...forPeople,
    "",
    "| With a service key | scope |",
    "|---|---|",
    ...forServices
  ].join("\n")
}

/** The page with the tables in their marked place. */
export const withAccess = (page: string): string => {
  const [before, rest] = page.split(start)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error("docs/security.md has lost its markers")
  return `${before}${start}\n\n${tables()}\n\n${end}${after}`
}

/** The page as it is checked in. */
export const checkedIn = (): string => readFileSync(pageFile, "utf8")

if (import.meta.main) writeFileSync(pageFile, withAccess(checkedIn()))
