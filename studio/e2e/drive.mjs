// Drives every screen in Debian's chromium, as a person would, and says what it found: one JSON line a check.
//
//     node e2e/drive.mjs URL FACTS [SCREENSHOTS]
//
// FACTS is JSON of what the platform has (tests/browser/test_studio.py makes it): accounts, names. Screenshots are saved
// where a directory is given. ONLY is a pattern of the checks to make.

import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [, , url, factsText, shots] = process.argv;
const facts = JSON.parse(factsText);
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const flags = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --force-device-scale-factor=1";
const browser = await chromium.launch({ executablePath: process.env.KUMOI_CHROMIUM ?? "/usr/bin/chromium", args: flags.split(" "), timeout: 120_000 });
const noise = [];

async function open(hash, { theme = "light", width = 1440, height = 900 } = {}) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: theme, bypassCSP: false });
  page.setDefaultTimeout(60_000);
  page.on("console", (entry) => entry.type() === "error" && !entry.text().includes("422") && noise.push(`${hash}: ${entry.text()}`));
  page.on("pageerror", (error) => noise.push(`${hash}: ${error.message}`));
  await page.goto(`${url}/_kumoi/studio/#${hash}`);
  return page;
}

async function check(name, work) {
  if (process.env.ONLY && !new RegExp(process.env.ONLY).test(name)) return;
  const began = performance.now();
  try {
    const detail = await work();
    console.log(JSON.stringify({ name, ok: true, detail, ms: Math.round(performance.now() - began) }));
  } catch (error) {
    console.log(JSON.stringify({ name, ok: false, detail: String(error.stack ?? error).slice(0, 1500) }));
  }
}

/** Where something stands, once it has stood there for a while: the map lays out and fits itself first. */
async function still(locator) {
  for (let before = ""; ; ) {
    const box = await locator.boundingBox();
    if (box !== null && JSON.stringify(box) === before) return box;
    before = JSON.stringify(box);
    await locator.page().waitForTimeout(400);
  }
}

/** Do something, again if need be, until what it is for has come about: others work meanwhile, and the map moves. */
async function until(page, done, act) {
  for (const latest = performance.now() + 120_000; ; ) {
    for (let looks = 0; looks < 15; looks += 1) {
      if (await done()) return;
      if (looks === 0) await act();
      else await page.waitForTimeout(100);
    }
    expect(performance.now() < latest, `it does not come about: ${act}`);
  }
}

/** Choose a card of the map, which shows something of it. */
const choose = (page, id, shown) => until(page, () => shown.isVisible(), () => page.locator(`[data-node="${id}"]`).click());

function expect(truth, words) {
  if (!truth) throw new Error(words);
}

/** A picture of the page, where pictures are wanted: once what moves on it has come to rest. */
async function shot(page, name, rest = 0) {
  if (!shots) return;
  await page.waitForTimeout(rest);
  await page.screenshot({ path: `${shots}/${name}.png` });
}

const call = (page, account, service, operation, params) =>
  page.evaluate(
    async ([account, body]) => {
      const answer = await fetch(`/_kumoi/studio/api/call?account=${account}`, { method: "POST", headers: { "x-kumoi-studio": "1" }, body });
      return (await answer.json()).answer;
    },
    [account, JSON.stringify({ service, operation, params })],
  );

