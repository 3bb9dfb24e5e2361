/**
 * Starts the product as a newcomer does, with `npx -y pnpm@12 start`, and stops it.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"

export interface RunningServer {
  readonly url: string
  readonly output: () => string
  readonly readyAfterSeconds: number
  /** Ctrl-C; answers the exit code. */
  readonly stop: () => Promise<number | null>
  /** Kills the server's own process, not the package manager that started it. */
  readonly kill: () => Promise<void>
}

/** Ports that nobody uses at this moment. */
export const freePorts = async (count: number): Promise<ReadonlyArray<number>> => {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"))
  await Promise.all(servers.map((server) => once(server, "listening")))
  const ports = servers.map((server) => {
    const address = server.address()
    if (address === null || typeof address === "string") throw new Error("no port")
    return address.port
  })
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
  return ports
}

/** Runs `start` in a folder to its end, for runs that are expected to refuse. */
export const runStart = async (
  folder: string,
  env: Record<string, string>
): Promise<{ readonly code: number | null; readonly output: string }> => {
  const { child, output } = launch(folder, env)
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), 60_000)
  await once(child, "close")
  clearTimeout(timer)
  return { code: child.exitCode, output: output() }
}

/** Starts the server and waits until it is ready. */
export const startServer = async (folder: string, env: Record<string, string>): Promise<RunningServer> => {
  const from = performance.now()
  const { child, output } = launch(folder, env)
  const url = `http://127.0.0.1:${env["PORT"]}`
  const closed = once(child, "close")
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server has stopped (${child.exitCode}):\n${output()}`)
    if (performance.now() - from > 180_000) throw new Error(`not ready within 180 s:\n${output()}`)
    const ready = await fetch(`${url}/health/readiness`).then(
      (response) => response.ok,
      () => false
    )
    // The banner comes last, and holds the tokens.
    if (ready && /curl/.test(output())) break
    await new Promise((resume) => setTimeout(resume, 50))
  }
  return {
    url,
    output,
    readyAfterSeconds: (performance.now() - from) / 1000,
    stop: async () => {
      signalGroup(child, "SIGINT")
      await closed
      return child.exitCode
    },
    kill: async () => {
      signalGroup(child, "SIGKILL")
      await closed
    }
  }
}

/** The caller's environment without what a package manager around this run has put there: a newcomer has none of it. */
const ownEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^p?npm_/i.test(name)))

const launch = (folder: string, env: Record<string, string>) => {
  // A group of its own, so that a signal reaches the package manager and the server alike, as Ctrl-C does.
  const child = spawn("npx", ["-y", "pnpm@12", "start"], {
    cwd: folder,
    detached: true,
    env: { ...ownEnvironment(), ...env },
    stdio: ["ignore", "pipe", "pipe"]
  })
  let text = ""
  child.stdout.on("data", (chunk) => (text += String(chunk)))
  child.stderr.on("data", (chunk) => (text += String(chunk)))
  return { child, output: () => text }
}

const signalGroup = (child: ChildProcess, signal: NodeJS.Signals): void => {
  if (child.pid === undefined || child.exitCode !== null) return
  process.kill(-child.pid, signal)
}
