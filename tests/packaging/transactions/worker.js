import { run } from "/transactions/program.js";

onmessage = async ({ data }) => postMessage(await run(data));
