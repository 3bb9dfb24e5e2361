/**
 * What another service has said, fit to stand in a line of ours.
 */

const CHARS_MAX = 200

/** One short line of plain characters. */
export const printable = (text: string): string =>
  text
    .replaceAll(/[^\x20-\x7e]+/g, " ")
    .trim()
    .slice(0, CHARS_MAX)
