/**
 * Every package that is installed has a licence that may be used here. What reaches the image is held to the shorter
 * list; tools of developers may also have one that asks for changes of their own files to be shared.
 */
import { execFileSync } from "node:child_process"
import { Schema } from "effect"

const permissive = [
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "ISC",
  "MIT",
  "PostgreSQL",
  "Python-2.0",
  "Unlicense"
]
const forTools = [...permissive, "MPL-2.0"]

const List = Schema.fromJsonString(
  Schema.Record(
    Schema.String,
    Schema.Array(Schema.Struct({ name: Schema.String, versions: Schema.Array(Schema.String) }))
  )
)

const licencesOf = (packages: ReadonlyArray<string>, ...options: ReadonlyArray<string>) => {
  const text = execFileSync("pnpm", [...packages, "licenses", "list", "--json", ...options], { encoding: "utf8" })
  return Object.entries(Schema.decodeUnknownSync(List)(text))
}

/** An expression is fine if one of its alternatives is, with all of its parts. */
const isAllowed = (expression: string, allowed: ReadonlyArray<string>): boolean =>
  expression
    .replaceAll(/[()]/g, "")
    .split(/ OR /)
    .some((alternative) => alternative.split(/ AND /).every((licence) => allowed.includes(licence.trim())))

/** The command and what it is built on. */
const inImage = ["--filter-prod", "@tickettoken/order-cli..."]

const faults = [
  { what: "the image", allowed: permissive, licences: licencesOf(inImage, "--prod", "--no-optional") },
  { what: "the workspace", allowed: forTools, licences: licencesOf(["--recursive"]) }
].flatMap(({ allowed, licences, what }) => {
  const packages = licences.reduce((sum, [, list]) => sum + list.length, 0)
  console.log(`${what}: ${packages} packages, ${licences.map(([licence]) => licence).join(", ")}`)
  return licences
    .filter(([licence]) => !isAllowed(licence, allowed))
    .flatMap(([licence, list]) =>
      list.map(({ name, versions }) => `${what}: ${name} ${versions.join(", ")} is ${licence}`)
    )
})
for (const fault of faults) console.error(fault)
process.exitCode = faults.length === 0 ? 0 : 1