async function clean(page, what) {
  await page.evaluate(await (await import("node:fs/promises")).readFile(axe, "utf8"));
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const told = found.violations.map((one) => `${one.id} (${one.impact}): ${one.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary?.split("\n")[1] ?? ""}`).join(" | ")}`);
  expect(told.length === 0, `${what}: ${told.join("\n")}`);
}

/** The open screen at 1280 pixels, light and dark: nothing that axe minds, nothing that is cut off. */
async function readable(page, name) {
  await page.setViewportSize({ width: 1280, height: 800 });
  await clean(page, `${name}, light`);
  await page.getByRole("button", { name: "Dark theme" }).click();
  await shot(page, `studio-${name}-dark`);
  await clean(page, `${name}, dark`);
  await page.getByRole("button", { name: "Light theme" }).click();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(!wide, `${name} is wider than 1280 pixels`);
  await page.setViewportSize({ width: 1440, height: 900 });
}

const ready = (page) => page.locator(".canvas[data-ready=yes] [data-node]").first().waitFor();

await check("map", async () => {
  const page = await open("map");
  await ready(page);
  const told = () => page.locator("aside").innerText();
  // What failed half a minute ago is not failing now.
  await until(page, async () => (await told()).includes("CardRefused"), () => call(page, facts.account, "lambda", "Invoke", { FunctionName: "charge", Payload: Buffer.from('{"card": "stolen"}').toString("base64") }));
  const text = await told();
  for (const question of ["Failing now", "Where the money goes", "Slowest"]) expect(text.includes(question), `no "${question}"`);
  expect((await page.locator(`[data-node="${facts.api}"]`).count()) === 1, "no card for the API");
  await shot(page, "studio-map", 400);
  await page.keyboard.press("j");
  await page.waitForFunction(() => location.hash.length > 5);
  await page.keyboard.press("Escape");
  await choose(page, facts.worker, page.getByRole("heading", { name: "Called by" }));
  await shot(page, "studio-map-node");
  await readable(page, "map");
  await page.keyboard.press("Escape");
  await page.keyboard.press("a");
  await page.locator('[data-node="app:orders"]').waitFor();
  await page.keyboard.press("a");
  await page.locator(`[data-node="${facts.worker}"]`).waitFor();
  await page.close();
});

/** Where on the page the middle of a link is, once the map stands still. */
async function middle(page, link) {
  let before = { x: -1, y: -1 };
  for (;;) {
    const at = await halfway(page, link);
    if (at.x === before.x && at.y === before.y) return at;
    before = at;
    await page.waitForTimeout(250);
  }
}

/** Drag something as a hand does: a browser that is told of too few moves drops it on the way. */
async function dragOnto(page, what, at) {
  await what.hover();
  await page.mouse.down();
  await page.mouse.move(at.x + 90, at.y - 60, { steps: 4 });
  for (const by of [6, 4, 2, 1, 0]) {
    await page.mouse.move(at.x + by, at.y - by);
    await page.waitForTimeout(120);
  }
  await page.mouse.up();
}

const halfway = (page, link) =>
  page.locator(`.svelte-flow__edge[data-id="${link}"] path.line`).evaluate((path) => {
    const at = path.getPointAtLength(path.getTotalLength() / 2).matrixTransform(path.getScreenCTM());
    return { x: at.x, y: at.y };
  });

const order = (id) =>
  fetch(`${url}/_kumoi/execute-api/${facts.api.split(":")[1]}/orders`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ id, customer: "c1", amount: 5 }) });

await check("cost", async () => {
  const page = await open("cost");
  await ready(page);
  await page.getByText("A month with 1,000 users").waitFor();
  await page.locator("figure svg").waitFor();
  expect((await page.locator("figure").boundingBox()).height > 250, "the curve is squeezed");
  await page.locator(".card .line", { hasText: "%" }).first().waitFor();
  const month = () => page.locator("dl .big dd").innerText();
  const before = await month();
  expect(/^\$[\d.,]+( to \$[\d.,]+)?$/.test(before), `a month is told as ${before}`);
  await page.getByLabel("Users").fill("1000000");
  await page.waitForFunction((was) => document.querySelector("dl .big dd")?.textContent !== was, before);
  await page.locator(".lever").first().waitFor();
  await shot(page, "studio-cost", 400);
  await readable(page, "cost");
  for (const by of ["flow", "edge"]) {
    await page.getByRole("button", { name: by, exact: true }).click();
    await page.locator(`caption:text-is("USD of this run by ${by}")`).waitFor({ state: "attached" });
  }
  await choose(page, facts.worker, page.getByText("of this run."));
  await page.close();
});

await check("sweep", async () => {
  const page = await open("break");
  await ready(page);
  const cell = (color, seen = "") => ({ color, seen, struck: 4, accepted: 4, failed: color === "red" ? 2 : 0 });
  const row = (source, target, operation, ...colors) => ({ source, target, operation, cells: { "an order": Object.fromEntries(["error", "throttle", "slow", "lost", "duplicate"].map((kind, index) => [kind, cell(colors[index], colors[index] === "black" ? "0 lost, 2 counted twice" : colors[index] === "red" ? "2 of 4 failed" : "")])) } });
  const sweep = {
    flows: ["an order"], kinds: ["error", "throttle", "slow", "lost", "duplicate"], seed: 7, seconds: 61,
    rows: [
      row("client", facts.api, "execute-api", "red", "yellow", "yellow", "yellow", "green"),
      row(facts.worker, facts.orders, "PutItem", "green", "green", "green", "green", "green"),
      row(facts.projection, facts.totals, "UpdateItem", "green", "green", "green", "black", "black"),
    ],
    advice: [{ rule: "not idempotent", node: facts.projection, text: "Projection counts what comes twice, twice: remember the ids of what was counted." }],
    counts: { green: 9, yellow: 3, red: 1, black: 2 },
  };
  await page.evaluate((body) => fetch("/_kumoi/sweep", { method: "POST", body }), JSON.stringify(sweep));
  await page.reload();
  await ready(page);
  await page.getByRole("button", { name: "Sweep" }).click();
  const black = page.getByRole("button", { name: "Twice: data lost or counted twice" });
  await black.click();
  await page.getByText("0 lost, 2 counted twice").waitFor();
  await page.locator(`.svelte-flow__edge[data-id="${facts.projection}→${facts.totals}"] .link.lost`).waitFor({ state: "attached" });
  await shot(page, "studio-sweep", 500);
  await clean(page, "a sweep");
  await page.getByLabel("Open a report").setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from("{}") });
  await page.getByRole("alert").filter({ hasText: "no report of a sweep" }).waitFor();
  await page.getByLabel("Open a report").setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify({ ...sweep, rows: sweep.rows.slice(0, 1) })) });
  await page.getByText("1 edge, 1 flow, from a file").waitFor();
  await page.close();
});

await check("break", async () => {
  const page = await open("break");
  await ready(page);
  const link = `${facts.worker}→${facts.orders}`;
  await page.waitForTimeout(300);
  const landed = async () => (await page.getByRole("combobox", { name: "Edge" }).inputValue()) === link;
  for (let tries = 0; tries < 10 && !(await landed()); tries += 1) {
    // The map is laid out anew when another page makes something: then the edge is no longer where it was.
    await dragOnto(page, page.getByRole("button", { name: "Throttle" }), await middle(page, link));
  }
  expect(await landed(), "the fault did not land on the edge");
  await page.getByLabel("Share of the calls").fill("0.6");
  await page.getByRole("button", { name: /^Break Worker → Orders/ }).click();
  await page.locator(".fault-row", { hasText: "60 % of calls" }).waitFor();
  for (let number = 0; number < 8; number += 1) expect((await order(`broken-${number}`)).status < 300, "an order was refused");
  await page.locator(".hit", { hasText: "Worker" }).first().waitFor();
  await page.locator(".hit", { hasText: /got through|tried again/ }).first().waitFor();
  await shot(page, "studio-break", 1500);
  await readable(page, "break");
  await page.getByRole("button", { name: "Take all back" }).click();
  await page.getByText("Nothing is broken.").waitFor();

  await page.getByRole("button", { name: "Kill" }).focus();
  await page.keyboard.press("Enter");
  expect(await page.getByRole("combobox", { name: "Edge" }).locator(`option[value="${link}"]`).isDisabled(), "a table can be killed");
  await page.keyboard.press("Escape");
  await page.locator("h1").click();
  await page.keyboard.press("j");
  expect((await page.getByRole("combobox", { name: "Edge" }).inputValue()) !== "", "j chooses no edge");
  await page.getByRole("button", { name: "Fail" }).click();
  await page.getByRole("combobox", { name: "Edge" }).selectOption("client→lambda:mean");
  await page.getByRole("combobox", { name: "Error" }).selectOption("denied");
  await page.getByRole("button", { name: /^Break Clients → mean/ }).press("Enter");
  await page.locator(".fault-row", { hasText: "access denied" }).waitFor();
  const scope = "20260101/us-east-1/lambda/aws4_request";
  const refused = await fetch(`${url}/2015-03-31/functions/mean/invocations`, { method: "POST", body: "{}", headers: { authorization: `AWS4-HMAC-SHA256 Credential=test/${scope}, SignedHeaders=host, Signature=0` } });
  expect(refused.status === 403, `the client was answered ${refused.status}`);
  await page.locator(".hit", { hasText: "not tried again" }).first().waitFor();
  await page.getByRole("button", { name: /^Take back: / }).click();
  await page.getByText("Nothing is broken.").waitFor();
  await page.close();
});

await check("the map follows a call", async () => {
  const page = await open(`map/${facts.charge}`);
  await ready(page);
  await page.getByRole("heading", { name: "Called by" }).waitFor();
  const calls = () => page.locator("dl dd").first().innerText();
  const before = await calls();
  await page.evaluate(() => { window.seen = 0; new MutationObserver(() => (window.seen = performance.now())).observe(document.querySelector("dl"), { subtree: true, childList: true, characterData: true }); });
  const began = await page.evaluate(() => performance.now());
  await call(page, facts.account, "lambda", "Invoke", { FunctionName: "charge", Payload: Buffer.from('{"amount": 1, "card": "good", "order": "x"}').toString("base64") });
  await page.waitForFunction((was) => document.querySelector("dl dd")?.textContent !== was, before);
  const took = (await page.evaluate(() => window.seen)) - began;
  await page.close();
  return { ms: Math.round(took) };
});

await check("map of 60 nodes", async () => {
  const page = await open("map");
  await page.getByLabel("Account").selectOption(facts.crowd);
  await page.waitForFunction(() => document.querySelectorAll(".canvas[data-ready=yes] [data-node]").length >= 60);
  await page.waitForTimeout(500);
  await page.addInitScript((account) => sessionStorage.setItem("kumoi-account", account), facts.crowd);
  await page.reload();
  await page.waitForFunction(() => document.querySelectorAll(".canvas[data-ready=yes] [data-node]").length >= 60);
  const painted = await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())))));
  await shot(page, "studio-map-60");
  await page.close();
  return { ms: Math.round(painted) };
});

const together = [];
const soon = (name, work) => together.push(() => check(name, work));

soon("palette", async () => {
  const page = await open("map");
  await ready(page);
  await page.keyboard.press("/");
  await page.getByRole("combobox", { name: "Search resources" }).fill("metr");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.hash === "#metrics");
  await until(page, () => page.evaluate(() => location.hash === "#traces"), async () => {
    await page.keyboard.press("g");
    await page.keyboard.press("t");
  });
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Search resources" }).fill("Worker");
  await page.getByRole("option", { name: /Worker/ }).waitFor();
  await clean(page, "palette");
  await shot(page, "studio-palette");
  await page.close();
});

soon("traces", async () => {
  const page = await open(`traces/${facts.api}`);
  await page.locator("[role=list] .item").first().waitFor();
  await page.locator("tbody tr").nth(1).waitFor();
  const row = page.locator("tbody tr").filter({ hasText: "Invoke" }).first();
  await row.click();
  await page.getByRole("heading", { name: "Given" }).waitFor();
  await page.getByRole("heading", { name: "Logs" }).waitFor();
  await shot(page, "studio-traces");
  await readable(page, "traces");
  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByRole("button", { name: "Replay edited" }).click();
  await page.getByRole("heading", { name: "The replay answered" }).waitFor();
  await page.getByRole("button", { name: "Its trace" }).click();
  await page.waitForFunction(() => location.hash.startsWith("#traces/1-"));
  await page.close();
});

soon("logs", async () => {
  const page = await open("logs");
  await page.locator(".line").first().waitFor();
  await page.locator("figure svg").waitFor();
  await shot(page, "studio-logs");
  await readable(page, "logs");
  await page.getByLabel("Query").fill('fields @timestamp, @message\n| filter @message like "CardRefused"');
  await page.keyboard.press("Control+Enter");
  await page.waitForFunction(() => { const all = [...document.querySelectorAll(".line .text")]; return all.length > 0 && all.every((one) => one.textContent.includes("CardRefused")); });
  await page.getByRole("button", { name: "Follow live" }).click();
  await call(page, facts.account, "lambda", "Invoke", { FunctionName: "mean", Payload: Buffer.from('{"say": "followed live"}').toString("base64") });
  await page.locator(".line", { hasText: "followed live" }).first().waitFor();
  await page.close();
});

soon("parts of a function's work", async () => {
  const page = await open(`traces/${facts.mean}`);
  await page.locator("[role=list] .item").first().waitFor();
  const part = page.locator("tbody tr").filter({ hasText: "think hard" });
  const items = page.locator("[role=list] .item");
  for (let number = 0; (await part.count()) === 0 && number < 60; number += 1) {
    await items.nth(number % (await items.count())).click();
    await part.waitFor({ timeout: 700 }).catch(() => {}); // not this one, or it has not come yet: each has its turn again
  }
  await part.click();
  await page.getByRole("heading", { name: "Annotations" }).waitFor();
  await clean(page, "a part");
  await page.close();
});

soon("executions", async () => {
  const page = await open("executions");
  await page.locator("[role=list] .item").first().waitFor();
  await page.locator("[role=list] .item", { hasText: "stolen" }).click();
  await page.locator(".state.caught").first().waitFor();
  await shot(page, "studio-executions");
  await readable(page, "executions");
  await page.locator(".state.caught").first().click();
  await page.getByRole("heading", { name: "Input" }).waitFor();
  const text = await page.locator("aside").innerText();
  expect(text.includes("CardRefused"), `the state's error is not told: ${text}`);
  await page.close();
});

