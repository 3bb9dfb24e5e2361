/**
 * How deep a JSON text nests, without parsing it: for texts that a recursive reader must not be given.
 */

/** Whether objects and arrays lie deeper in each other than `levels`. Brackets inside strings do not count. */
export const isNestedDeeperThan = (json: string, levels: number): boolean => {
  let depth = 0
  let inString = false
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (inString) {
      if (character === "\\") at += 1
      else if (character === '"') inString = false
    } else if (character === '"') {
      inString = true
    } else if (character === "{" || character === "[") {
      depth += 1
      if (depth > levels) return true
    } else if (character === "}" || character === "]") {
      depth -= 1
    }
  }
  return false
}
