// The command palette's commands: those that always are, and those that the open screen adds.

export interface Command {
  title: string;
  hint?: string;
  keys?: string;
  run: () => void;
}

class Commands {
  own = $state<Command[]>([]);

  /** Add the screen's commands; answers how to take them away again. */
  add(commands: Command[]): () => void {
    this.own = commands;
    return () => {
      this.own = [];
    };
  }
}

export const commands = new Commands();

/** Commands whose title has the letters of `typed`, those with the words themselves first. */
export function matching(all: Command[], typed: string): Command[] {
  const wanted = typed.trim().toLowerCase();
  if (wanted === "") return all;
  const scored = all.map((command) => ({ command, score: score(`${command.title} ${command.hint ?? ""}`, wanted) }));
  return scored.filter((one) => one.score > 0).sort((a, b) => b.score - a.score).map((one) => one.command);
}

function score(title: string, wanted: string): number {
  const text = title.toLowerCase();
  const at = text.indexOf(wanted);
  if (at >= 0) return 1000 - at;
  let place = -1;
  let gaps = 0;
  for (const letter of wanted) {
    const next = text.indexOf(letter, place + 1);
    if (next < 0) return 0;
    gaps += next - place - 1;
    place = next;
  }
  return Math.max(500 - gaps, 1);
}
