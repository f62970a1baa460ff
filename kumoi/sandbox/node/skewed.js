"use strict";
/*
 * A clock that is off: `new Date()`, `Date()` and `Date.now()` are so many milliseconds early or late. The system's clock
 * belongs to the machine. Monotonic clocks, and programs that the function starts, are not off.
 */

function skew(milliseconds) {
  const Real = Date;
  const now = () => Real.now() + milliseconds;
  function Skewed(...given) {
    if (!new.target) return new Real(now()).toString();
    return Reflect.construct(Real, given.length ? given : [now()], new.target === Skewed ? Real : new.target);
  }
  Object.defineProperty(Skewed, "name", { value: "Date" });
  Object.defineProperty(Skewed, "length", { value: 7 });
  Skewed.prototype = Real.prototype;
  Object.defineProperty(Real.prototype, "constructor", { value: Skewed, writable: true, configurable: true });
  for (const name of ["parse", "UTC"]) Object.defineProperty(Skewed, name, { value: Real[name], writable: true, configurable: true });
  Object.defineProperty(Skewed, "now", { value: now, writable: true, configurable: true });
  globalThis.Date = Skewed;
}

module.exports = { skew };
