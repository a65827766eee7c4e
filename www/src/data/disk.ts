/** A row of a sealed collection, as it lies in the browser's database. */
export interface DiskRow {
  key: string;
  /** What stands beside the sealed bytes in the clear, by name. */
  clear: [name: string, value: string][];
  envelope: Uint8Array;
}

interface Kept {
  sealed?: unknown;
  [name: string]: unknown;
}

const times = ["created", "modified", "expires"];

/** Reads the rows of an object store past tidekeep, as anyone can who has a copy of the disk. */
export async function readDisk(database: string, store: string): Promise<DiskRow[]> {
  const connection = await settled(indexedDB.open(database));
  try {
    if (!connection.objectStoreNames.contains(store)) return [];
    const rows: unknown[] = await settled(connection.transaction(store).objectStore(store).getAll());
    return rows.flatMap(rowOf);
  } finally {
    connection.close();
  }
}

function rowOf(row: unknown): DiskRow[] {
  const { _tidekeep: kept, ...own } = row as { _tidekeep?: Kept } & Record<string, unknown>;
  if (!(kept?.sealed instanceof Uint8Array)) return [];
  const { sealed, ...system } = kept;
  const clear = [...Object.entries(own), ...Object.entries(system)].filter(([, value]) => value !== undefined);
  return [
    {
      key: String(Object.values(own)[0] ?? ""),
      clear: clear.map(([name, value]) => [name, times.includes(name) ? timeOf(value) : textOf(value)]),
      envelope: sealed as Uint8Array,
    },
  ];
}

const timeOf = (value: unknown): string => new Date(Number(value)).toISOString();
const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error ?? new Error("IndexedDB gave no reason")));
  });
}
