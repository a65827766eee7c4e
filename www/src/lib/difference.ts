/** A piece of a text, and whether the other text has it, too. */
export interface Piece {
  text: string;
  own: boolean;
}

/** Comparing more pairs of words than this takes too long for what it tells. */
const most = 4_000_000;

/** Takes two texts apart by words, into what they have in common, in order, and what only one of them has. */
export function difference(one: string, other: string): [Piece[], Piece[]] {
  const words = (text: string): string[] => text.match(/\S+\s*|\s+/g) ?? [];
  const [a, b] = [words(one), words(other)];
  const common = a.length * b.length > most ? [] : shared(a, b);
  const own = (all: string[], taken: ReadonlySet<number>) =>
    merged(all.map((text, at) => ({ text, own: !taken.has(at) })));
  return [own(a, new Set(common.map(([at]) => at))), own(b, new Set(common.map(([, at]) => at)))];
}

/** Positions of the longest sequence of words that both have. */
function shared(a: string[], b: string[]): [number, number][] {
  const width = b.length + 1;
  // How long it is from word i of the one and word j of the other to their ends.
  const lengths = new Uint16Array((a.length + 1) * width);
  const length = (i: number, j: number) => lengths[i * width + j] ?? 0;
  const same = (i: number, j: number) => a[i]?.trim() === b[j]?.trim();
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      lengths[i * width + j] = same(i, j) ? length(i + 1, j + 1) + 1 : Math.max(length(i + 1, j), length(i, j + 1));
  const found: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (same(i, j)) found.push([i++, j++]);
    else if (length(i + 1, j) >= length(i, j + 1)) i += 1;
    else j += 1;
  }
  return found;
}

/** Joins what lies side by side and is of one kind. */
function merged(pieces: Piece[]): Piece[] {
  const joined: Piece[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (last?.own === piece.own) last.text += piece.text;
    else joined.push(piece);
  }
  return joined;
}
