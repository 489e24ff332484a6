// Opens pages in headless Chromium, 1440 and 390 pixels wide, light and dark,
// and fails on whatever a reader would trip over: an error on the console, any
// request beside the page itself, anything wider than the window, a violation of
// WCAG 2 A or AA that axe-core finds.
//
//   npm install && node check.mjs CHROMIUM PAGE.html...
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
let bad = 0
const complain = (...words) => { bad++; console.log(...words) }
for (const path of pages) {
  const url = pathToFileURL(path).href
  for (const width of [1440, 390]) {
    for (const colorScheme of ["light", "dark"]) {
      const where = `${path} ${width} ${colorScheme}:`
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true })
      const page = await context.newPage()
      page.on("console", m => { if (m.type() === "error" || m.type() === "warning") complain(where, "console:", m.text()) })
      page.on("pageerror", e => complain(where, "error:", e.message))
      page.on("request", r => { if (r.url() !== url) complain(where, "asks for", r.url()) })
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
      // Every head of a table sorts it, and nothing breaks.
      for (const b of await page.$$("table.sort th button")) if (await b.isVisible()) await b.click()
      await page.evaluate(axe)
      const result = await page.evaluate(() => window.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"] }))
      for (const v of result.violations) complain(where, v.impact, v.id, v.nodes.length, v.nodes[0].html.slice(0, 160), v.nodes[0].failureSummary?.split("\n").slice(1, 2).join(" "))
      await context.close()
    }
  }
}
await browser.close()
console.log(`${pages.length} pages checked in 4 ways, ${bad} complaints`)
process.exit(bad ? 1 : 0)