soon("data", async () => {
  const page = await open(`data/${facts.stock}`);
  await page.getByRole("button", { name: "lamp" }).click();
  await page.getByLabel("The item as JSON").waitFor();
  await shot(page, "studio-data");
  await readable(page, "data");
  await page.getByRole("textbox", { name: "Query" }).fill('"left" < 0');
  await page.getByRole("button", { name: "Run" }).click();
  await page.getByText("No such item").waitFor();
  await page.getByRole("textbox", { name: "Query" }).fill("item = 'lamp'");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "lamp" }).click();
  await page.getByRole("button", { name: "All items" }).click();
  await page.getByLabel("The item as JSON").fill('{"item": "lamp", "left": 77}');
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("td", { hasText: "77" }).waitFor();
  const item = await call(page, facts.account, "dynamodb", "GetItem", { TableName: "stock", Key: { item: { S: "lamp" } } });
  expect(item.Item.left.N === "77", `the table has ${JSON.stringify(item)}`);
  await page.evaluate((hash) => (location.hash = hash), `data/${facts.queue}`);
  await page.getByLabel("Message body").fill("from the browser");
  await page.getByRole("button", { name: "Send message" }).click();
  await page.waitForFunction(() => document.querySelector("dl dd")?.textContent === "1");
  await page.getByRole("button", { name: "Receive up to 10" }).click();
  await page.locator("pre", { hasText: "from the browser" }).waitFor();
  await clean(page, "queue");
  await page.evaluate((hash) => (location.hash = hash), `data/${facts.bucket}`);
  await page.getByRole("button", { name: "New object" }).click();
  await page.getByLabel("Key").fill("note.json");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "note.json" }).waitFor();
  await clean(page, "bucket");
  await page.close();
});

