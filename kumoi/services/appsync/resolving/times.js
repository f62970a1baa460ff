// `util.time` by patterns of Java's DateTimeFormatter, as java_times.py has it for templates. There is no data of time
// zones here: the host gives those that are named in the program or in what it is called with (`kumoi.zones`).
(function (kumoi) {
  'use strict';
  const fail = (text) => util.error(text, 'MappingTemplate');
  const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
  const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
  const DIGITS = 'yudHkhKmsSML', LONGEST = 256;
  const padded = (number, count) => String(number).padStart(count, '0');
  const called = (names, number, count) => (count === 3 ? names[number].slice(0, 3) : count === 5 ? names[number][0] : names[number]);

  // A zone: its id, and what a moment is in it: minutes east of Greenwich, and what that is called.
  function zone(name) {
    if (name === undefined || name === null || ['', 'Z', 'UTC', 'GMT'].includes(name)) return fixed(0);
    const match = /^(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?$/.exec(name);
    if (match) {
      const minutes = Number(match[2]) * 60 + Number(match[3] || 0);
      if (minutes > 1080) fail(`Unknown time-zone ID: ${name}`);
      return fixed(match[1] === '-' ? -minutes : minutes);
    }
    if (!Object.hasOwn(kumoi.zones, name)) fail(`Unknown time-zone ID: ${name}`);
    const changes = kumoi.zones[name];
    const at = (moment) => {
      let first = 0, behind = changes.length;
      while (behind - first > 1) {
        const middle = (first + behind) >> 1;
        if (changes[middle][0] <= moment) first = middle; else behind = middle;
      }
      return { east: changes[first][1], called: changes[first][2] };
    };
    return { id: name, at };
  }
  function fixed(minutes) {
    const called = minutes === 0 ? 'UTC' : `UTC${offset(minutes, 'x', 3)}`;
    return { id: called, at: () => ({ east: minutes, called }) };
  }

  // The moment of a local time: the earlier one where clocks show it twice, as before the change where they never do.
  function moment(local, where) {
    const before = where.at(local - 86400000).east, after = where.at(local + 86400000).east;
    for (const east of [before, after]) if (where.at(local - east * 60000).east === east) return local - east * 60000;
    return local - before * 60000;
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
    const place = zone(where), { east, called: shown } = place.at(Number(milliseconds)), local = new Date(Number(milliseconds) + east * 60000);
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
      if (letter === 'z' || letter === 'V') return letter === 'V' ? place.id : shown;
      return fail(`Unknown pattern letter: ${letter}`);
    }).join('');
  }

  const months = MONTHS.map((one) => `${one}|${one.slice(0, 3)}`).join('|'), days = DAYS.map((one) => `${one}|${one.slice(0, 3)}`).join('|');
  const REGION = '[A-Za-z_]+(?:/[A-Za-z_+-]+)*';
  const number = (count) => (count === 1 ? '\\d{1,9}' : `\\d{${Math.min(count, 9)}}`);
  function expression(letter, count) {
    if ((letter === 'M' || letter === 'L') && count > 2) return months;
    if (DIGITS.includes(letter)) return number(count);
    return { E: days, a: 'AM|PM|am|pm', Z: '', x: '', X: '', z: REGION, V: REGION }[letter] ?? fail(`Text cannot be parsed by the letter ${letter} of a pattern`);
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
    return moment(local.getTime(), zone(given ?? where));
  }

  Object.assign(util.time, {
    nowFormatted: (pattern, where) => formatted(Date.now(), pattern, where),
    epochMilliSecondsToFormatted: formatted,
    parseFormattedToEpochMilliSeconds: parsed,
  });
})
