/** Lists of words as SQL, for CHECK constraints that are generated from the domain's own lists. */

/** `('A', 'B')`. The words are ours; a quote in one is doubled all the same. */
export const quoted = (words: ReadonlyArray<string>): string =>
  `(${words.map((word) => `'${word.replaceAll("'", "''")}'`).join(", ")})`
