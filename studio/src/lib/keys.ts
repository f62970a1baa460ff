// Keys: a list moves with j and k (and the arrows); single letters are left alone while somebody types.

export function typing(event: KeyboardEvent): boolean {
  const target = event.target;
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}

/** Where j/k (or the arrows) lead from `index` in a list of `length`; undefined for other keys. */
export function step(event: KeyboardEvent, index: number, length: number): number | undefined {
  if (typing(event) || event.ctrlKey || event.metaKey || event.altKey || length === 0) return undefined;
  if (event.key === "j" || event.key === "ArrowDown") return Math.min(index + 1, length - 1);
  if (event.key === "k" || event.key === "ArrowUp") return Math.max(index - 1, 0);
  return undefined;
}
