// Logs of all regions together: queries by Logs Insights, filter patterns where there is none, and a live tail.

import { ApiError, aws } from "../lib/api";
import { duration } from "../lib/format";

export interface Group {
  id: string;
  name: string;
  region: string;
}

export interface Line {
  key: string;
  timestamp: number;
  message: string;
  source: string;
  region: string;
}

export interface Found {
  lines: Line[];
  columns: string[];
  table: Record<string, string>[];
  note: string;
}

const COMMANDS = ["fields ", "filter ", "stats ", "sort ", "limit ", "parse ", "dedup ", "display ", "pattern ", "diff ", "anomaly", "relevantfields ", "unnest ", "join ", "lookup ", "accum ", "addtotals "];
const QUERY = new RegExp(`\\||^(?:\\s*#.*\\n)*\\s*(${COMMANDS.map((one) => one.trim()).join("|")}|source|expand|filterindex)\\b`, "i");
const FUNCTIONS = ["count(*)", "avg(", "sum(", "min(", "max(", "pct(", "count_distinct(", "bin(5m)", "strcontains(", "ispresent(", "coalesce("];
const FIELDS = ["@timestamp", "@message", "@logStream", "@log", "@requestId", "@duration", "@type", "@billedDuration", "@maxMemoryUsed", "@initDuration"];

export async function groupsOf(account: string, regions: string[]): Promise<Group[]> {
  const found = await Promise.all(
    regions.map(async (region) => {
      const groups: Group[] = [];
      let nextToken: string | undefined;
      do {
        const page: { logGroups?: { logGroupName: string }[]; nextToken?: string } = await aws({ account, region }, "logs", "DescribeLogGroups", { limit: 50, ...(nextToken ? { nextToken } : {}) });
        groups.push(...(page.logGroups ?? []).map((one) => ({ id: `${region} ${one.logGroupName}`, name: one.logGroupName, region })));
        nextToken = page.nextToken;
      } while (nextToken && groups.length < 500);
      return groups;
    }),
  );
  return found.flat();
}

/** Run a query over groups of several regions; `now` in epoch seconds of the platform. */
export async function query(account: string, groups: Group[], text: string, seconds: number, now: number): Promise<Found> {
  const started = performance.now();
  const start = Math.floor(now - seconds);
  const regions = [...new Set(groups.map((one) => one.region))];
  try {
    const answers = await Promise.all(
      regions.map((region) => insights(account, region, groups.filter((one) => one.region === region).map((one) => one.name), text, start, Math.ceil(now))),
    );
    return { ...merged(answers), note: timing(started, answers.reduce((sum, one) => sum + one.scanned, 0)) };
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "MalformedQueryException" || QUERY.test(text)) throw error;
  }
  const lines = await Promise.all(groups.map((group) => filtered(account, group, patternOf(text), start * 1000, Math.ceil(now * 1000) + 1)));
  const sorted = lines.flatMap((one) => one.reverse()).sort((a, b) => b.timestamp - a.timestamp).slice(0, 1000);
  return { lines: sorted, columns: [], table: [], note: `${timing(started, sorted.length)} · by filter pattern` };
}

function timing(started: number, scanned: number): string {
  return `${duration((performance.now() - started) * 1000)} · ${scanned.toLocaleString("en-US")} read`;
}

interface Answer {
  region: string;
  rows: Record<string, string>[];
  scanned: number;
}

async function insights(account: string, region: string, names: string[], text: string, start: number, end: number): Promise<Answer> {
  const place = { account, region };
  const { queryId } = await aws<{ queryId: string }>(place, "logs", "StartQuery", { logGroupNames: names, startTime: start, endTime: end, queryString: withSource(text) });
  for (let wait = 30; ; wait = Math.min(wait * 1.5, 500)) {
    const found = await aws<{ status: string; results?: { field: string; value: string }[][]; statistics?: { recordsScanned?: number } }>(place, "logs", "GetQueryResults", { queryId });
    if (found.status === "Complete") {
      const rows = (found.results ?? []).map((row) => Object.fromEntries(row.map((cell) => [cell.field, cell.value])));
      return { region, rows, scanned: found.statistics?.recordsScanned ?? 0 };
    }
    if (!["Scheduled", "Running"].includes(found.status)) throw new Error(`the query ended as ${found.status}`);
    await new Promise((done) => setTimeout(done, wait));
  }
}

/** Lines are shown with their group, so that a query for whole lines asks for it too. */
export function withSource(text: string): string {
  return text.replace(/^(\s*fields\s+)(?=@timestamp\s*,\s*@message\s*(\n|\||$))/, "$1@log, ");
}

export function merged(answers: Answer[]): Omit<Found, "note"> {
  const rows = answers.flatMap((one) => one.rows.map((row): Record<string, string> => ({ ...row, "@region": one.region })));
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => name !== "@ptr");
  const whole = names.includes("@message") && names.includes("@timestamp");
  const plain = whole && names.every((name) => ["@timestamp", "@message", "@log", "@logStream", "@region"].includes(name));
  const lines = whole
    ? rows.map((row, index) => ({
        key: `${row["@ptr"] ?? ""}${index}`,
        timestamp: Date.parse(`${(row["@timestamp"] ?? "").replace(" ", "T")}Z`),
        message: row["@message"] ?? "",
        source: short((row["@log"] ?? "").replace(/^\d+:/, "")),
        region: row["@region"] ?? "",
      }))
    : [];
  if (answers.length > 1) lines.sort((a, b) => b.timestamp - a.timestamp);
  return { lines, columns: plain ? [] : names.filter((name) => name !== "@region" || answers.length > 1), table: plain ? [] : rows };
}

