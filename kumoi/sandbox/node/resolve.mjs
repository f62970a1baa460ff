/* ES modules look in NODE_PATH, too, as they do in AWS's Node.js runtimes (layers, the bundled SDK). */

import { pathToFileURL } from "node:url";

let parents = [];

export async function initialize(roots) {
  parents = roots.map((root) => pathToFileURL(`${root}/../index.js`).href);
}

export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (error.code !== "ERR_MODULE_NOT_FOUND" || /^[./]|^[a-z]+:/.test(specifier)) throw error;
    for (const parentURL of parents) {
      try {
        return await next(specifier, { ...context, parentURL });
      } catch {
        continue;
      }
    }
    throw error;
  }
}
