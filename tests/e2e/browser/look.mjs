// Looks at a page in a headless Chromium, in a light and in a dark window: `node look.mjs PAGE SCREENSHOT`. Prints JSON.
import chromium from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";

const [page, screenshot] = process.argv.slice(2);
const browser = await puppeteer.launch({
  args: chromium.args,
  executablePath: await chromium.executablePath(),
  headless: "shell",
});
const seen = { requests: [], messages: [], schemes: {} };
for (const scheme of ["light", "dark"]) {
  const tab = await browser.newPage();
  tab.on("request", (request) => seen.requests.push(request.url()));
  tab.on("console", (message) => seen.messages.push(message.text()));
  tab.on("dialog", (dialog) => seen.messages.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
  await tab.setViewport({ width: 1200, height: 900 });
  await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await tab.goto(page);
  seen.schemes[scheme] = await tab.evaluate(() => {
    const { backgroundColor, color } = getComputedStyle(document.body);
    return { backgroundColor, color };
  });
  await tab.screenshot({ path: screenshot.replace(".png", `-${scheme}.png`), fullPage: true });
  Object.assign(
    seen,
    await tab.evaluate(() => {
      const texts = (selector) => [...document.querySelectorAll(selector)].map((node) => node.innerText.trim());
      return {
        title: document.title,
        headings: texts("h1, h2, h3"),
        findings: [...document.querySelectorAll(".findings tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent.trim())),
        cells: texts("table:not(.findings) tbody td"),
        elements: [...new Set([...document.querySelectorAll("*")].map((node) => node.localName))].sort(),
        overflows: document.documentElement.scrollWidth > document.documentElement.clientWidth,
      };
    }),
  );
  await tab.close();
}
await browser.close();
console.log(JSON.stringify(seen));
