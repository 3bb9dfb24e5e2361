/**
 * The body of an answer, up to a length that its reader names: nobody decides for us how much we keep in memory.
 * And what it says, if it is JSON.
 */
import { Data, Effect, Stream } from "effect"
import type { HttpClientResponse } from "effect/http"

/** There was more. */
class AnswerTooLong extends Data.TaggedError("AnswerTooLong")<{ readonly bytesMax: number }> {}

export const readBytes = Effect.fnUntraced(function* (
  response: HttpClientResponse.HttpClientResponse,
  bytesMax: number
) {
  const chunks: Array<Uint8Array> = []
  let length = 0
  yield* Stream.runForEach(response.stream, (chunk) => {
    length += chunk.length
    if (length > bytesMax) return Effect.fail(new AnswerTooLong({ bytesMax }))
    chunks.push(chunk)
    return Effect.void
  })
  return Buffer.concat(chunks)
})

/** The bytes are no JSON in UTF-8. */
class NotJson extends Data.TaggedError("NotJson") {}

export const jsonIn = (bytes: Uint8Array): Effect.Effect<unknown, NotJson> =>
  Effect.try({
    try: (): unknown => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)),
    catch: () => new NotJson()
  })
