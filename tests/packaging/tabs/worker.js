import { run } from "/tabs/program.js";

onmessage = async ({ data }) => postMessage(await run(data));
