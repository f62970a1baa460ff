// What all screens share: where one looks (account, region), how it looks (theme), and whether the platform answers.

import { ApiError, ask, type Place } from "./api";

export interface Info {
  version: string;
  url: string;
  auth: string;
  recording: boolean;
  now: number;
  accounts: string[];
  regions: string[];
  services: string[];
}

type Theme = "light" | "dark";

function preferred(): Theme {
  const kept = localStorage.getItem("kumoi-theme");
  if (kept === "light" || kept === "dark") return kept;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

class Session {
  info = $state<Info | undefined>();
  account = $state(sessionStorage.getItem("kumoi-account") ?? "000000000000");
  region = $state("us-east-1");
  theme = $state<Theme>(preferred());
  live = $state(false);
  locked = $state(false);
  problem = $state("");
  screen = $state("map");
  /** What follows the screen's name in the address: `#traces/1-…` has `1-…`. */
  argument = $state("");

  get place(): Place {
    return { account: this.account, region: this.region };
  }

  async refresh(): Promise<void> {
    try {
      this.info = await ask<Info>("GET", "info", { account: this.account });
      this.locked = false;
      this.problem = "";
    } catch (error) {
      this.locked = error instanceof ApiError && error.status === 401;
      this.problem = this.locked ? "" : message(error);
    }
  }

  /** The account's regions; asked first where they are not known yet. */
  async regions(): Promise<string[]> {
    if (this.info === undefined) await this.refresh();
    return this.info?.regions ?? [this.region];
  }

  setTheme(theme: Theme): void {
    document.documentElement.dataset.theme = theme; // before what is drawn reads its colours
    this.theme = theme;
    localStorage.setItem("kumoi-theme", theme);
  }

  /** Go there at once: a browser tells of a new address only later, and a key may be pressed before. */
  go(screen: string, argument = ""): void {
    location.hash = argument === "" ? screen : `${screen}/${encodeURIComponent(argument)}`;
    this.arrive();
  }

  /** Read the address. */
  arrive(): void {
    const [screen = "", ...rest] = location.hash.slice(1).split("/");
    this.screen = screen === "" ? "map" : screen;
    this.argument = decodeURIComponent(rest.join("/"));
  }
}

export function message(error: unknown): string {
  if (error instanceof ApiError && error.code !== "") return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

export const session = new Session();
