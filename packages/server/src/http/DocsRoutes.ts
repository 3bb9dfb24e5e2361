/**
 * The documentation page at /docs. Everything that it shows and runs comes with the page itself.
 *
 * The viewer that Effect bundles would offer its maker's fonts, proxy and sharing service. Fonts are switched off, the
 * addresses of the rest are taken out of the page, and the content policy forbids the browser to ask anybody but us.
 */
import { Effect, Layer } from "effect"
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

/** The page is made once and never changes. */
const ownPage = HttpRouter.middleware(
  Effect.sync(() => {
    let page: HttpServerResponse.HttpServerResponse | undefined
    return (httpEffect) =>
      page === undefined
        ? Effect.map(httpEffect, (response) => {
            page = guarded(response)
            return page
          })
        : Effect.succeed(page)
  })
)

const guarded = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse => {
  const { body } = response
  const text = body._tag === "Uint8Array" ? (body.text ?? new TextDecoder().decode(body.body)) : ""
  return HttpServerResponse.html(withoutForeignServices(text)).pipe(
    HttpServerResponse.setHeaders({ "content-security-policy": contentPolicy, "referrer-policy": "no-referrer" })
  )
}

export const layer = HttpApiScalar.layer(OrderServiceApi, {
  path: "/docs",
  scalar: { withDefaultFonts: false, proxyUrl: "", defaultOpenAllTags: true }
}).pipe(Layer.provide(ownPage.layer))
