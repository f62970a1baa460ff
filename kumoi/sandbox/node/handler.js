"use strict";
/* Finds and loads the handler that a function's configuration names: "dir/file.export.nested". */

const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const EXTENSIONS = [".js", ".mjs", ".cjs"];

class RuntimeFault extends Error {
  constructor(kind, message, stack) {
    super(message);
    this.name = `Runtime.${kind}`;
    if (stack) this.stack = `${this.name}: ${message}\n${stack}`;
  }
}

async function loadHandler(task, text) {
  const directory = path.dirname(text);
  const base = path.basename(text);
  if (text.includes("..")) {
    throw new RuntimeFault("MalformedHandlerName", `'${text}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const match = /^([^.]*)\.(.*)$/.exec(base);
  if (!match) throw new RuntimeFault("MalformedHandlerName", "Bad handler");
  const [, file, names] = match;
  const loaded = await load(path.resolve(task, directory, file), `${directory === "." ? "" : `${directory}/`}${file}`, task);
  const found = resolve(loaded, names) ?? (loaded && loaded.default ? resolve(loaded.default, names) : undefined);
  if (found === undefined) {
    throw new RuntimeFault("HandlerNotFound", `${text} is undefined or not exported`);
  }
  if (typeof found !== "function") throw new RuntimeFault("HandlerNotFound", `${text} is not a function`);
  return found;
}

async function load(place, shown, task) {
  const file = [place, ...EXTENSIONS.map((extension) => place + extension)].find((candidate) => isFile(candidate));
  try {
    if (file === undefined) {
      return require(require.resolve(shown, { paths: [task, ...(process.env.NODE_PATH || "").split(":").filter(Boolean)] }));
    }
    if (!isModule(file)) return require(file);
    lookInNodePath();
    return await import(pathToFileURL(file).href);
  } catch (error) {
    throw asFault(error, shown);
  }
}

/** NODE_PATH is for CommonJS alone; AWS's runtimes honour it for ES modules as well. */
function lookInNodePath() {
  const roots = (process.env.NODE_PATH || "").split(":").filter((root) => root && fs.existsSync(root));
  if (roots.length) {
    require("node:module").register(pathToFileURL(path.join(__dirname, "resolve.mjs")), { data: roots });
  }
}

function asFault(error, shown) {
  if (error instanceof SyntaxError) return new RuntimeFault("UserCodeSyntaxError", String(error), error.stack);
  if (error && (error.code === "MODULE_NOT_FOUND" || error.code === "ERR_MODULE_NOT_FOUND")) {
    let message = `Error: ${error.message}`;
    if (/@aws-sdk\/|@smithy\//.test(error.message)) {
      message +=
        "\nAWS's Node.js runtimes bundle the AWS SDK for JavaScript v3. Kumoi shows the one installed on this machine: " +
        "`kumoi runtime install nodejs` or `npm install -g @aws-sdk/client-…`, or package it with the function.";
    }
    return new RuntimeFault("ImportModuleError", message, error.stack);
  }
  return error;
}

function isFile(candidate) {
  return fs.statSync(candidate, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** Whether a file is an ES module: by its extension, or by the nearest package.json. */
function isModule(file) {
  if (file.endsWith(".mjs")) return true;
  if (!file.endsWith(".js")) return false;
  for (let directory = path.dirname(file); ; directory = path.dirname(directory)) {
    const manifest = path.join(directory, "package.json");
    if (isFile(manifest)) {
      return JSON.parse(fs.readFileSync(manifest, "utf8")).type === "module";
    }
    if (directory === path.dirname(directory)) return false;
  }
}

function resolve(object, names) {
  return names.split(".").reduce((value, name) => (value === undefined || value === null ? undefined : value[name]), object);
}

module.exports = { loadHandler, STREAMING };
