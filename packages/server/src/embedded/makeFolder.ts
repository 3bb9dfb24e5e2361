/**
 * Makes a folder and those above it, and comes back.
 *
 * Node's own recursive `mkdir` does not where a file system takes no folders, such as `/proc`: it asks again for ever, in
 * a thread that even the end of the process waits for.
 */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { hasCode } from "./EmbeddedPostgresError.ts"

/** Fails with the system's own error. `mode` is for folders that are made. */
export const makeFolder = async (folder: string, mode = 0o777): Promise<void> => {
  if (await isFolder(folder)) return
  const parent = path.dirname(folder)
  if (parent !== folder) await makeFolder(parent, mode)
  try {
    await fs.mkdir(folder, mode)
  } catch (cause) {
    // Another process was faster.
    if (!hasCode(cause, "EEXIST") || !(await isFolder(folder))) throw cause
  }
}

const isFolder = async (folder: string): Promise<boolean> => {
  try {
    return (await fs.stat(folder)).isDirectory()
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return false
    throw cause
  }
}
