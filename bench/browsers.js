/** The browsers that are measured in, each by its driver. */

import { drivers, start } from "../tests/packaging/support/webdriver.js";

const root = process.getuid?.() === 0;

const chromium = {
  program: "chromedriver",
  arguments: (port) => [`--port=${port}`],
  capabilities: { "goog:chromeOptions": { args: ["--headless=new", ...(root ? ["--no-sandbox"] : [])] } },
};

export const browsers = { chromium, ...drivers };

export { start };
