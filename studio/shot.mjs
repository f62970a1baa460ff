import { chromium } from "playwright-core";
const [, , hash, out, theme = "light", size = "1440x900", ...actions] = process.argv;
const [width, height] = size.split("x").map(Number);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
const page = await browser.newPage({ viewport: { width, height }, colorScheme: theme });
page.on("console", (m) => console.log(m.type(), m.text()));
page.on("pageerror", (e) => console.log("PAGEERROR", e.message, e.stack?.slice(0, 400)));
await page.goto(`http://127.0.0.1:4701/_kumoi/studio/#${hash}`);
await page.waitForTimeout(2500);
for (const action of actions) { await page.evaluate(`(async()=>{})()`); const [kind, ...rest] = action.split(":"); const arg = rest.join(":");
  if (kind === "click") await page.locator(arg).first().click(); else if (kind === "press") await page.keyboard.press(arg); else if (kind === "wait") await page.waitForTimeout(Number(arg)); else if (kind === "fill") { const [sel, val] = arg.split("=>"); await page.fill(sel, val); } }
await page.screenshot({ path: out });
await browser.close();