soon("mail", async () => {
  const page = await open("mail");
  await page.getByText("Mails stay here").waitFor();
  await call(page, facts.account, "ses", "VerifyDomainIdentity", { Domain: "shop.example" });
  const body = { Html: { Data: "<h1>Thank you, Ann</h1>" }, Text: { Data: "Thank you" } };
  await call(page, facts.account, "ses", "SendEmail", { Source: "Shop <orders@shop.example>", Destination: { ToAddresses: ["ann@example.com", "bounce@simulator.amazonses.com"] }, Message: { Subject: { Data: "Your order" }, Body: body } });
  await page.locator(".mail", { hasText: "Your order" }).click();
  await page.frameLocator("iframe").getByRole("heading", { name: "Thank you, Ann" }).waitFor();
  expect((await page.locator("iframe").getAttribute("sandbox")) === "", "the frame of a mail is sandboxed");
  await shot(page, "studio-mail");
  await readable(page, "mail");
  await page.getByRole("button", { name: "Text", exact: true }).click();
  await page.locator("pre", { hasText: "Thank you" }).waitFor();
  await page.getByRole("button", { name: "Forget" }).click();
  await page.getByText("No mail yet.").waitFor();
  await page.close();
});

soon("metrics", async () => {
  const page = await open("metrics");
  await page.locator("figure svg").waitFor();
  await call(page, facts.account, "cloudwatch", "PutMetricAlarm", {
    AlarmName: "mean is called", AlarmDescription: "Somebody says something.", Namespace: "AWS/Lambda", MetricName: "Invocations",
    Dimensions: [{ Name: "FunctionName", Value: "mean" }], Statistic: "Sum", Period: 60, EvaluationPeriods: 1, Threshold: 3, ComparisonOperator: "GreaterThanThreshold",
  });
  await page.getByRole("button", { name: /mean is called/ }).click();
  await page.getByText("Rings when it is > 3 in 1 of 1 periods of 60 s.").waitFor();
  await page.locator("figcaption", { hasText: "Threshold" }).waitFor();
  await clean(page, "an alarm");
  await page.getByLabel("Filter metrics").fill("Errors");
  await page.locator(".item", { hasText: "Errors" }).first().click();
  await page.getByRole("heading", { name: "Errors" }).waitFor();
  await page.waitForFunction(() => /[1-9]\d* data point/.test(document.body.innerText));
  await shot(page, "studio-metrics");
  await readable(page, "metrics");
  await page.close();
});

