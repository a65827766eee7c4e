/** The address that Vite gives to a file. */
declare module "*?url" {
  const url: string;
  export default url;
}
