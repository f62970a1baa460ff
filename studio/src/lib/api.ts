// Studio's own interface: JSON below `api/`, any AWS operation through `aws`, and the map's live feed.

const BASE = `${import.meta.env.BASE_URL}api/`;
const PLATFORM = import.meta.env.BASE_URL.replace(/studio\/$/, "");
const TOKEN = "kumoi-studio-token";

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string = "",
  ) {
    super(message);
  }
}

/** The platform's token, where it asks for one: out of the address (`#token=…`, then removed), kept for this tab. */
export function takeToken(): void {
  const found = /^#token=([0-9a-f]+)$/.exec(location.hash);
  if (found?.[1] === undefined) return;
  sessionStorage.setItem(TOKEN, found[1]);
  history.replaceState(null, "", `${location.pathname}#map`);
}

export function keepToken(token: string): void {
  sessionStorage.setItem(TOKEN, token.trim());
}

function headers(): Record<string, string> {
  const token = sessionStorage.getItem(TOKEN);
  return { "x-kumoi-studio": "1", ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
}

type Query = Record<string, string | number | undefined>;

function address(path: string, query: Query, base = BASE): string {
  const sent = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) sent.set(name, String(value));
  return `${base}${path}?${sent}`;
}

/** Ask the platform's own interface, below `/_kumoi/`: faults, sweeps, costs, the clock. */
export function platform<T>(method: string, path: string, query: Query = {}, body?: unknown): Promise<T> {
  return ask<T>(method, path, query, body, PLATFORM);
}

export async function ask<T>(method: string, path: string, query: Query = {}, body?: unknown, base = BASE): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(address(path, query, base), {
      method,
      headers: headers(),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError("the platform does not answer", 0);
  }
  const content = (await answer.json().catch(() => ({}))) as { error?: string; code?: string } & T;
  if (!answer.ok) throw new ApiError(content.error ?? answer.statusText, answer.status, content.code ?? "");
  return content;
}

/** Where calls go: whose account, which region. */
export interface Place {
  account: string;
  region: string;
}

/** Call any AWS operation; members are AWS's, blobs base64, times epoch seconds. */
export async function aws<T = Record<string, unknown>>(
  place: Place,
  service: string,
  operation: string,
  params: Record<string, unknown> = {},
): Promise<T> {
  const found = await ask<{ answer: T }>("POST", "call", { account: place.account }, {
    service,
    operation,
    params,
    region: place.region,
  });
  return found.answer;
}

/** Follow the map's feed until `signal` aborts; opened again when it breaks. */
export async function follow(
  account: string,
  heard: (event: string, data: unknown) => void,
  state: (open: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const answer = await fetch(address("feed", { account }), { headers: headers(), signal });
      if (!answer.ok || answer.body === null) throw new ApiError(answer.statusText, answer.status);
      state(true);
      await read(answer.body, heard);
    } catch {
      if (signal.aborted) return;
    }
    state(false);
    await new Promise((done) => setTimeout(done, 1000));
  }
}

async function read(body: ReadableStream<Uint8Array>, heard: (event: string, data: unknown) => void): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    waiting += value;
    let end = waiting.indexOf("\n\n");
    while (end >= 0) {
      const parsed = parseEvent(waiting.slice(0, end));
      if (parsed !== undefined) heard(parsed.event, parsed.data);
      waiting = waiting.slice(end + 2);
      end = waiting.indexOf("\n\n");
    }
  }
}

/** One server-sent event; undefined for comments. */
export function parseEvent(text: string): { event: string; data: unknown } | undefined {
  let event = "message";
  const data: string[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("event: ")) event = line.slice(7);
    else if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  return data.length === 0 ? undefined : { event, data: JSON.parse(data.join("\n")) };
}
