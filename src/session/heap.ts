/** What lies in a heap knows its place there, so that any item can be moved or taken out in O(log n). Written by the heap alone. */
export type Placed = { at: number };

/** A binary min-heap. An item is in at most one heap at a time. */
export type Heap<Item extends Placed> = Readonly<{
  size(): number;
  first(): Item | undefined;
  push(item: Item): void;
  remove(item: Item): void;
  /** Restores the order after `item` alone has changed. */
  moved(item: Item): void;
  /** In no order; not to be changed while it is walked. */
  items(): Iterable<Item>;
}>;

export function heap<Item extends Placed>(before: (a: Item, b: Item) => boolean): Heap<Item> {
  const items: Item[] = [];
  const put = (item: Item, at: number) => {
    items[at] = item;
    item.at = at;
  };
  const up = (item: Item, from: number) => {
    let at = from;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = items[parentAt] as Item;
      if (!before(item, parent)) break;
      put(parent, at);
      at = parentAt;
    }
    put(item, at);
  };
  const down = (item: Item, from: number) => {
    let at = from;
    for (let childAt = 2 * at + 1; childAt < items.length; childAt = 2 * at + 1) {
      const left = items[childAt] as Item;
      const right = items[childAt + 1];
      const child = right !== undefined && before(right, left) ? right : left;
      if (!before(child, item)) break;
      const freedAt = child.at;
      put(child, at);
      at = freedAt;
    }
    put(item, at);
  };
  const moved = (item: Item) => {
    up(item, item.at);
    down(item, item.at);
  };
  return {
    size: () => items.length,
    first: () => items[0],
    push(item) {
      items.push(item);
      up(item, items.length - 1);
    },
    remove(item) {
      const last = items.pop();
      if (last === undefined || last === item) return;
      put(last, item.at);
      moved(last);
    },
    moved,
    items: () => items,
  };
}
