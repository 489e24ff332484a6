// Opens pages in headless Chromium, 1440, 1024 and 390 pixels wide, light and dark, and in print,
// and fails on whatever a reader would trip over: an error on the console, any
// request beside the page itself, anything wider than the window, labels of charts that overlap or are
// cut off, a control or a chart that the keyboard does not reach or work, a violation of
// WCAG 2 A or AA that axe-core finds. An address of allocate serve may ask its own server.
//
//   npm install && node check.mjs CHROMIUM PAGE.html... http://localhost:8080/what-if
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"
import { chromium } from "playwright-core"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
const [executablePath, ...pages] = process.argv.slice(2)
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
})
// labels are texts of charts that overlap each other or leave the chart.
const labels = () => {
  const out = []
  for (const svg of document.querySelectorAll("svg")) {
    const frame = svg.getBoundingClientRect()
    if (!frame.width) continue // folded
    const boxes = [...svg.querySelectorAll("text")].filter(t => t.textContent.trim()).map(t => ({ text: t.textContent, box: t.getBoundingClientRect() }))
    const chart = (svg.getAttribute("aria-label") || "").slice(0, 60)
    boxes.forEach((a, i) => {
      if (a.box.left < frame.left - 2 || a.box.right > frame.right + 2 || a.box.top < frame.top - 2 || a.box.bottom > frame.bottom + 2) out.push(`${chart}: "${a.text}" is cut off`)
      for (const b of boxes.slice(i + 1)) {
        const w = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left), h = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top)
        if (w > 1.5 && h > 0.35 * Math.min(a.box.height, b.box.height)) out.push(`${chart}: "${a.text}" and "${b.text}" overlap`)
      }
    })
  }
  return out.slice(0, 5)
}
// keyboard works every chart, fold and link of a page without a pointer, and the pointer reads values.
const keyboard = async (page, where) => {
  const charts = await page.$$("svg[data-plot]")
  for (const chart of charts.slice(0, 12)) {
    if (!await chart.isVisible()) continue
    await chart.focus()
    await page.keyboard.press("End")
    await page.keyboard.press("ArrowLeft")
    const text = await page.$eval(".tip", t => t.hidden ? "" : t.innerText)
    if (!/\d/.test(text)) complain(where, "no value at the keyboard's cursor of", (await chart.getAttribute("aria-label")).slice(0, 60))
    await page.keyboard.press("Escape")
    if (!await page.$eval(".tip", t => t.hidden)) complain(where, "Escape leaves the values of a chart")
    const box = await chart.boundingBox()
    if (!box) continue
    await chart.scrollIntoViewIfNeeded()
    const at = await chart.boundingBox()
    await page.mouse.move(at.x + at.width / 2, at.y + at.height / 2)
    if (!/\d/.test(await page.$eval(".tip", t => t.hidden ? "" : t.innerText))) complain(where, "no value under the pointer of", (await chart.getAttribute("aria-label")).slice(0, 60))
  }
  await page.mouse.move(0, 0)
  for (const fold of await page.$$("h2 .fold")) {
    await fold.focus()
    await page.keyboard.press("Enter")
    if (await fold.getAttribute("aria-expanded") !== "false") complain(where, "a section does not fold")
    await page.keyboard.press("Enter")
  }
  const out = await page.$$eval("button,a[href],input,summary,select,svg[data-plot]", list => list.filter(e => e.tabIndex < 0).map(e => e.outerHTML.slice(0, 80)))
  for (const e of out) complain(where, "not reached by the keyboard:", e)
}
// whatIf changes a limit by the keyboard and waits for the decision.
const whatIf = async (page, where) => {
  await page.waitForFunction(() => document.querySelectorAll("#weights tbody tr").length > 0)
  const before = await page.innerText("#risk")
  await page.focus("[name=max_weight]")
  await page.keyboard.press("Control+A")
  await page.keyboard.type("15")
  await page.waitForFunction(text => document.querySelector("#risk").innerText !== text && document.querySelector("#status").innerText.includes("optimize.max_weight"), before, { timeout: 10000 }).catch(() => complain(where, "a limit changes nothing"))
  await page.keyboard.press("Control+A")
  await page.keyboard.type("-5")
  await page.waitForFunction(() => document.querySelector("#status").className === "error", null, { timeout: 10000 }).catch(() => complain(where, "a limit that is wrong is no error"))
}
let bad = 0
const complain = (...words) => { bad++; console.log(...words) }
for (const path of pages) {
  const served = path.startsWith("http")
  const url = served ? path : pathToFileURL(path).href
  for (const width of [1440, 1024, 390]) {
    for (const colorScheme of ["light", "dark"]) {
      const where = `${path} ${width} ${colorScheme}:`
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true })
      const page = await context.newPage()
      page.on("console", m => { if (served && /status of 4(00|22)/.test(m.text())) return // a change that is wrong or infeasible
        if (m.type() === "error" || m.type() === "warning") complain(where, "console:", m.text()) })
      page.on("pageerror", e => complain(where, "error:", e.message))
      page.on("request", r => { if (r.url() !== url && !(served && new URL(r.url()).origin === new URL(url).origin)) complain(where, "asks for", r.url()) })
      await page.goto(url)
      await page.evaluate(() => document.querySelectorAll("details").forEach((d, i) => { d.open = i < 3 }))
      const wide = await page.evaluate(() => {
        const out = []
        const limit = document.documentElement.clientWidth + 1
        if (document.documentElement.scrollWidth > limit) out.push(`the page is ${document.documentElement.scrollWidth} wide`)
        for (const e of document.querySelectorAll(".scroll")) if (e.scrollWidth > e.clientWidth + 1) out.push(`a table of ${e.scrollWidth} in ${e.clientWidth}: ${e.innerText.slice(0, 60)}`)
        return out
      })
      for (const w of wide) complain(where, "scrolls sideways:", w)
      for (const l of await page.evaluate(labels)) complain(where, "labels:", l)
      if (served) await whatIf(page, where)
      else await keyboard(page, where)
      // Every head of a table sorts it, and nothing breaks.
      for (const b of await page.$$("table.sort th button")) if (await b.isVisible()) await b.click()
      await page.evaluate(axe)
      const result = await page.evaluate(() => window.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"] }))
      for (const v of result.violations) complain(where, v.impact, v.id, v.nodes.length, v.nodes[0].html.slice(0, 160), v.nodes[0].failureSummary?.split("\n").slice(1, 2).join(" "))
      if (!served) { // on paper
        await page.emulateMedia({ media: "print", colorScheme })
        await page.setViewportSize({ width: 720, height: 1000 })
        const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
        if (over > 1) complain(where, `in print the page is ${over} too wide`)
      }
      await context.close()
    }
  }
}
await browser.close()
console.log(`${pages.length} pages checked in 6 ways, ${bad} complaints`)
process.exit(bad ? 1 : 0)
