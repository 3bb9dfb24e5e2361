/** How results are laid out. */
import { assert, describe, it } from "@effect/vitest"
import { printable, renderTable } from "@tickettoken/order-cli/Output"

describe("renderTable", () => {
  it("makes columns as wide as their widest cell and leaves no blanks at the end", () => {
    const table = renderTable(
      ["A", "LONG", "C"],
      [
        ["1", "2", "3"],
        ["long cell", "", "4"],
        ["x", "y", ""]
      ]
    )
    assert.deepStrictEqual(table.split("\n"), [
      "A          LONG  C",
      "1          2     3",
      "long cell        4",
      "x          y"
    ])
  })

  it("counts wide characters as the terminal does", () => {
    const table = renderTable(
      ["NAME", "N"],
      [
        ["演唱会", "1"],
        ["Gig", "2"]
      ]
    )
    assert.deepStrictEqual(table.split("\n"), ["NAME    N", "演唱会  1", "Gig     2"])
  })

  it("lets no cell drive the terminal", () => {
    const table = renderTable(["NAME"], [["\u001b[2J\u001b]0;owned\u0007 a\nb\u202ec"]])
    assert.strictEqual(table, "NAME\n?[2J?]0;owned? a?b?c")
  })
})

describe("printable", () => {
  it("keeps letters of every alphabet", () => {
    assert.strictEqual(printable("Größe 演 🎫"), "Größe 演 🎫")
  })
})
