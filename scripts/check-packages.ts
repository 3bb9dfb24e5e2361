/**
 * Packs every package as it would be published and looks at the tarball with the eyes of a user: exports point at files
 * that are in it, nothing else is in it, publint agrees, and Node can import every module. Needs `pnpm -r build` first.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { Schema } from "effect"
import { publint } from "publint"
import { formatMessage } from "publint/utils"

const root = fileURLToPath(new URL("..", import.meta.url))
const packages = ["domain", "testing", "server", "cli"]

/** A process starts in these modules, so importing them would start one. */
const entryPoints = new Set(["main", "bin"])

const names = Schema.Record(Schema.String, Schema.String)
const Manifest = Schema.Struct({
  name: Schema.String,
  exports: Schema.Unknown,
  bin: Schema.optionalKey(names),
  dependencies: Schema.optionalKey(names),
  optionalDependencies: Schema.optionalKey(names),
  peerDependencies: Schema.optionalKey(names)
})
type Manifest = typeof Manifest.Type

const decodeManifest = Schema.decodeUnknownSync(Schema.fromJsonString(Manifest))

const readManifest = (folder: string): Manifest => decodeManifest(readFileSync(join(folder, "package.json"), "utf8"))

const filesOf = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))

const work = realpathSync(mkdtempSync(join(tmpdir(), "order-packages-")))
const faults: Array<string> = []

/** Packs and unpacks one package to where Node looks for it, with its dependencies beside it. */
const unpack = (name: string): { readonly folder: string; readonly manifest: Manifest } => {
  const source = join(root, "packages", name)
  const packed = mkdtempSync(join(work, "packed-"))
  execFileSync("pnpm", ["pack", "--pack-destination", packed], { cwd: source, stdio: ["ignore", "ignore", "inherit"] })
  const [tarball] = readdirSync(packed)
  if (tarball === undefined) throw new Error(`${name}: pnpm pack made no tarball`)
  const manifest = readManifest(source)
  const folder = join(work, "node_modules", manifest.name)
  mkdirSync(folder, { recursive: true })
  execFileSync("tar", ["-xzf", join(packed, tarball), "-C", folder, "--strip-components=1"])
  for (const dependency of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    if (dependency.startsWith("@tickettoken/")) continue
    const link = join(folder, "node_modules", dependency)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(realpathSync(join(source, "node_modules", dependency)), link)
  }
  return { folder, manifest: readManifest(folder) }
}

const checkContent = (name: string, folder: string, manifest: Manifest): ReadonlyArray<string> => {
  const files = filesOf(folder).filter((file) => !file.startsWith("node_modules/"))
  const modules = files.filter((file) => /^src\/.*\.ts$/.test(file)).map((file) => file.slice(4, -3))
  const missing = modules.flatMap((module) =>
    [`dist/${module}.js`, `dist/${module}.d.ts`].filter((file) => !files.includes(file))
  )
  const stale = files.filter((file) => /^dist\/.*\.js$/.test(file) && !modules.includes(file.slice(5, -3)))
  const foreign = files.filter((file) => !/^(dist|src)\/|^(package\.json|LICENSE|README\.md)$/.test(file))
  const bins = Object.values(manifest.bin ?? {}).filter((file) => !files.includes(file.replace(/^\.\//, "")))
  const specs = Object.entries({ ...manifest.dependencies, ...manifest.optionalDependencies })
  const expected = { "./*": { types: "./dist/*.d.ts", default: "./dist/*.js" } }
  return [
    ...(modules.length === 0 ? ["holds no module"] : []),
    ...(files.includes("LICENSE") ? [] : ["holds no LICENSE"]),
    ...(JSON.stringify(manifest.exports) === JSON.stringify(expected) ? [] : ["exports do not point at dist"]),
    ...missing.map((file) => `exports a module without ${file}`),
    ...stale.map((file) => `${file} has no source: clean dist and build again`),
    ...foreign
      .concat(files.filter((file) => /tsbuildinfo$|^dist\/test\/|\.test\./.test(file)))
      .map((file) => `holds ${file}`),
    ...bins.map((file) => `bin points at ${file}, which is not in it`),
    ...specs
      .filter(([, spec]) => /^(workspace|catalog):/.test(spec))
      .map(([spec]) => `depends on ${spec} by a workspace name`)
  ].map((fault) => `${name}: ${fault}`)
}

/** Imports every module in one process of plain Node, as a user without a build step does. */
const checkImports = (name: string, folder: string, manifest: Manifest): ReadonlyArray<string> => {
  const modules = filesOf(folder)
    .flatMap((file) => /^dist\/(.*)\.js$/.exec(file)?.[1] ?? [])
    .filter((module) => !entryPoints.has(module))
    // A suite that registers tests can only be imported by the test runner.
    .filter((module) => !/from "(@effect\/)?vitest"/.test(readFileSync(join(folder, "dist", `${module}.js`), "utf8")))
    .map((module) => `${manifest.name}/${module}`)
  const program = `
    for (const module of ${JSON.stringify(modules)}) {
      try { await import(module) } catch (cause) { console.log(module + ": " + cause.message.split("\\n")[0]) }
    }`
  const result = spawnSync(process.execPath, ["--input-type=module", "-e", program], { cwd: folder, encoding: "utf8" })
  const lines = result.stdout.split("\n").filter((line) => line !== "")
  if (result.status !== 0) lines.push(result.stderr)
  console.log(`${name}: ${modules.length} modules imported`)
  return lines.map((line) => `${name}: can not be imported: ${line}`)
}

try {
  const unpacked = packages.map((name) => ({ name, ...unpack(name) }))
  for (const { name, folder, manifest } of unpacked) {
    const { messages } = await publint({ pkgDir: folder, pack: false, strict: true, level: "warning" })
    faults.push(
      ...checkContent(name, folder, manifest),
      ...messages.map((message) => `${name}: publint: ${formatMessage(message, manifest)}`),
      ...checkImports(name, folder, manifest)
    )
  }
} finally {
  rmSync(work, { recursive: true })
}
for (const fault of faults) console.error(fault)
console.log(faults.length === 0 ? "packages are sound" : `${faults.length} faults`)
process.exitCode = faults.length === 0 ? 0 : 1
