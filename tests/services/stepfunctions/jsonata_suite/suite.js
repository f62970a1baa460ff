// JSONata's official suite, with an evaluator of somebody else's: `node suite.js`, which asks on its output and reads
// answers from its input, a JSON line each.
//
// The suite is that of 1.0.10, the last version whose npm package has it. Its expectations are of that version; where
// values became others since, 2.0.6 decides, which Step Functions documents. Of errors it is asked whether there is
// one: their texts are each evaluator's own.
const fs = require("fs");
const vm = require("vm");
const chai = require("chai");
const reference = require("jsonata");

const path = require.resolve("jsonata-suite/test/jsonata-test.js");
const [tests, names] = [[], []];
let current;

function ask(question) {
  fs.writeSync(1, `${JSON.stringify(question)}\n`);
  const [bytes, one] = [[], Buffer.alloc(65536)];
  while (bytes.at(-1)?.at(-1) !== 10) {
    const read = fs.readSync(0, one);
    if (!read) throw new Error("nobody answers");
    bytes.push(Buffer.from(one.subarray(0, read)));
  }
  return JSON.parse(Buffer.concat(bytes).toString());
}

/** The evaluator under test, as the suite calls it. */
function jsonata(expression) {
  const bindings = {};
  const put = (given, document) => {
    const told = ask({ expression, document, bindings: given });
    current.asked.push({ expression, document, bindings: given, told });
    if ("error" in told) throw Object.assign(new Error(told.error), { told });
    return told.value;
  };
  const parsed = ask({ expression, parse: true });
  if ("error" in parsed) {
    current.asked.push({ expression, told: parsed });
    throw new Error(parsed.error);
  }
  return {
    assign(name, value) {
      if (typeof value === "function") {
        if (!name.startsWith("__")) current.foreign = true;
      } else bindings[name] = value;
    },
    evaluate: (document, more) => put({ ...bindings, ...more }, document),
  };
}

/** chai's `expect`; that something throws is asked, what it throws is not. */
function expect(given) {
  if (typeof given !== "function") return chai.expect(given);
  const anything = new Proxy(() => anything, { get: () => anything });
  return { to: { throw: () => { chai.expect(given).to.throw(); return anything; } } };
}

const scope = {
  require: (name) => ({ "../jsonata": jsonata, assert: require("assert"), chai: { expect } })[name],
  describe(name, body) {
    names.push(name);
    body.call({ timeout() {} });
    names.pop();
  },
  it(name, body) {
    tests.push({ name: [...names, name].join(" | "), body, asked: [] });
  },
  Date, Error, JSON, Math, console,
};
vm.runInNewContext(fs.readFileSync(path, "utf8"), scope, { filename: path });

/** What the reference makes of a question, in the form of an answer. */
async function referred({ expression, document, bindings }) {
  try {
    const value = await reference(expression).evaluate(document, { ...bindings });
    return value === undefined ? {} : JSON.parse(JSON.stringify({ value }));
  } catch {
    return { error: true };
  }
}

async function main() {
  for (const test of tests) {
    current = test;
    try {
      test.body.call({ timeout() {} });
    } catch (error) {
      test.failure = String(error.message);
    }
    for (const one of test.failure ? test.asked : []) {
      const wanted = await referred(one);
      const same = "error" in wanted ? "error" in one.told : JSON.stringify(wanted) === JSON.stringify(one.told);
      if (!same) test.differs = `${one.expression}: ${JSON.stringify(one.told)}, not ${JSON.stringify(wanted)}`.slice(0, 300);
    }
  }
  const found = tests.map(({ name, failure, differs, foreign }) => ({ name, failure, differs, foreign }));
  fs.writeSync(1, `${JSON.stringify({ found })}\n`);
}

main();
