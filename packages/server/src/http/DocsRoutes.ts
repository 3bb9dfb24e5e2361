/**
 * The documentation page at /docs. Everything that it shows and runs comes with the page itself.
 *
 * The viewer that Effect bundles would offer its maker's fonts, proxy and sharing service. Fonts are switched off, the
 * addresses of the rest are taken out of the page, and the content policy forbids the browser to ask anybody but us.
 */
import { Effect } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { HttpApiScalar } from "effect/http-api"
import { OrderServiceApi } from "../contract/Api.ts"

const contentPolicy = [
  "default-src 'none'",
  "script-src 'unsafe-inline'",
  "style-src 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join("; ")

/** Services of the viewer's maker, and where it is loaded from elsewhere, as the page would call them. */
const foreignService = /https:\/\/(?:[a-z-]+\.)*(?:scalar\.com|jsdelivr\.net)/g

const withoutForeignServices = (page: string): string => page.replaceAll(foreignService, "")

const viewer = HttpApiScalar.layer(OrderServiceApi, {
  path: "/docs",
  scalar: { withDefaultFonts: false, proxyUrl: "", defaultOpenAllTags: true }
})

const guarded = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse => {
  const { body } = response
  const text = body._tag === "Uint8Array" ? (body.text ?? new TextDecoder().decode(body.body)) : ""
  return HttpServerResponse.html(withoutForeignServices(text)).pipe(
    HttpServerResponse.setHeaders({ "content-security-policy": contentPolicy, "referrer-policy": "no-referrer" })
  )
}

/** Answers the request that asks for it first. A reader who hangs up must not leave half a page to all others. */
const page = HttpRouter.toHttpEffect(viewer).pipe(
  Effect.flatten,
  Effect.map(guarded),
  Effect.scoped,
  Effect.uninterruptible
)

/** The page is made once, and not before somebody asks for it: its viewer is the largest module of all. */
export const layer = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    yield* router.add("GET", "/docs", yield* Effect.cached(page))
  })
)
