// How figures are written: short enough for a card, exact enough to compare.

export function duration(us: number): string {
  if (us <= 0) return "0 ms";
  if (us < 1000) return `${Math.round(us)} µs`;
  const ms = us / 1000;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s.toFixed(s < 10 ? 1 : 0)} s`;
  return s < 3600 ? `${Math.floor(s / 60)} min ${Math.round(s % 60)} s` : `${(s / 3600).toFixed(1)} h`;
}

export function rate(perSecond: number): string {
  if (perSecond <= 0) return "idle";
  if (perSecond >= 100) return `${Math.round(perSecond)}/s`;
  if (perSecond >= 1) return `${perSecond.toFixed(1)}/s`;
  const perMinute = perSecond * 60;
  return `${perMinute >= 10 ? Math.round(perMinute) : perMinute.toFixed(perMinute < 1 ? 1 : 0)}/min`;
}

export function money(dollars: number): string {
  if (dollars <= 0) return "$0";
  if (dollars < 0.00001) return "< $0.00001";
  if (dollars < 0.01) return `$${Number(dollars.toPrecision(2)).toFixed(decimals(dollars))}`;
  return dollars < 100 ? `$${dollars.toFixed(2)}` : `$${Math.round(dollars).toLocaleString("en-US")}`;
}

function decimals(value: number): number {
  return Math.min(Math.max(1 - Math.floor(Math.log10(value)), 2), 6);
}

export function bytes(size: number): string {
  if (size < 1024) return `${size} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = size / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function count(value: number): string {
  return value.toLocaleString("en-US");
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Time of day with milliseconds, from epoch milliseconds. */
export function clock(ms: number): string {
  const moment = new Date(ms);
  const time = [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map((n) => String(n).padStart(2, "0"));
  return `${time.join(":")}.${String(moment.getMilliseconds()).padStart(3, "0")}`;
}

export function day(ms: number): string {
  return new Date(ms).toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });
}

/** The day and the time to the minute, from epoch milliseconds. */
export function moment(ms: number): string {
  return `${day(ms)}, ${clock(ms).slice(0, 5)}`;
}

/** JSON with its indentation, where a text is JSON; the text itself elsewhere. */
export function pretty(text: string): string {
  const first = text.trimStart()[0];
  if (first !== "{" && first !== "[") return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** A value with JSON in place of texts that hold JSON: bodies of requests and messages mostly do. */
export function unfolded(value: unknown, depth = 0): unknown {
  if (depth > 100) return value;
  if (typeof value === "string" && /^\s*[[{]/.test(value)) {
    try {
      return unfolded(JSON.parse(value), depth + 1);
    } catch {
      return value;
    }
  }
  if (Array.isArray(value)) return value.map((one) => unfolded(one, depth + 1));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, unfolded(inner, depth + 1)]));
  }
  return value;
}

export function base64Text(encoded: string): string {
  const raw = Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(raw);
  } catch {
    return `${bytes(raw.length)} of binary data`;
  }
}

export function textBase64(text: string): string {
  let raw = "";
  for (const one of new TextEncoder().encode(text)) raw += String.fromCharCode(one);
  return btoa(raw);
}
