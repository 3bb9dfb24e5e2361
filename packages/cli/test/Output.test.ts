/** How results are laid out. */
import { assert, describe, it } from "@effect/vitest"
import { printable, renderCsv, renderLines, renderTable } from "@tickettoken/order-cli/Output"

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

describe("renderCsv", () => {
  it("quotes what needs it and lets no sheet run a cell", () => {
    const text = renderCsv(
      ["NAME", "NET SUM"],
      [
        ['a "b", c', "=1+1"],
        ["-", "-2.50 USD"],
        ["-x", "@y"]
      ]
    )
    assert.deepStrictEqual(text.split("\r\n"), ["name,net_sum", `"a ""b"", c",'=1+1`, "-,-2.50 USD", "'-x,'@y"])
  })
})

describe("renderLines", () => {
  it("makes a line of each entry of a list, and one of anything else", () => {
    assert.strictEqual(renderLines({ orders: [{ id: 1 }, { id: 2 }], total: 2 }), '{"id":1}\n{"id":2}')
    assert.strictEqual(renderLines({ id: 1, items: [2] }), '{"id":1,"items":[2]}')
    assert.strictEqual(renderLines({ orders: [] }), "")
  })
})
