/** A count that a long run sets by a variable, and its value here, where continuous integration has minutes only. */
export const count = (variable, here) => Number(process.env[variable] ?? here);

/** The seed of this run, new each time unless it is given. */
export const seed = Number(process.env.TIDEKEEP_SEED ?? Math.floor(Math.random() * 1e9));

/** Says a figure, where a summary is read from. */
export const say = (text) => console.log(`figure: ${text}`);
