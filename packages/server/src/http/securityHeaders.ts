/**
 * Headers that keep browsers careful with whatever we answer. A page that needs more says so itself.
 */

export const securityHeaders: { readonly [name: string]: string } = {
  "x-content-type-options": "nosniff",
  // Answers are about people: nobody between us and them keeps a copy.
  "cache-control": "no-store",
  // Data is not a page: nothing in it runs, loads or is framed.
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  // Browsers obey it where they came by https, and only there.
  "strict-transport-security": "max-age=31536000"
}
