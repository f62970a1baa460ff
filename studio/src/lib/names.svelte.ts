// What people call nodes: logical ids of templates and names of APIs, instead of generated names.

import { ask } from "./api";
import { session } from "./session.svelte";

class Names {
  private labels = $state.raw(new Map<string, string>());
  private loading: Promise<void> | undefined;

  /** Read the names of the account anew; callers need not wait. */
  refresh(): void {
    this.loading ??= ask<{ nodes: { id: string; label: string }[] }>("GET", "map", { account: session.account })
      .then(
        (found) => (this.labels = new Map(found.nodes.map((node) => [node.id, node.label]))),
        () => undefined,
      )
      .then(() => (this.loading = undefined));
  }

  of(node: string): string {
    const known = this.labels.get(node);
    if (known !== undefined) return known;
    const at = node.indexOf(":");
    return (at < 0 ? node : node.slice(at + 1)).replace(/^.+-([A-Za-z0-9]+)-[0-9a-f]{12}$/, "$1");
  }
}

export const names = new Names();