interface Event {
  timestamp: number;
  message: string;
  eventId: string;
  logStreamName: string;
}

async function filtered(account: string, group: Group, filterPattern: string, startTime: number, endTime?: number): Promise<Line[]> {
  const found = await aws<{ events?: Event[] }>({ account, region: group.region }, "logs", "FilterLogEvents", {
    logGroupName: group.name,
    startTime,
    limit: 1000,
    ...(endTime === undefined ? {} : { endTime }),
    ...(filterPattern === "" ? {} : { filterPattern }),
  });
  return (found.events ?? []).map((event) => ({ key: `${group.region}${event.eventId}`, timestamp: event.timestamp, message: event.message, source: short(group.name), region: group.region }));
}

/** What a query looks for, as a filter pattern: the texts of its `filter @message like`, or a text that is no query. */
export function patternOf(text: string): string {
  const likes = [...text.matchAll(/like\s+(?:"([^"]+)"|'([^']+)'|\/([^/]+)\/)/g)].map((one) => one[1] ?? one[2] ?? one[3] ?? "");
  if (likes.length) return likes.map((one) => `"${one.replaceAll('"', "")}"`).join(" ");
  return QUERY.test(text) ? "" : text.trim();
}

/** Follow groups from `start` (epoch ms) until `signal` aborts; each line once. */
export async function tail(account: string, groups: () => Group[], start: number, heard: (lines: Line[]) => void, failed: (problem: string) => void, signal: AbortSignal | undefined): Promise<void> {
  const seen = new Set<string>();
  let from = Math.floor(start);
  while (signal !== undefined && !signal.aborted) {
    try {
      const found = (await Promise.all(groups().map((group) => filtered(account, group, "", from)))).flat();
      const news = found.filter((one) => !seen.has(one.key)).sort((a, b) => a.timestamp - b.timestamp);
      for (const one of news) seen.add(one.key);
      if (news.length && !signal.aborted) heard(news);
      from = Math.max(from, (news.at(-1)?.timestamp ?? from) - 5000);
    } catch (error) {
      failed(error instanceof Error ? error.message : String(error));
    }
    await new Promise((done) => setTimeout(done, 700));
  }
}

export function short(group: string): string {
  return group.replace(/^\/aws\/(lambda|vendedlogs\/states|apigateway)\//, "").replace(/^(.+)-([A-Za-z0-9]+)-[0-9a-f]{12}$/, "$2");
}

export function levelOf(message: string): "error" | "warn" | "platform" | "" {
  if (/^(START|END|REPORT|INIT_START) |"type":"platform\./.test(message)) return "platform";
  if (/\b(ERROR|FATAL|CRITICAL|Traceback|Exception|Task timed out)\b|"level":\s*"(error|ERROR|fatal)"/.test(message)) return "error";
  return /\b(WARN|WARNING)\b|"level":\s*"warn/i.test(message) ? "warn" : "";
}

/** Lines counted over time, in at most `most` buckets. */
export function buckets(lines: readonly Line[], most: number): { start: number; end: number; all: number; bad: number }[] {
  if (lines.length === 0) return [];
  const times = lines.map((one) => one.timestamp);
  const first = times.reduce((a, b) => Math.min(a, b));
  const width = Math.max((times.reduce((a, b) => Math.max(a, b)) - first + 1) / most, 1);
  const found = Array.from({ length: most }, (_, index) => ({ start: first + index * width, end: first + (index + 1) * width, all: 0, bad: 0 }));
  for (const line of lines) {
    const bucket = found[Math.min(Math.floor((line.timestamp - first) / width), most - 1)];
    if (bucket === undefined) continue;
    bucket.all += 1;
    if (levelOf(line.message) === "error") bucket.bad += 1;
  }
  return found;
}

/** Fields that the lines' JSON has, by how many lines have them. */
export function fieldsOf(lines: readonly Line[]): string[] {
  const counted = new Map<string, number>();
  for (const { message } of lines.slice(0, 200)) {
    const at = message.indexOf("{");
    if (at < 0) continue;
    try {
      for (const name of Object.keys(JSON.parse(message.slice(at)) as object)) counted.set(name, (counted.get(name) ?? 0) + 1);
    } catch {
      continue;
    }
  }
  return [...counted].sort((a, b) => b[1] - a[1]).map(([name]) => name);
}

/** What may come next, for the text before the caret: commands after a `|`, fields and functions elsewhere. */
export function complete(before: string, discovered: string[]): string[] {
  const word = /[@\w.]*$/.exec(before)?.[0] ?? "";
  const stage = before.slice(0, before.length - word.length);
  const first = /(^|\|)\s*$/.test(stage);
  if (word === "" && !first) return [];
  const known = first ? COMMANDS : [...FIELDS, ...discovered, ...FUNCTIONS];
  return known.filter((one) => one.toLowerCase().startsWith(word.toLowerCase()) && one.trim() !== word);
}