soon("pins", async () => {
  const page = await open("map");
  await ready(page);
  const card = page.locator(`[data-node="${facts.worker}"]`);
  const stands = () => page.locator(`.svelte-flow__node[data-id="${facts.worker}"]`).evaluate((node) => node.style.transform);
  for (let tries = 0; !(await card.locator(".pin").isVisible()); tries += 1) {
    expect(tries < 10, "a card that is dragged is not pinned");
    const before = await still(card); // others call meanwhile: the map may move before it is grasped
    await page.mouse.move(before.x + before.width / 2, before.y + before.height / 2);
    await page.mouse.down();
    await page.mouse.move(before.x + 60, before.y - 70, { steps: 6 });
    await page.mouse.up();
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  }
  const place = await stands();
  await page.reload();
  await card.locator(".pin").waitFor();
  const again = await stands();
  expect(place === again, `pinned at ${place}, then at ${again}`);
  await choose(page, facts.worker, page.getByRole("button", { name: "Unpin" }));
  await until(page, async () => (await stands()) !== again, () => page.keyboard.press("Shift+ArrowDown"));
  await page.getByRole("button", { name: "Unpin" }).click();
  await card.locator(".pin").waitFor({ state: "detached" });
  await page.close();
});

soon("a log line or a payload cannot script the page", async () => {
  const page = await open("logs");
  await page.locator(".line").first().waitFor();
  const evil = `<img src=x onerror="window.owned=1"><script>window.owned=1</script>`;
  await call(page, facts.account, "lambda", "Invoke", { FunctionName: "mean", Payload: Buffer.from(JSON.stringify({ say: evil })).toString("base64") });
  await page.getByLabel("Query").fill("fields @timestamp, @message | sort @timestamp desc | limit 100");
  const told = page.locator(".line", { hasText: "onerror" }).first();
  await until(page, () => told.isVisible(), () => page.keyboard.press("Control+Enter")); // a line comes behind its answer
  await until(page, () => page.locator(".line[aria-expanded=true]", { hasText: "onerror" }).first().isVisible(), () => told.click());
  await page.evaluate(() => (location.hash = "traces/lambda:mean"));
  const items = page.locator("[role=list] .item");
  await items.first().waitFor();
  let number = 0;
  await until(page, () => page.locator("pre", { hasText: "onerror" }).first().isVisible(), async () => {
    await items.nth(number % (await items.count())).click(); // others invoke the function, too
    number += 1;
    await page.locator("tbody tr").filter({ hasText: "Invoke" }).first().click();
  });
  expect((await page.evaluate(() => window.owned)) === undefined, "the page ran what a log line said");
  const inline = await page.evaluate(() => new Promise((done) => {
    const script = document.createElement("script");
    document.addEventListener("securitypolicyviolation", () => done("refused"));
    script.textContent = "window.owned = 1";
    document.body.append(script);
    setTimeout(() => done(window.owned === 1 ? "ran" : "silent"), 10_000);
  }));
  noise.splice(0, noise.length, ...noise.filter((one) => !one.includes("Content Security Policy")));
  expect(inline === "refused", `an inline script: ${inline}`);
  await page.close();
});

// The rest shares the browser, three at a time.
await Promise.all([0, 1, 2].map(async () => {
  for (let next = together.shift(); next !== undefined; next = together.shift()) await next();
}));
await check("no errors in the console", async () => expect(noise.length === 0, noise.join("\n")));
await browser.close();
