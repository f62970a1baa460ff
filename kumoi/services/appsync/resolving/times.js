// `util.time` by patterns of Java's DateTimeFormatter, as java_times.py has it for templates. There is no data of time
// zones here: zones are UTC or offsets such as +05:30.
(function () {
  'use strict';
  const fail = (text) => util.error(text, 'MappingTemplate');
  const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
  const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
  const DIGITS = 'yudHkhKmsSML', LONGEST = 256;
  const padded = (number, count) => String(number).padStart(count, '0');
  const called = (names, number, count) => (count === 3 ? names[number].slice(0, 3) : count === 5 ? names[number][0] : names[number]);

  // Minutes east of Greenwich.
  function zone(name) {
    if (name === undefined || name === null || ['', 'Z', 'UTC', 'GMT'].includes(name)) return 0;
    const match = /^(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?$/.exec(name);
    if (!match) fail(`The time zone ${name} is not known to code: give an offset such as +05:30`);
    const minutes = Number(match[2]) * 60 + Number(match[3] || 0);
    if (minutes > 1080) fail(`Unknown time-zone ID: ${name}`);
    return match[1] === '-' ? -minutes : minutes;
  }

  function pieces(pattern) {
    const text = String(pattern);
    if (text.length > LONGEST) fail(`A pattern has up to ${LONGEST} characters`);
    const found = [], piece = /'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+/y;
    while (piece.lastIndex < text.length) {
      const match = piece.exec(text);
      if (!match) fail(`Pattern ends with an incomplete string literal: ${text}`);
      if (match[2]) found.push({ letter: match[2], count: match[0].length });
      else found.push({ text: match[1] === undefined ? match[0] : match[1].replace(/''/g, "'") || "'" });
    }
    return found;
  }

  function offset(minutes, letter, count) {
    const sign = minutes < 0 ? '-' : '+', hours = padded(Math.floor(Math.abs(minutes) / 60), 2), rest = padded(Math.abs(minutes) % 60, 2);
    if (minutes === 0 && (letter === 'X' || (letter === 'Z' && count === 5))) return 'Z';
    if (letter === 'Z' && count === 4) return minutes ? `GMT${sign}${hours}:${rest}` : 'GMT';
    if (letter !== 'Z' && count === 1) return `${sign}${hours}${rest === '00' ? '' : rest}`;
    return `${sign}${hours}${count === 5 || (count === 3 && letter !== 'Z') ? ':' : ''}${rest}`;
  }

  function formatted(milliseconds, pattern, where) {
    const east = zone(where), local = new Date(Number(milliseconds) + east * 60000);
    if (Number.isNaN(local.getTime())) fail(`${milliseconds} is no time`);
    const year = local.getUTCFullYear(), month = local.getUTCMonth(), hour = local.getUTCHours();
    const day = Math.floor((Date.UTC(year, month, local.getUTCDate()) - Date.UTC(year, 0, 1)) / 86400000) + 1;
    const passed = ((hour * 60 + local.getUTCMinutes()) * 60 + local.getUTCSeconds()) * 1000 + local.getUTCMilliseconds();
    const numbers = {
      M: month + 1, L: month + 1, d: local.getUTCDate(), D: day, e: local.getUTCDay() + 1, H: hour, k: hour || 24, h: hour % 12 || 12,
      K: hour % 12, m: local.getUTCMinutes(), s: local.getUTCSeconds(), n: local.getUTCMilliseconds() * 1000000, A: passed,
      Q: Math.floor(month / 3) + 1,
    };
    return pieces(pattern).map(({ letter, count, text }) => {
      if (!letter) return text;
      if ((letter === 'M' || letter === 'L') && count > 2) return called(MONTHS, month, count);
      if (letter === 'E' || (letter === 'e' && count > 2)) return called(DAYS, local.getUTCDay(), Math.max(count, 3));
      if (letter === 'y' || letter === 'u') return count === 2 ? padded(year % 100, 2) : padded(year, count);
      if (letter === 'S') return padded(local.getUTCMilliseconds(), 3).padEnd(9, '0').slice(0, count);
      if (letter === 'a') return hour < 12 ? 'AM' : 'PM';
      if (letter in numbers) return padded(numbers[letter], count);
      if ('ZxX'.includes(letter)) return offset(east, letter, count);
      if (letter === 'z' || letter === 'V') return east === 0 ? 'UTC' : `UTC${offset(east, 'x', 3)}`;
      return fail(`Unknown pattern letter: ${letter}`);
    }).join('');
  }

  const months = MONTHS.map((one) => `${one}|${one.slice(0, 3)}`).join('|'), days = DAYS.map((one) => `${one}|${one.slice(0, 3)}`).join('|');
  const number = (count) => (count === 1 ? '\\d{1,9}' : `\\d{${Math.min(count, 9)}}`);
  function expression(letter, count) {
    if ((letter === 'M' || letter === 'L') && count > 2) return months;
    if (DIGITS.includes(letter)) return number(count);
    return { E: days, a: 'AM|PM|am|pm', Z: '', x: '', X: '', z: 'UTC|GMT|Z', V: 'UTC|GMT|Z' }[letter] ?? fail(`Text cannot be parsed by the letter ${letter} of a pattern`);
  }

  function parsed(text, pattern, where) {
    const letters = [], parts = [];
    let openEnded = false;
    for (const { letter, count, text: plain } of pieces(pattern)) {
      // A number of any width ends where no digit follows: else there are too many ways to read a text.
      if (openEnded && (letter ? DIGITS.includes(letter) : /^\d/.test(plain))) fail(`${pattern} has a number that nothing ends`);
      openEnded = Boolean(letter) && DIGITS.includes(letter) && count === 1;
      if (!letter) parts.push(plain.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
      else if (letters.includes(letter)) fail(`Text cannot be parsed by the letter ${letter} of ${pattern}`);
      else {
        letters.push(letter);
        parts.push(`(${expression(letter, count) || 'Z|(?:GMT)?[+-]\\d{2}:?(?:\\d{2})?|GMT'})`);
      }
    }
    const match = String(text).length <= LONGEST ? new RegExp(`^${parts.join('')}$`).exec(text) : null;
    if (!match) fail(`Text '${String(text).slice(0, LONGEST)}' could not be parsed by ${pattern}`);
    const found = {};
    letters.forEach((letter, at) => { found[letter] = match[at + 1]; });
    const month = found.M ?? found.L ?? '1', year = found.y ?? found.u ?? '1970';
    const named = /^\d/.test(month) ? Number(month) : MONTHS.findIndex((one) => one.startsWith(month.slice(0, 3))) + 1;
    let hour = Number(found.H ?? found.k ?? found.h ?? found.K ?? 0) % 24;
    if ('h' in found || 'K' in found) hour = (hour % 12) + ((found.a || '').toUpperCase() === 'PM' ? 12 : 0);
    const given = ['Z', 'x', 'X', 'z', 'V'].map((letter) => found[letter]).find((one) => one !== undefined);
    const [full, day] = [Number(year) + (year.length === 2 ? 2000 : 0), Number(found.d ?? 1)];
    const local = new Date(0);
    local.setUTCFullYear(full, named - 1, day);
    local.setUTCHours(hour, Number(found.m ?? 0), Number(found.s ?? 0), Math.floor(Number((found.S ?? '0').padEnd(9, '0')) / 1000000));
    if (local.getUTCMonth() !== named - 1 || local.getUTCDate() !== day) fail(`Text '${text}' could not be parsed: no such day`);
    return local.getTime() - zone(given ?? where) * 60000;
  }

  Object.assign(util.time, {
    nowFormatted: (pattern, where) => formatted(Date.now(), pattern, where),
    epochMilliSecondsToFormatted: formatted,
    parseFormattedToEpochMilliSeconds: parsed,
  });
})
