/** The element of one item, which follows the item's changes. */
export interface Row<T> {
  element: HTMLElement;
  update(item: T): void;
  /** True while someone is typing in it: then it stays, even if its item is gone. */
  busy?(): boolean;
}

/** Makes a function that shows a list of items in `container`, keeping the elements of those that stay. */
export function keyedList<T>(
  container: HTMLElement,
  keyOf: (item: T) => string,
  create: (item: T) => Row<T>,
): (items: readonly T[]) => void {
  const rows = new Map<string, Row<T>>();
  return (items) => {
    const wanted = new Set(items.map(keyOf));
    for (const [key, row] of rows) {
      if (wanted.has(key) || row.busy?.()) continue;
      row.element.remove();
      rows.delete(key);
    }
    let position = container.firstElementChild;
    for (const item of items) {
      const key = keyOf(item);
      const row = rows.get(key) ?? create(item);
      rows.set(key, row);
      row.update(item);
      if (row.element === position) position = position.nextElementSibling;
      else container.insertBefore(row.element, position);
    }
  };
}
