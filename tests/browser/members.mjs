// Somebody signs in with a page's Google button, in Debian's chromium, at the page that stands in for Google.
//
//     node members.mjs PAGE SPKI
//
// SPKI is the SHA-256 of the key that TLS is answered with. Says what it found, a JSON line a check.
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../../studio/package.json", import.meta.url))("playwright-core");
const [, , address, spki] = process.argv;
const flags = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
const browser = await chromium.launch({
  executablePath: process.env.KUMOI_CHROMIUM ?? "/usr/bin/chromium",
  args: [...flags.split(" "), `--ignore-certificate-errors-spki-list=${spki}`],
  timeout: 120_000,
});
const [page, noise] = [await (await browser.newContext()).newPage(), []];
page.setDefaultTimeout(60_000);
page.on("pageerror", (error) => noise.push(error.message));
page.on("console", (message) => noise.push(message.text()));
page.on("requestfailed", (request) => noise.push(`${request.url()} ${request.failure()?.errorText}`));

const tell = (name) => console.log(JSON.stringify({ name, ok: true }));
const says = (text) => page.locator("#who", { hasText: text }).waitFor();

try {
  await page.goto(address);
  await says("You are not signed in.");
  await page.click("#in");
  await page.locator("h1", { hasText: "Sign in with Google" }).waitFor();
  await page.click("button[name=again]");
  await says("the user refused");
  tell("refused");

  await page.goto(address);
  await page.click("#in");
  await page.fill("[name=email]", "ann@example.com");
  await page.fill("[name=name]", "Ann");
  await page.click("button:not([name])");
  await says("Ann <ann@example.com>, of Google");
  tell("sign-in");

  await page.reload();
  await says("Ann <ann@example.com>");
  await page.click("#out");
  await says("You are not signed in.");
  tell("sign-out");
} catch (error) {
  const detail = [error.stack, page.url(), ...noise, await page.innerText("body")].join("\n");
  console.log(JSON.stringify({ name: "failure", ok: false, detail }));
} finally {
  await browser.close();
  process.exit(0);
}
