// Reads what /metrics says.

/** The sum of a metric over all its labels; 0 where it was never recorded. */
export function metric(text, name) {
  const values = text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))
  return [...values].reduce((sum, [, value]) => sum + Number(value), 0)
}
