/**
 * A shell as an operator has it: what a block exports is there in the next one, and `orders` is the image's command, run
 * by a user who owns nothing.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface Options {
  /** Where the page's paths begin. */
  readonly cwd: string
  /** Where the blocks may leave files. */
  readonly work: string
  /** What is in the image. */
  readonly app: string
  readonly env: Readonly<Record<string, string>>
}

/** The user that nobody is; whoever is no administrator runs the command as himself. */
const NOBODY = 65_534

/** A block that hangs is a failure; a busy machine is none. */
const BLOCK_MILLIS_MAX = 300_000

export class Shell {
  readonly #options: Options
  readonly #state: string

  constructor(options: Options) {
    this.#options = options
    this.#state = join(options.work, "state")
    const bin = join(options.work, "bin")
    mkdirSync(bin)
    const as = process.getuid?.() === 0 ? `setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups -- ` : ""
    const command = `exec ${as}${process.execPath} ${join(options.app, "dist/bin.js")} "$@"`
    writeFileSync(join(bin, "orders"), `#!/bin/sh\n${command}\n`, { mode: 0o755 })
    const values = { ...options.env, PATH: `${bin}:${process.env["PATH"] ?? ""}`, HOME: options.work }
    writeFileSync(
      this.#state,
      Object.entries(values)
        .map(([name, value]) => `export ${name}='${value}'\n`)
        .join("")
    )
    // The page names files of the repository from its root; what it writes stays in a folder of the run.
    symlinkSync(join(options.cwd, "ops"), join(options.work, "ops"))
  }

  /** Runs a block; its first failing command is the failure of all. */
  async run(text: string): Promise<Outcome> {
    const outcome = await this.runs(text)
    if (outcome.code !== 0) throw new Error(`${text}\n${outcome.stdout}\n${outcome.stderr}`)
    return outcome
  }

  /** Runs a block to whatever end. */
  async runs(text: string): Promise<Outcome> {
    const script = `set -euo pipefail\n. '${this.#state}'\n${text}\nexport -p > '${this.#state}'\n`
    const child = spawn("bash", ["--norc", "-c", script], {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: this.#options.work,
      env: {},
      timeout: BLOCK_MILLIS_MAX
    })
    const said = { stdout: "", stderr: "" }
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (said.stdout += chunk))
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (said.stderr += chunk))
    await once(child, "close")
    return { code: child.exitCode, ...said }
  }

  /** What a block has exported. */
  async variable(name: string): Promise<string> {
    const { stdout } = await this.run(`printf %s "$${name}"`)
    return stdout
  }

  /** Ends what is still there of what blocks have left running. */
  async end(): Promise<void> {
    const pids = readdirSync(this.#options.work)
      .filter((file) => file.endsWith(".pid"))
      .map((file) => readFileSync(join(this.#options.work, file), "utf8").trim())
    for (const pid of pids) await this.runs(`kill -KILL ${pid} 2> /dev/null || true`)
  }
}
