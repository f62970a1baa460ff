// Two people chat in Debian's chromium, each in a browser of their own; one loses the network meanwhile.
//
//     node chat.mjs PAGE SPKI PICTURES < codes
//
// SPKI is the SHA-256 of the key that TLS is answered with. Says what it found, a JSON line a check, and asks for
// {"need": …} what comes to its input as a line. Pictures are saved where a directory is given.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { chromium } = createRequire(new URL("../../studio/package.json", import.meta.url))("playwright-core");
const [, , address, spki, pictures] = process.argv;
const flags = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
const browser = await chromium.launch({
  executablePath: process.env.KUMOI_CHROMIUM ?? "/usr/bin/chromium",
  args: [...flags.split(" "), `--ignore-certificate-errors-spki-list=${spki}`],
  timeout: 120_000,
});
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const [noise, failed, said, pages] = [[], [], [], []];
const began = Date.now();

async function window(name) {
  const page = await (await browser.newContext({ viewport: { width: 480, height: 620 } })).newPage();
  // DataStore looks for its connection again after 5, then after 60 seconds.
  page.setDefaultTimeout(90_000);
  page.on("pageerror", (error) => noise.push(`${name}: ${error.message}`));
  page.on("requestfailed", (request) => failed.push(`${name}: ${request.url()} ${request.failure()?.errorText}`));
  follow(name, page);
  await page.goto(address);
  pages.push(page);
  return page;
}

/** Keep what a page and the platform say to each other, to tell it of a failure. */
function follow(name, page) {
  const keep = (what, text) => said.push(`${((Date.now() - began) / 1000).toFixed(2)} ${name} ${what} ${text}`.slice(0, 300));
  page.on("console", (message) => keep(message.type(), message.text()));
  page.on("response", (answer) => answer.url().startsWith(address) || keep(answer.status(), `${answer.url()} ${answer.request().postData() ?? ""}`));
  page.on("websocket", (socket) => {
    keep("opens", "a socket");
    socket.on("framesent", ({ payload }) => keep(">", payload));
    socket.on("framereceived", ({ payload }) => keep("<", payload));
    socket.on("socketerror", (error) => keep("socket", error));
    socket.on("close", () => keep("closes", "a socket"));
  });
}

async function enter(page, email, password) {
  await page.fill("[name=email]", email);
  await page.fill("[name=password]", password);
  await page.click("#account button");
}

const tell = (name) => console.log(JSON.stringify({ name, ok: true }));
const say = async (page, text) => {
  await page.fill("[name=text]", text);
  await page.press("[name=text]", "Enter");
};
const hears = (page, text, from) => page.locator("li", { hasText: text }).filter({ hasText: from }).waitFor();
const button = (page, text, sign) => page.locator("li", { hasText: text }).locator("button", { hasText: sign });
const counted = (page, text, sign, count) => button(page, text, `${sign} ${count}`).waitFor();

try {
  const [ada, bob] = [await window("ada"), await window("bob")];
  await enter(bob, "bob@example.com", "Wrong-horse-7");
  await bob.locator("#problem", { hasText: "Incorrect username or password." }).waitFor();
  await enter(bob, "bob@example.com", "Correct-horse-7");
  await bob.locator("#room").waitFor();
  await ada.click("[data-face=up]");
  await enter(ada, "ada@example.com", "Correct-horse-7");
  await ada.locator("[name=code]").waitFor();
  console.log(JSON.stringify({ need: "ada@example.com" }));
  await ada.fill("[name=code]", (await input.next()).value);
  await ada.click("#account button");
  await ada.locator("#room").waitFor();
  tell("sign-in");

  await say(ada, "Is anybody here?");
  await hears(bob, "Is anybody here?", "ada");
  await say(bob, "I am, and I brought cake.");
  await hears(ada, "I brought cake.", "bob");
  tell("live messages");

  await ada.context().setOffline(true);
  await ada.locator("#offline").waitFor();
  await button(ada, "cake", "☺").click();
  await counted(ada, "cake", "☺", 1);
  await say(ada, "This I write in a tunnel.");
  await hears(ada, "tunnel", "ada");
  await button(bob, "cake", "♥").click();
  await counted(bob, "cake", "♥", 1);
  await say(bob, "Ada?");
  await hears(bob, "Ada?", "bob");
  if (await bob.locator("li", { hasText: "tunnel" }).count()) throw new Error("the network was not cut");
  if (await ada.locator("li", { hasText: "Ada?" }).count()) throw new Error("the network was not cut");
  if (pictures) await ada.screenshot({ path: `${pictures}/chat-offline.png` });
  await ada.context().setOffline(false);
  for (const page of [ada, bob]) {
    await hears(page, "tunnel", "ada");
    await hears(page, "Ada?", "bob");
    await counted(page, "cake", "♥", 1);
    await counted(page, "cake", "☺", 1);
  }
  if (pictures) await ada.screenshot({ path: `${pictures}/chat-merged.png` });
  tell("offline edits merge");

  await ada.reload();
  await hears(ada, "tunnel", "ada");
  await ada.click("#leave");
  await ada.locator("#account").waitFor();
  if (await ada.locator("li").count()) throw new Error("messages stay after signing out");
  tell("sign-out");
  if (noise.length) throw new Error(noise.join("\n"));
} catch (error) {
  const texts = await Promise.all(pages.map((page) => page.innerText("body")));
  const detail = [error.stack, ...noise, ...failed, ...texts, ...said].join("\n");
  console.log(JSON.stringify({ name: "failure", ok: false, detail }));
} finally {
  await browser.close();
  process.exit(0);
}
