/** A part of an address as it was meant: what stands in one is percent-encoded. */
export const urlPart = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
