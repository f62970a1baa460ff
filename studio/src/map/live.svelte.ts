// The map that screens show: read, followed as it changes, laid out, and pinned where somebody moved a card. One a screen.

import { ask, follow } from "../lib/api";
import { message, session } from "../lib/session.svelte";
import { arrangePicture } from "./layout";
import { picture, startsFolded, structureOf, type Layout, type Model, type Picture, type Stats } from "./model";
import { moved, readPins, writePins, type Pins } from "./pins";

export class LiveMap {
  model = $state.raw<Model | undefined>();
  folded = $state<string[]>([]);
  idle = $state(false);
  problem = $state("");
  pins = $state.raw<Pins>(readPins(session.account));
  private arranged = $state.raw<Layout | undefined>();
  private laidOut = "";
  private known: Record<string, Layout> = {};
  private held = false;
  private next: Layout | undefined;
  private loading = false;
  private again = false;

  readonly shown = $derived<Picture | undefined>(this.model && picture(this.model, this.folded, this.idle));
  readonly layout = $derived(this.arranged && this.shown && moved(this.arranged, this.shown, this.pins));
  /** Ids of cards in reading order: by column, then by row. */
  readonly order = $derived(this.layout && this.shown ? reading(this.shown, this.layout) : []);

  /** Read the map and follow it until the answer is called. */
  start(): () => void {
    const gone = new AbortController();
    let asked = 0;
    void this.load(true);
    void follow(
      session.account,
      (event, data) => {
        if (event === "figures") this.apply(data as Record<string, Stats>);
        if (event === "costs" && this.model) {
          const costs = data as Record<string, number>;
          this.model = { ...this.model, nodes: this.model.nodes.map((node) => ({ ...node, costHour: costs[node.id] ?? 0 })) };
        }
        if (event === "structure" || (event === "hello" && asked > 0)) void this.load(false);
        asked += 1;
      },
      (open) => (session.live = open),
      gone.signal,
    );
    return () => {
      gone.abort();
      session.live = false;
    };
  }

  /** Lay the picture out where its structure is new; call it in an effect. */
  arrange(): void {
    const now = this.shown;
    if (!now || now.cards.length === 0) return;
    const structure = structureOf(now);
    if (structure === this.laidOut) return;
    this.laidOut = structure;
    const kept = this.known[structure];
    if (kept) {
      this.place(kept);
      return;
    }
    void arrangePicture(now).then(
      (found) => {
        if (this.laidOut !== structure) return;
        this.known = { ...this.known, [structure]: found };
        this.place(found);
        void ask("PUT", "layout", { account: session.account, structure: this.model?.structure }, this.known).catch(() => {});
      },
      (error) => (this.problem = message(error)),
    );
  }

  /** Nothing moves while a pointer is pressed: a click is meant for what lies under it. */
  hold(): void {
    this.held = true;
  }

  release(): void {
    this.held = false;
    if (this.next) this.arranged = this.next;
    this.next = undefined;
  }

  private place(found: Layout): void {
    if (this.held) this.next = found;
    else this.arranged = found;
  }

  fold(app: string): void {
    this.folded = this.folded.includes(app) ? this.folded.filter((one) => one !== app) : [...this.folded, app];
  }

  toggleAll(): void {
    if (!this.model) return;
    this.folded = this.folded.length ? [] : [...new Set(this.model.nodes.map((node) => node.app).filter((app) => app !== ""))];
  }

  /** Keep a card where it was put, in this browser. */
  pin(id: string, x: number, y: number, keep: boolean): void {
    this.pins = { ...this.pins, [id]: { x: Math.round(x), y: Math.round(y) } };
    if (keep) writePins(session.account, this.pins);
  }

  /** Let a card go back to where the layout has it; all of them without an id. */
  unpin(id?: string): void {
    this.pins = id === undefined ? {} : Object.fromEntries(Object.entries(this.pins).filter(([one]) => one !== id));
    writePins(session.account, this.pins);
  }

  private async load(first: boolean): Promise<void> {
    if (this.loading) {
      this.again = true;
      return;
    }
    this.loading = true;
    try {
      const found = await ask<Model>("GET", "map", { account: session.account });
      if (first) this.folded = startsFolded(found);
      this.known = { ...this.known, ...(found.layout ?? {}) };
      this.model = found;
      this.problem = "";
    } catch (error) {
      this.problem = message(error);
    }
    this.loading = false;
    if (this.again) {
      this.again = false;
      setTimeout(() => void this.load(false), 400);
    }
  }

  private apply(figures: Record<string, Stats>): void {
    if (!this.model) return;
    let news = false;
    const edges = this.model.edges.map((edge) => {
      const stats = figures[edge.id];
      if (!stats) return edge;
      news = true;
      return { ...edge, stats, origin: edge.origin === "declared" ? ("both" as const) : edge.origin };
    });
    if (news) this.model = { ...this.model, edges };
    if (Object.keys(figures).length > 0 && !news) void this.load(false);
  }
}

function reading(now: Picture, laid: Layout): string[] {
  const at = (id: string): number => (laid.nodes[id]?.x ?? 0) * 10_000 + (laid.nodes[id]?.y ?? 0);
  return now.cards.map((one) => one.id).sort((a, b) => at(a) - at(b));
}
