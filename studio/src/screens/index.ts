// The screens, in the order of the rail. A new one is a file in this folder and an entry here.

import type { Component } from "svelte";

export interface Screen {
  /** The name in the address (`#map`). */
  id: string;
  title: string;
  /** The letter after `g` that leads there. */
  key: string;
  /** An icon's path, 24×24, drawn with strokes. */
  icon: string;
  load: () => Promise<{ default: Component }>;
}

export const screens: Screen[] = [
  {
    id: "map",
    title: "Map",
    key: "m",
    icon: "M5 5h4v4H5Z M15 5h4v4h-4Z M10 15h4v4h-4Z M9 7h6 M7 9v3.5c0 1.4 1.1 2.5 2.5 2.5 M17 9v3.5c0 1.4-1.1 2.5-2.5 2.5",
    load: () => import("./Map.svelte"),
  },
  {
    id: "traces",
    title: "Traces",
    key: "t",
    icon: "M4 6h10 M8 12h9 M13 18h7",
    load: () => import("./Traces.svelte"),
  },
  {
    id: "logs",
    title: "Logs",
    key: "l",
    icon: "M5 4h14v16H5Z M8.5 8.5h7 M8.5 12h7 M8.5 15.5h4",
    load: () => import("./Logs.svelte"),
  },
  {
    id: "executions",
    title: "Executions",
    key: "e",
    icon: "M4 4h6v5H4Z M14 15h6v5h-6Z M7 9v4.5c0 2.2 1.8 4 4 4h3",
    load: () => import("./Executions.svelte"),
  },
  {
    id: "data",
    title: "Data",
    key: "d",
    icon: "M4 6c0-1.1 3.6-2 8-2s8 .9 8 2-3.6 2-8 2-8-.9-8-2Z M4 6v12c0 1.1 3.6 2 8 2s8-.9 8-2V6 M4 12c0 1.1 3.6 2 8 2s8-.9 8-2",
    load: () => import("./Data.svelte"),
  },
  {
    id: "mail",
    title: "Mail",
    key: "i",
    icon: "M4 6h16v12H4Z M4 7l8 6 8-6",
    load: () => import("./Mail.svelte"),
  },
  {
    id: "metrics",
    title: "Metrics",
    key: "x",
    icon: "M4 4v16h16 M7.5 15l3.5-4.5 3 2.5L19 7",
    load: () => import("./Metrics.svelte"),
  },
  {
    id: "break",
    title: "Break",
    key: "b",
    icon: "M13 2 5 13h6l-1 9 9-12h-6Z",
    load: () => import("./Break.svelte"),
  },
  {
    id: "cost",
    title: "Cost",
    key: "c",
    icon: "M12 2.5v19 M16.5 7c-.6-1.6-2.3-2.5-4.5-2.5-2.6 0-4.5 1.3-4.5 3.5 0 5 9.5 2.6 9.5 7.8 0 2.3-2 3.7-5 3.7-2.6 0-4.5-1.1-5-3",
    load: () => import("./Cost.svelte"),
  },
];
