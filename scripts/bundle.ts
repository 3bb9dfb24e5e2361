/**
 * Programs of this workspace in a few files each, which are read much faster than the thousand modules of their sources.
 */
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { rolldown } from "rolldown"

/** Written for being read in one piece. What others have written stays where it is. */
const bundled = /^(?:effect|@effect\/[\w-]+|jose|@tickettoken\/[\w-]+)(?:\/|$)/

/** Writes `<name>.mjs` for each of these entry points into the folder, and answers the folder. */
export const writeBundle = async (entries: { readonly [name: string]: string }, folder: string): Promise<string> => {
  const build = await rolldown({
    input: { ...entries },
    platform: "node",
    logLevel: "warn",
    plugins: [
      {
        name: "packages-of-others",
        async resolveId(id, importer) {
          if (importer === undefined || !/^[@\w]/.test(id) || bundled.test(id)) return null
          const found = await this.resolve(id, importer, { skipSelf: true })
          if (found === null || !path.isAbsolute(found.id)) return null
          return { id: pathToFileURL(found.id).href, external: true }
        }
      }
    ]
  })
  // By its name: where no manifest says what a `.js` is, Node parses all of it to find out.
  await build.write({
    dir: folder,
    format: "esm",
    entryFileNames: "[name].mjs",
    chunkFileNames: "[name]-[hash].mjs"
  })
  return folder
}
