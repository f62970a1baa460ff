// How the platform drives a program: start a function, see what it asks for, answer, take what it made of it.
// The built-ins it needs are taken before the program can change them.
(function () {
  'use strict';
  const stringify = JSON.stringify, parse = JSON.parse;
  const RealDate = Date, PromiseResolve = Promise.resolve.bind(Promise);
  let state, waiting, counter = 0, frozen = null;

  function reset() {
    state = { done: false, value: null, error: null, log: [], asked: [], effects: [] };
    waiting = new Map();
  }
  function finish(value) {
    if (state.done) return;
    try {
      const text = stringify(value);
      state.value = text === undefined ? null : text;
    } catch (error) {
      return fail(error);
    }
    state.done = true;
  }
  function fail(error) {
    if (state.done) return;
    state.done = true;
    const thrown = error !== null && typeof error === 'object';
    state.error = {
      name: thrown && error.name ? String(error.name) : 'Error',
      message: thrown && 'message' in error ? String(error.message) : String(error),
      stack: thrown && error.stack ? String(error.stack) : '',
    };
  }
  function shown(value) {
    if (typeof value === 'string') return value;
    if (value instanceof Error) return String(value.stack || value);
    try {
      const text = stringify(value);
      return text === undefined ? String(value) : text;
    } catch (error) {
      return String(value);
    }
  }
  reset();

  const kumoi = {
    start(program, args, now) {
      reset();
      frozen = now;
      if (typeof program !== 'function') return fail(new TypeError('the program has no such function'));
      try {
        const result = program.apply(undefined, parse(args));
        if (result !== null && typeof result === 'object' && typeof result.then === 'function') {
          PromiseResolve(result).then(finish, fail);
        } else {
          finish(result);
        }
      } catch (error) {
        fail(error);
      }
    },
    // Start and take at once: most programs are done then.
    run(program, args, now) {
      kumoi.start(program, args, now);
      return kumoi.take();
    },
    take() {
      const told = stringify(state);
      state.asked = [];
      return told;
    },
    answer(id, ok, text) {
      const settle = waiting.get(id);
      waiting.delete(id);
      if (settle === undefined) return;
      if (ok) settle[0](text === '' ? undefined : parse(text));
      else settle[1](new Error(text));
    },
    ask(kind, value) {
      return new Promise((resolve, reject) => {
        const id = ++counter;
        waiting.set(id, [resolve, reject]);
        state.asked.push([id, kind, value]);
      });
    },
    effect(kind, value) { state.effects.push([kind, value]); },
    log(...values) { state.log.push(values.map(shown).join(' ')); },
  };

  class FrozenDate extends RealDate {
    constructor(...given) {
      if (given.length === 0 && frozen !== null) super(frozen);
      else super(...given);
    }
    static now() { return frozen === null ? RealDate.now() : frozen; }
  }
  globalThis.Date = FrozenDate;

  const refuse = function () { throw new EvalError('Code generation from strings disallowed for this context'); };
  for (const sample of [function () {}, async function () {}, function* () {}, async function* () {}]) {
    Object.defineProperty(Object.getPrototypeOf(sample), 'constructor', { value: refuse, configurable: false });
  }
  globalThis.Function = refuse;
  for (const name of ['eval', 'SharedArrayBuffer', 'Atomics', 'gc', 'print', 'navigator', 'performance', 'queueMicrotask']) {
    delete globalThis[name];
  }
  globalThis.console = { log: kumoi.log };
  return kumoi;
})()
