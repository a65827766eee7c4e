/** What the service worker is told of the build it belongs to. */
export interface Precache {
  /** Changes whenever a file of the build does. */
  version: string;
  /** Everything that a start without network needs. */
  shell: string[];
  /** Large reference data, fetched once the shell is safe. */
  data: string[];
}
