// Makes runs repeatable: no clock, no chance, no console of the surroundings.

// 2000-01-01T00:00:00Z
const INSTANT = 946684800000

const { defineProperty } = Object

/* A Date that stands still when it is asked for the present and works as ever for given times. */
const stillDate = () => {
  const RealDate = Date
  const still = function Date (...parts) {
    if (new.target === undefined) return new RealDate(INSTANT).toUTCString()
    const args = parts.length === 0 ? [INSTANT] : parts
    return Reflect.construct(RealDate, args, new.target === still ? RealDate : new.target)
  }
  still.prototype = RealDate.prototype
  defineProperty(RealDate.prototype, 'constructor', { value: still, writable: true, configurable: true, enumerable: false })
  still.now = () => INSTANT
  still.parse = RealDate.parse
  still.UTC = RealDate.UTC
  // The surroundings' time zone must not show: local time is UTC.
  still.prototype.getTimezoneOffset = () => 0
  for (const part of ['FullYear', 'Month', 'Date', 'Day', 'Hours', 'Minutes', 'Seconds', 'Milliseconds']) {
    still.prototype[`get${part}`] = still.prototype[`getUTC${part}`]
    if (part !== 'Day') still.prototype[`set${part}`] = still.prototype[`setUTC${part}`]
  }
  return still
}

/* Mulberry32: small, even and the same everywhere. */
const steadyRandom = () => {
  let state = 0x9e3779b9
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const silence = () => {}

module.exports = () => {
  globalThis.Date = stillDate()
  Math.random = steadyRandom()
  delete globalThis.performance
  const quiet = {}
  for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace', 'table', 'group', 'groupEnd', 'time', 'timeEnd', 'assert', 'dir']) quiet[name] = silence
  globalThis.console = quiet
}
