// What the module asks of the package's scripts. They are lent to it before it starts, and it imports this one script in
// the place of each: the server of wasm-bindgen's browser tests stops answering once a page loads many at a time.

const lent = {};

/** Lends functions, by name, to the module. */
export const lend = (functions) => Object.assign(lent, functions);

export const storageError = (...given) => lent.storageError(...given);
export const refusal = (...given) => lent.refusal(...given);
export const until = (...given) => lent.until(...given);
export const compile = (...given) => lent.compile(...given);
export const deviceKey = (...given) => lent.deviceKey(...given);
export const keyKind = (...given) => lent.keyKind(...given);
export const mac = (...given) => lent.mac(...given);
export const wrap = (...given) => lent.wrap(...given);
export const unwrap = (...given) => lent.unwrap(...given);
export const provided = (...given) => lent.provided(...given);
export const transaction = (...given) => lent.transaction(...given);
export const createPasskey = (...given) => lent.createPasskey(...given);
export const lead = (...given) => lent.lead(...given);
export const bodyText = (...given) => lent.bodyText(...given);
export const listen = (...given) => lent.listen(...given);
export const canWake = (...given) => lent.canWake(...given);
export const askPasskey = (...given) => lent.askPasskey(...given);
export const written = (...given) => lent.written(...given);
